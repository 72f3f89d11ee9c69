//! A token whose clock was just set, at the servers that may still expect the old one.

use chrono::TimeDelta;

use super::Work;
use super::codes::codes_before;
use super::hindrance::Hindrance;
use super::marks::may_need_mending;
use super::mend::{MendTerms, Mended, left_open, mend};
use super::ready::stated;
use crate::inventory::{FingerprintKey, Identity, TokenRecord, open_of};
use crate::job::Opener;
use crate::seedfile::Row;
use crate::server::ServerKind;
use crate::time::UnixTime;

/// What became of a token at one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterSync {
    /// The server's name.
    pub server: String,
    /// The token.
    pub serial: String,
    /// Its kind.
    pub kind: ServerKind,
    /// What was done, or what stood in the way.
    pub done: Result<Mended, Hindrance>,
    /// A person has to do it at the server's own page.
    pub by_hand: Option<ByHand>,
    /// The server may refuse what a person types there before this time, because the clock was fast.
    pub by_hand_from: Option<UnixTime>,
}

/// What a person types at the server's own page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// These two past codes, good for about half a minute.
    Codes(Vec<String>),
    /// Codes off the token's display.
    OffDisplay,
}

/// A code is on the display for as long as this at the most, in seconds.
const LONGEST_STEP_S: f64 = 60.0;

impl AfterSync {
    /// The same of a clock that was moved by so many seconds. One that was fast may have left codes at the server that are still to come,
    /// and no earlier one is accepted there: two past codes help nothing then.
    #[must_use]
    pub fn of_clock_moved(self, moved_s: f64, now: UnixTime) -> Self {
        if !may_need_mending(self.kind, moved_s) || moved_s > 0.0 || self.by_hand.is_none() {
            return self;
        }
        let wait = TimeDelta::milliseconds(((LONGEST_STEP_S - moved_s) * 1000.0) as i64);
        Self { by_hand: Some(ByHand::OffDisplay), by_hand_from: now.checked_add_signed(wait), ..self }
    }

    /// Whether the token's user may be refused there now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.kind.can().follows_drift
            && match self.done {
                Ok(Mended::AcceptsFrom(_) | Mended::AgainFrom(_) | Mended::OnlyReEnrol) | Err(_) => true,
                Ok(_) => false,
            }
    }
}

/// Makes servers accept the codes of tokens again whose clocks were set at a desk.
pub trait Mender: Send + Sync {
    /// Deals with the servers that are known to have a token. Its clock was moved by so many seconds just now; `opener` opens its sealed
    /// seed, as long as one is kept.
    fn mend(&self, token: &TokenRecord, moved_s: f64, opener: Option<&Opener>) -> Vec<AfterSync>;
}

/// Makes a server accept the codes of a token again, or says what a person has to do there.
#[must_use]
pub fn after_sync(work: &Work<'_>, token: &TokenRecord, row: &Result<Row, Hindrance>, terms: MendTerms) -> AfterSync {
    let (server, kind) = (work.name.to_owned(), work.server.kind());
    let (done, by_hand) = match row {
        Ok(row) => {
            let done = mend(work, token, row, terms);
            // Somebody can do it at the server's page, where only this program cannot.
            let by_hand = matches!(done, Err(Hindrance::Server(_)) | Ok(Mended::OnlyReEnrol))
                .then(|| ByHand::Codes(codes_before(row, work.clock.now().wall.timestamp(), 2)));
            (done, by_hand)
        }
        Err(why) => {
            if kind.can().follows_drift {
                let _ = left_open(work, &token.key, "its seed is not at hand");
            }
            let by_hand = matches!(why, Hindrance::NoSeedAtHand | Hindrance::Unopened(_)).then_some(ByHand::OffDisplay);
            (Err(why.clone()), by_hand)
        }
    };
    let serial = token.key.serial.clone();
    AfterSync { server, serial, kind, done, by_hand, by_hand_from: None }
}

/// The seed of a token with its profile, for its codes: the one that was given, or the sealed one.
///
/// # Errors
/// [`Hindrance`].
pub fn seed_for_codes(
    token: &TokenRecord,
    given: Option<Row>,
    opener: Option<(&Identity, &FingerprintKey)>,
) -> Result<Row, Hindrance> {
    if let Some(at) = token.erased {
        return Err(Hindrance::Erased(at));
    }
    if let Some(row) = given {
        return Ok(stated(row, token));
    }
    let (identity, key) = opener.ok_or(Hindrance::NoSeedAtHand)?;
    open_of(token, key, identity).map(|row| stated(row, token)).map_err(Hindrance::Unopened)
}
