//! Servers at the page: a token is handed over, or mended where its clock was set and its server may still expect the old one.

use serde_json::{Value, json};

use super::answers::{Counter, no_inventory};
use crate::cli::inventory::show::deliveries_of;
use crate::cli::server::mended_event;
use crate::cli::server::open::{self, hindered, server_failure};
use crate::cli::store::open_store;
use crate::inventory::{Delivery, TokenRecord};
use crate::job::server::{ByHand, HandOverTerms, Hindrance, hand_over, is_clock_settled, mended_by_hand, plan};
use crate::job::{Failure, find, unopened};
use crate::report::{Audience, HandedToken, MendReport, MendedByHandReport, Report};

impl Counter<'_> {
    /// Mends every server that has the token and may still expect its clock of before.
    ///
    /// # Errors
    /// A usage failure where there is nothing to mend; a failure of the inventory.
    pub(super) fn mend(&self, serial: &str) -> Result<Value, Failure> {
        let token = find::one(self.inventory()?, serial)?;
        let mender = self
            .readers
            .mender()
            .ok_or_else(|| Failure::usage("servers are left alone here", "start tokentap web without --no-mend"))?;
        // Whoever lies about the clock to a server locks the user out there.
        if !is_clock_settled(self.inventory()?, &token.key)? {
            self.readers.check_no_batch()?;
            return Err(Failure::usage(
                "whether its clock was set is not known: the last job on it did not come to its end",
                "lay the token on a reader: that sets its clock, and mends the server",
            ));
        }
        // Its clock is not moved now: only what was left open is mended.
        let mut done = mender.mend(&token, 0.0, self.readers.opener().as_ref());
        for one in &mut done {
            // Codes are for whoever has the token in hand: here anybody could have some of any token.
            one.by_hand = one.by_hand.take().map(|_| ByHand::OffDisplay);
        }
        if done.is_empty() {
            self.readers.check_no_batch()?;
            return Err(Failure::usage("nothing is left to mend, by the record", "lay the token on a reader first"));
        }
        let reports: Vec<MendReport> = done.iter().map(|after| MendReport::read_at(after, Audience::Page)).collect();
        let words: Vec<&str> = reports.iter().map(|report| report.words.as_str()).collect();
        let is_open = reports.iter().any(|report| report.is_open);
        if !is_open {
            self.readers.settled(&token.key.serial);
        }
        Ok(json!({ "words": words, "open": is_open }))
    }

    /// Keeps on record that somebody has mended a token at the server's own page.
    ///
    /// # Errors
    /// A usage failure: a server or a token that is not known; a failure of the inventory.
    pub(super) fn mended(&self, serial: &str, server: &str) -> Result<Value, Failure> {
        let inventory = self.inventory()?;
        let record = open::record(inventory, server)?;
        let token = find::one(inventory, serial)?;
        let said = mended_event(self.global, &token.key, &record.name);
        let was_open = mended_by_hand(inventory, &record.name, &said)?;
        if self.unmended(&token)?.is_empty() {
            self.readers.settled(&token.key.serial);
        }
        let report = MendedByHandReport { server: record.name, serial: token.name(), was_open };
        Ok(json!({ "words": report.text() }))
    }

    /// Hands a burned token over to a server.
    ///
    /// # Errors
    /// A failure of the inventory, of the server, or what stands in the way of the token.
    pub(super) fn hand_over(&self, serial: &str, server: &str) -> Result<Value, Failure> {
        let token = find::one(self.inventory()?, serial)?;
        let opener = self.opener_of_seeds()?;
        self.check_unattended(server)?;
        let store = open_store(self.global).map_err(|error| unopened(&error))?;
        let store = store.ok_or_else(no_inventory)?;
        let opened = open::open(&store, server, Some(&opener.0))?;
        let key = token.key.clone();
        opened.work(self.global.remark.as_deref(), store.inventory(), |work| {
            let wanted = vec![(key.clone(), Some(token))];
            let planned = plan(work, &opener.0, wanted, HandOverTerms::default())
                .map_err(|error| server_failure(server, error))?;
            let in_the_way = |why| hindered(server, Some(&key), why);
            let planned = planned.into_iter().map(|(_, one)| one).next().unwrap_or(Err(Hindrance::Unseen));
            let handed = hand_over(work, &planned.map_err(in_the_way)?).map_err(in_the_way)?;
            Ok(json!({ "words": HandedToken::done(server, &key, &Ok(handed), Audience::Page).line() }))
        })
    }

    /// A server at which somebody has to sign in at a page of its own each time is for the terminal: whoever works here would wait for it.
    ///
    /// # Errors
    /// A usage failure.
    pub(super) fn check_unattended(&self, server: &str) -> Result<(), Failure> {
        open::record(self.inventory()?, server)?;
        if open::is_by_person(self.inventory()?, server) {
            return Err(Failure::usage(
                format!("somebody has to sign in at {server} each time"),
                format!("do it in a terminal: tokentap hand-over {server} --identity FILE"),
            ));
        }
        Ok(())
    }

    /// The servers that may still expect the token's clock of before.
    pub(super) fn unmended(&self, token: &TokenRecord) -> Result<Vec<Delivery>, Failure> {
        let deliveries = deliveries_of(self.inventory()?, token)?;
        Ok(deliveries.into_iter().filter(|delivery| delivery.unmended.is_some()).collect())
    }
}
