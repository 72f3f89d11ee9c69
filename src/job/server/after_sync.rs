//! A token whose clock was just set, at the servers that may still expect the old one.

use super::Work;
use super::codes::codes_before;
use super::hindrance::Hindrance;
use super::mend::{MendTerms, Mended, left_open, mend};
use super::ready::stated;
use crate::inventory::{FingerprintKey, Identity, TokenRecord, open_of};
use crate::job::Opener;
use crate::seedfile::Row;
use crate::server::ServerKind;

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
}

/// What a person types at the server's own page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHand {
    /// These two past codes, good for about half a minute.
    Codes(Vec<String>),
    /// Codes off the token's display.
    OffDisplay,
}

impl AfterSync {
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
    AfterSync { server, serial, kind, done, by_hand }
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
