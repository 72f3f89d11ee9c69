//! Servers that are made to accept a token's codes again after its clock was set: those that a command names, or, at a desk, those that are
//! known to have the token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::args::{Global, MendArgs};
use super::server::open::{self, Opened};
use super::store::{Store, open_store};
use crate::device::Info;
use crate::inventory::{Delivery, DeliveryFilter, Inventory, InventoryError, SlotKey, TokenRecord};
use crate::job::server::{
    AfterSync, ByHand, Hindrance, MendTerms, Mender, after_sync, expecting, is_moved_far, leave_open, may_need_mending,
    seed_for_codes,
};
use crate::job::{Failure, Opener, SeedChoice, locked, unopened};
use crate::server::ServerError;
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
    pub fn of(global: &Global, args: &MendArgs, opener: Option<Opener>) -> Result<Option<Self>, Failure> {
        if args.mend.is_empty() {
            return Ok(None);
        }
        let store = open_store(global).map_err(|error| unopened(&error))?.ok_or_else(|| {
            Failure::usage(
                "--mend looks the server up in the inventory, and there is no inventory",
                "name one with --inventory FILE",
            )
        })?;
        let identity = opener.as_ref().map(|opener| &opener.0);
        let open = |name: &String| open::open(&store, name, identity);
        let servers = args.mend.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self { store, servers, opener, re_enrols: args.re_enrol }))
    }

    /// Makes each server accept the codes of a token whose clock was just moved by so many seconds. `seed` is what the command was given.
    pub fn carry_out(&self, global: &Global, info: &Info, moved_s: f64, seed: Option<&SeedChoice>) -> Vec<AfterSync> {
        let books = self.store.inventory();
        let token = books.token(&SlotKey::of(info.serial.as_str(), info.slot_number()));
        let terms = MendTerms { re_enrols: self.re_enrols };
        let mend = |opened: &Opened| {
            let unmended = |why: Hindrance| opened.unmended(info.serial.as_str(), why);
            let token = match &token {
                Ok(Some(token)) => token,
                Ok(None) => return unmended(Hindrance::Unseen),
                Err(error) => return unmended(Hindrance::Inventory(error.clone())),
            };
            let given = seed.and_then(|seed| seed.for_token(info).ok()).map(|(row, _)| row);
            let opener = self.opener.as_ref().map(|opener| (&opener.0, books.fingerprint_key()));
            let row = seed_for_codes(token, given, opener);
            opened.work(global.remark.as_deref(), books, |work| after_sync(work, token, &row, terms))
        };
        let now = || SystemClock::new().now().wall;
        self.servers.iter().map(mend).map(|done| done.of_clock_moved(moved_s, now())).collect()
    }
}

/// The servers of a desk: opened when the first token comes that is there.
pub struct DeskMender {
    store: Store,
    remark: Option<String>,
    servers: Mutex<HashMap<String, Known>>,
}

/// A server as a desk knows it.
#[derive(Clone)]
enum Known {
    /// It can be spoken to.
    Open(Arc<Opened>),
    /// It was away then: nobody who waits at the desk is kept for it again soon.
    Away(Arc<Opened>, Instant, Hindrance),
}

/// Whether a server does not let the account in: asked again with the same credential, it may lock it.
fn is_refused(why: &Hindrance) -> bool {
    matches!(why, Hindrance::Server(ServerError::SignIn { .. }))
}

/// How long a server that was away is not asked again.
const AWAY_FOR: Duration = Duration::from_secs(60);

impl DeskMender {
    /// The servers that the inventory knows; `None` where it knows none.
    ///
    /// # Errors
    /// A failure of the inventory.
    pub fn of(global: &Global) -> Result<Option<Arc<dyn Mender>>, Failure> {
        let Some(store) = open_store(global).map_err(|error| unopened(&error))? else { return Ok(None) };
        if store.inventory().servers().map_err(|error| unopened(&error))?.is_empty() {
            return Ok(None);
        }
        let (remark, servers) = (global.remark.clone(), Mutex::default());
        Ok(Some(Arc::new(Self { store, remark, servers })))
    }

    /// A server by its name; it is opened with the identity of the first token that needs it.
    fn server(&self, name: &str, opener: Option<&Opener>) -> Result<Known, Failure> {
        let known = locked(&self.servers).get(name).cloned();
        if let Some(known) = known.filter(|known| self.is_current(name, known)) {
            return Ok(known);
        }
        let opened = open::open_at_desk(&self.store, name, opener.map(|opener| &opener.0))?;
        let known = Known::Open(Arc::new(opened));
        locked(&self.servers).insert(name.to_owned(), known.clone());
        Ok(known)
    }

    /// Whether a server was not added again since, with another credential for example.
    fn is_current(&self, name: &str, known: &Known) -> bool {
        let (Known::Open(opened) | Known::Away(opened, ..)) = known;
        open::record(self.store.inventory(), name).map_or(true, |record| record == opened.record)
    }

    fn one(&self, delivery: &Delivery, token: &TokenRecord, opener: Option<&Opener>) -> Option<AfterSync> {
        let name = &delivery.server;
        let books = self.store.inventory();
        // Whoever waits at the desk does not wait until somebody has signed in elsewhere.
        if open::is_by_person(books, name) {
            return self.closed(delivery, Hindrance::NoCall);
        }
        let (opened, row) = match self.server(name, opener) {
            Ok(Known::Open(opened)) => {
                let opener = opener.map(|opener| (&opener.0, books.fingerprint_key()));
                (opened, seed_for_codes(token, None, opener))
            }
            Ok(Known::Away(opened, since, why)) if since.elapsed() < AWAY_FOR || is_refused(&why) => {
                let row = seed_for_codes(token, None, opener.map(|opener| (&opener.0, books.fingerprint_key())));
                let _ = leave_open(books, delivery, SystemClock::new().now().wall);
                return Some(opened.away(&token.key.serial, why, row.ok()));
            }
            Ok(Known::Away(opened, ..)) => {
                locked(&self.servers).insert(name.clone(), Known::Open(opened));
                return self.one(delivery, token, opener);
            }
            // Its credential is sealed, and nothing opens it here: a person can do it all the same.
            Err(_) => return self.closed(delivery, Hindrance::NoSeedAtHand),
        };
        let done = opened.work(self.remark.as_deref(), self.store.inventory(), |work| {
            after_sync(work, token, &row, MendTerms::default())
        });
        if let Err(why @ Hindrance::Server(error)) = &done.done
            && error.stops_all()
        {
            let away = Known::Away(opened, Instant::now(), why.clone());
            locked(&self.servers).insert(name.clone(), away);
        }
        Some(done)
    }

    /// A server that is not opened here, of which only the kind is known: a person does it there.
    fn closed(&self, delivery: &Delivery, why: Hindrance) -> Option<AfterSync> {
        let (name, books) = (&delivery.server, self.store.inventory());
        let kind = open::kind_of(books, name)?;
        // Whoever comes next with what opens it finds that this is open.
        let _ = leave_open(books, delivery, SystemClock::new().now().wall);
        let by_hand = Some(ByHand::OffDisplay);
        Some(AfterSync { by_hand, ..open::unmended(name, kind, &delivery.key.serial, why) })
    }
}

impl Mender for DeskMender {
    fn mend(&self, token: &TokenRecord, moved_s: f64, opener: Option<&Opener>) -> Vec<AfterSync> {
        if opener.is_none() {
            // With the identity, the credentials that it has opened are forgotten.
            locked(&self.servers).clear();
        }
        let filter = DeliveryFilter { server: None, serial: Some(token.key.serial.clone()) };
        // What is not known is said at the token's next command: nothing here may stop a desk.
        let deliveries = self.store.inventory().deliveries(&filter).unwrap_or_default();
        let is_due = |delivery: &Delivery| {
            let kind = open::kind_of(self.store.inventory(), &delivery.server);
            delivery.key == token.key
                && delivery.step.is_there()
                && kind.is_some_and(|kind| delivery.unmended.is_some() || may_need_mending(kind, moved_s))
        };
        let due = deliveries.iter().filter(|one| is_due(one)).filter_map(|one| self.one(one, token, opener));
        due.map(|done| done.of_clock_moved(moved_s, SystemClock::new().now().wall)).collect()
    }
}

/// The servers that are known to have a token, and may refuse its codes now that its clock was moved by so many seconds: their names. It is
/// on record from here on that nobody has mended them. Those that are `named` are mended by somebody else.
///
/// # Errors
/// A failure of the inventory.
pub fn left_behind(
    books: &dyn Inventory,
    key: &SlotKey,
    moved_s: f64,
    named: &[&str],
) -> Result<Vec<String>, InventoryError> {
    // Nothing is looked up, and nothing can fail, where it was hardly moved.
    if !is_moved_far(moved_s) {
        return Ok(Vec::new());
    }
    let now = SystemClock::new().now().wall;
    let seed = books.token(key)?.and_then(|token| token.seed);
    let left = expecting(books, key, moved_s, seed)?.into_iter().filter(|one| !named.contains(&one.server.as_str()));
    left.map(|delivery| leave_open(books, &delivery, now).map(|open| open.server)).collect()
}
