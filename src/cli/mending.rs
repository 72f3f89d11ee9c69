//! Servers that are made to accept a token's codes again after its clock was set: those that were named, opened before the token is
//! touched.

use super::args::{Global, MendArgs};
use super::output::Output;
use super::server::open::{self, Opened};
use super::store::{Store, open_store};
use crate::device::Info;
use crate::inventory::{Inventory, SlotKey, TokenRecord, open_of};
use crate::job::server::{ByHand, Hindrance, MendTerms, codes_before, left_open, mend, stated};
use crate::job::{Failure, Opener, SeedChoice, unopened};
use crate::report::{MendReport, hindrance_fact};
use crate::seedfile::Row;
use crate::time::{HostClock, SystemClock};

/// The servers that are mended after a write.
pub struct Mending {
    store: Store,
    servers: Vec<Opened>,
    opener: Option<Opener>,
    re_enrols: bool,
}

impl Mending {
    /// Opens the servers that the arguments name; `None` where they name none.
    ///
    /// # Errors
    /// A failure of the inventory, of a server's record, or of its credential.
    pub fn of(
        global: &Global,
        args: &MendArgs,
        opener: Option<Opener>,
        output: &Output,
    ) -> Result<Option<Self>, Failure> {
        if args.mend.is_empty() {
            return Ok(None);
        }
        let store = open_store(global).map_err(|error| unopened(&error))?.ok_or_else(|| {
            Failure::usage(
                "--mend asks the inventory where the server is, and there is none",
                "name one with --inventory FILE",
            )
        })?;
        let identity = opener.as_ref().map(|opener| &opener.0);
        let servers =
            args.mend.iter().map(|name| open::open(&store, name, identity, output)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self { store, servers, opener, re_enrols: args.re_enrol }))
    }

    /// Makes each server accept the codes of a token whose clock was just set. `seed` is what the command was given.
    pub fn carry_out(&self, global: &Global, info: &Info, seed: Option<&SeedChoice>) -> Vec<MendReport> {
        let books = self.store.inventory();
        let key = SlotKey::only(info.serial.as_str());
        let token = books.token(&key).ok().flatten();
        let row = token.as_ref().ok_or(Hindrance::Unseen).and_then(|token| self.row(books, token, info, seed));
        self.servers.iter().map(|server| self.one(global, server, token.as_ref(), &row)).collect()
    }

    fn one(
        &self,
        global: &Global,
        opened: &Opened,
        token: Option<&TokenRecord>,
        row: &Result<Row, Hindrance>,
    ) -> MendReport {
        let (name, kind) = (opened.record.name.as_str(), opened.settings.kind);
        let books = self.store.inventory();
        let terms = MendTerms { re_enrols: self.re_enrols };
        let report = opened.work(global, books, &mut |work| {
            Ok(match (token, row) {
                (Some(token), Ok(row)) => {
                    let mended = mend(work, token, row, terms);
                    match &mended {
                        // Somebody can still do it at the server's page.
                        Err(why @ Hindrance::Server(_)) => {
                            let codes = Some(codes_before(row, SystemClock::new().now().wall.timestamp(), 2));
                            MendReport::by_hand(name, &ByHand { kind, codes }, &hindrance_fact(why))
                        }
                        mended => MendReport::of(name, kind, mended),
                    }
                }
                (Some(token), Err(why)) => {
                    let _ = left_open(work, &token.key, kind);
                    MendReport::by_hand(name, &ByHand { kind, codes: None }, &hindrance_fact(why))
                }
                (None, _) => MendReport::of(name, kind, &Err(Hindrance::Unseen)),
            })
        });
        report.unwrap_or_else(|failure: Failure| {
            let why = crate::report::fact(&failure.problem);
            MendReport::by_hand(name, &ByHand { kind, codes: None }, &why)
        })
    }

    /// The seed of a token with its profile: the one that was given, or the sealed one.
    fn row(
        &self,
        books: &dyn Inventory,
        token: &TokenRecord,
        info: &Info,
        seed: Option<&SeedChoice>,
    ) -> Result<Row, Hindrance> {
        if let Some(at) = token.erased {
            return Err(Hindrance::Erased(at));
        }
        if let Some(Ok((row, _))) = seed.map(|seed| seed.for_token(info)) {
            return Ok(stated(row, token));
        }
        let identity = self.opener.as_ref().ok_or(Hindrance::NoSeedAtHand)?;
        let row = open_of(token, books.fingerprint_key(), &identity.0).map_err(Hindrance::Unopened)?;
        Ok(stated(row, token))
    }
}
