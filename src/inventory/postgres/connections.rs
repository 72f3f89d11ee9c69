//! The two connections of a program: one that writes, and one for whoever only reads and waits for no write. Nothing is locked while the
//! server is waited for but the connection itself.

use std::path::Path;
use std::time::{Duration, Instant};

use super::jobs::Owner;
use super::session::{Session, Trouble};
use super::transaction::{self, Ended, is_crossed, transaction};
use super::{Postgres, explained, held, meta, schema};
use crate::inventory::{InventoryError, Kept};

/// How long a server may be away while the fate of a commit is asked for.
const FATE_WITHIN: Duration = Duration::from_secs(5);

/// How often it is asked for.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// How often a transaction is begun again that another desk's crossed.
const CROSSED: u32 = 8;

impl Postgres {
    /// Reads, on a connection of its own.
    pub(super) fn read<T>(&self, body: &mut dyn FnMut(&mut Session, &Owner) -> Result<T, Trouble>) -> Kept<T> {
        let asked = Instant::now();
        let mut reader = held(&self.reader);
        self.check_not_away_since(asked)?;
        // Nobody writes, and nobody has had to read beside a writer yet: one connection is enough.
        if reader.is_none()
            && let Ok(mut writer) = self.writer.try_lock()
            && let Some(session) = writer.as_mut()
        {
            let owner = held(&self.owner).clone();
            match body(session, &owner) {
                Err(trouble) if trouble.is_away() => *writer = None,
                result => return result.map_err(|trouble| self.explain(trouble)),
            }
        }
        let mut tried = false;
        loop {
            let had = reader.is_some();
            let mut session = match reader.take() {
                Some(session) => session,
                None => Session::connect(&self.address).map_err(|trouble| self.explain(trouble))?,
            };
            let owner = held(&self.owner).clone();
            match body(&mut session, &owner) {
                // An old connection may have died long ago; a new one tells.
                Err(Trouble::Away(_)) if had && !tried => tried = true,
                Err(trouble) if trouble.is_away() => return Err(self.explain(trouble)),
                result => {
                    *reader = Some(session);
                    return result.map_err(|trouble| self.explain(trouble));
                }
            }
        }
    }

    /// One transaction, begun again where another desk's crossed it, or the server was away before the commit.
    pub(super) fn write<T>(
        &self,
        is_durable: bool,
        body: &mut dyn FnMut(&mut Session, &Owner) -> Result<T, Trouble>,
    ) -> Kept<T> {
        if self.is_viewer {
            let detail = format!("{} is a viewer of it, and writes nothing", self.address.user());
            return Err(InventoryError::Barred { path: self.address.shown(), detail });
        }
        let asked = Instant::now();
        let mut writer = held(&self.writer);
        self.check_not_away_since(asked)?;
        let (mut crossed, mut was_away) = (0, false);
        loop {
            let had = writer.is_some();
            let mut session = match writer.take() {
                Some(session) => session,
                None => self.connected()?,
            };
            let owner = held(&self.owner).clone();
            match transaction(&mut session, owner.number, is_durable, &mut |session| body(session, &owner)) {
                Ended::Kept(done) => {
                    *writer = Some(session);
                    return Ok(done);
                }
                Ended::Not(trouble) if is_crossed(&trouble) && crossed < CROSSED => {
                    crossed += 1;
                    *writer = Some(session);
                }
                Ended::Not(Trouble::Away(_)) if had && !was_away => was_away = true,
                Ended::Not(trouble) => {
                    if !trouble.is_away() {
                        *writer = Some(session);
                    }
                    return Err(self.explain(trouble));
                }
                Ended::Unanswered(number, done) => {
                    drop(session);
                    let (mut session, is_kept) = self.fate(number)?;
                    if is_kept {
                        *writer = Some(session);
                        return Ok(done);
                    }
                    crossed += 1;
                    if crossed > CROSSED {
                        return Err(InventoryError::Unanswered(self.address.shown()));
                    }
                    let _ = session.batch("ROLLBACK");
                    *writer = Some(session);
                }
            }
        }
    }

    /// A trouble as an error; that the server is away is remembered for those who wait for their turn.
    fn explain(&self, trouble: Trouble) -> InventoryError {
        let error = explained(&self.address, trouble);
        if error.is_away() {
            *held(&self.away) = Some((Instant::now(), error.clone()));
        }
        error
    }

    /// Whether the server was not found to be away while somebody waited for his turn: nobody waits as long again.
    fn check_not_away_since(&self, asked: Instant) -> Kept<()> {
        match held(&self.away).as_ref() {
            Some((at, error)) if *at > asked => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// A new connection, on which this program is known. What it works by is the same as when it was opened: an inventory that was
    /// replaced, or was brought to another version, is another one.
    fn connected(&self) -> Kept<Session> {
        let path = self.address.shown();
        let mut session = Session::connect(&self.address).map_err(|trouble| self.explain(trouble))?;
        let known = schema::hold(&mut session).and_then(|()| check_version(&mut session, &path)).and_then(|()| {
            if self.is_viewer {
                return Ok(());
            }
            match meta(&mut session, "fingerprint-key")? {
                Some(key) if key == self.key.as_bytes() => self.be_known(&mut session),
                _ => Err(Trouble::Rows(InventoryError::Replaced(path.clone()))),
            }
        });
        known.and_then(|()| schema::unlock(&mut session)).map_err(|trouble| self.explain(trouble))?;
        Ok(session)
    }

    /// Makes this program known on a connection: a lock of its number is held as long as that lasts. The server may hold one of an
    /// earlier connection that it has not seen end yet.
    pub(super) fn be_known(&self, session: &mut Session) -> Result<(), Trouble> {
        let mut number = held(&self.owner).number;
        if number == 0 {
            // Drawn, and not counted: a server that crashes may count twice.
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes)
                .map_err(|error| Trouble::Odd(format!("no number can be drawn here: {error}")))?;
            number = i32::from_be_bytes(bytes).unsigned_abs().cast_signed().max(1);
            held(&self.owner).number = number;
        }
        session.batch(&format!("SELECT pg_advisory_lock_shared({}, {number})", schema::PROGRAMS))?;
        transaction::mark(session, number)
    }

    /// Whether a transaction whose commit was not answered was kept, by a new connection.
    fn fate(&self, number: i64) -> Kept<(Session, bool)> {
        let began = Instant::now();
        let program = held(&self.owner).number;
        loop {
            if let Ok(mut session) = self.connected()
                && let Ok(is_kept) = transaction::is_kept(&mut session, program, number)
            {
                return Ok((session, is_kept));
            }
            if began.elapsed() >= FATE_WITHIN {
                return Err(InventoryError::Unanswered(self.address.shown()));
            }
            std::thread::sleep(ASK_AGAIN);
        }
    }
}

/// Whether the tables are there, and those of this version.
///
/// # Errors
/// [`InventoryError::NotOurs`], [`InventoryError::TooNew`], [`InventoryError::TooOld`].
pub fn check_version(session: &mut Session, path: &Path) -> Result<(), Trouble> {
    let path = path.to_owned();
    let Some(found) = schema::version(session)? else {
        return Err(Trouble::Rows(InventoryError::NotOurs(path)));
    };
    let known = schema::latest();
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Trouble::Rows(InventoryError::TooNew { path, found, known })),
        std::cmp::Ordering::Less => Err(Trouble::Rows(InventoryError::TooOld { path, found, known })),
    }
}
