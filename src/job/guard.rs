//! The right token: what a token must be before anything is written to it.

use super::failure::Failure;
use super::problem::{Mistaken, Problem};
use super::remedy::TokenRemedy;
use super::state::TokenState;
use crate::device::{ClockWrite, Info, Serial};
use crate::inventory::TokenRecord;

/// The user's requirements on the token.
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
/// [`Problem::OwnerOnRecord`].
pub fn check_owner(who: &str, known: Option<&TokenRecord>, user: Option<&str>) -> Result<(), Failure> {
    let moved = known.zip(user).and_then(|(token, user)| Some((token.owner_other_than(user)?, user)));
    let Some((owner, user)) = moved else { return Ok(()) };
    let (token, owner, user) = (who.to_owned(), owner.to_owned(), user.to_owned());
    let problem = Problem::OwnerOnRecord { token, owner, user };
    Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::Reassign))
}

impl Guard {
    /// Whether this is the token that was meant.
    ///
    /// # Errors
    /// [`Problem::WrongToken`].
    pub fn check_serial(&self, info: &Info) -> Result<(), Failure> {
        match &self.expect_serial {
            Some(expected) if *expected != info.serial => {
                let mistaken = Mistaken::Expected { found: info.clone(), expected: expected.clone() };
                let remedy = match info.can.plugs_in {
                    true => TokenRemedy::NameReaderOf(expected.clone()),
                    false => TokenRemedy::LayThis(expected.clone()),
                };
                Err(Failure::new(Problem::WrongToken(mistaken), TokenState::Untouched, remedy))
            }
            _ => Ok(()),
        }
    }

    /// Whether this token may be written.
    ///
    /// # Errors
    /// As [`Self::check_serial`], and [`Problem::UnknownModel`].
    pub fn check_writable(&self, info: &Info) -> Result<(), Failure> {
        self.check_serial(info)?;
        if info.clock_write() == ClockWrite::Unknown && !self.allow_unknown_model {
            let problem = Problem::UnknownModel(info.serial.clone());
            return Err(Failure::new(problem, TokenState::Untouched, TokenRemedy::AllowUnknownModel));
        }
        Ok(())
    }
}
