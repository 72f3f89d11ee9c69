//! The right token: what a token must be before anything is written to it.

use super::failure::{Exit, Failure, UNTOUCHED};
use crate::inventory::TokenRecord;
use crate::plain::plain;
use crate::token::{Info, Serial, Sync};

/// What the user said of the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// `--expect-serial`, or the serial that the seed names.
    pub expect_serial: Option<Serial>,
    /// `--allow-unknown-model`.
    pub allow_unknown_model: bool,
}

/// Whether a burn for this user would take a token from its owner on record; `who` names the token.
///
/// # Errors
/// A failure with [`Exit::NotWritable`] that names both.
pub fn check_owner(who: &str, known: Option<&TokenRecord>, user: Option<&str>) -> Result<(), Failure> {
    let moved = known.zip(user).and_then(|(token, user)| Some((token.owner_other_than(user)?, user)));
    let Some((owner, user)) = moved else { return Ok(()) };
    let fact = format!("{who} belongs to {}, and would go to {}", plain(owner), plain(user));
    Err(Failure::new("owner-on-record", Exit::NotWritable, fact, UNTOUCHED, "if that is meant, use --reassign"))
}

impl Guard {
    /// Whether this is the token that was meant.
    ///
    /// # Errors
    /// A failure with [`Exit::NotWritable`] that names both serials.
    pub fn check_serial(&self, info: &Info) -> Result<(), Failure> {
        match &self.expect_serial {
            Some(expected) if *expected != info.serial => Err(Failure::new(
                "wrong-token",
                Exit::NotWritable,
                format!("this is the token {info}, not {expected}"),
                UNTOUCHED,
                format!("lay the token {expected} on the reader"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether this token may be written.
    ///
    /// # Errors
    /// As [`Self::check_serial`], and for a model that is not known and not allowed by name.
    pub fn check_writable(&self, info: &Info) -> Result<(), Failure> {
        self.check_serial(info)?;
        if info.sync() == Sync::Unknown && !self.allow_unknown_model {
            return Err(Failure::new(
                "unknown-model",
                Exit::NotWritable,
                format!("unknown model: no known serial prefix matches {}", info.serial),
                UNTOUCHED,
                "only if you are sure of what it is, use --allow-unknown-model; other brands use other keys, and some lock \
                 for good after wrong answers",
            ));
        }
        Ok(())
    }
}
