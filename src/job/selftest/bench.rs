//! The place where a token is tested, and the person who sits there.

use crate::device::{Device, Info, Profile};
use crate::job::{Failure, Recorder};
use crate::otp::Code;
use crate::time::{HostClock, UnixTime};

/// A part of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The clock and the round trips are read.
    Read,
    /// The times of writes, and their effect on the clock's second.
    Clock,
    /// Whether the token is still unlocked after a reset.
    Reset,
    /// A throw-away seed.
    Round {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// The seed's length, in bytes.
        bytes: usize,
        /// The profile.
        profile: Profile,
    },
    /// The effect of a write of the clock on the seed.
    SeedAfter,
    /// The token away and back.
    Away,
    /// The factory's profile and the right time.
    Last,
}

/// The content of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A code.
    Code(Code),
    /// No code, though the token is switched on.
    Nothing,
}

/// How the question for a display is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// For the first time.
    First,
    /// The code that was typed fits nothing: it may be mistyped.
    FitsNothing,
    /// The code is the one of before: a later one is wanted.
    Later,
    /// No code was seen: once more, to be sure.
    ReallyNone,
}

/// The surroundings of one contact.
pub struct Place<'a> {
    /// The host's clock.
    pub host: &'a dyn HostClock,
    /// The record.
    pub recorder: Recorder<'a>,
    /// The reader.
    pub reader: &'a str,
    /// The token is not a real one.
    pub emulated: bool,
}

/// The work at the token in one contact; it may be begun once more, as long as it has written nothing.
pub type Contact<'p, T> = dyn FnMut(&mut dyn Device, Place<'_>) -> Result<T, Failure> + 'p;

/// A reader with the token that is tested, and somebody who handles it.
pub trait Bench {
    /// Works with the token that lies there, or comes; it is let go of afterwards.
    ///
    /// # Errors
    /// The work's, or the reader's.
    fn at_token<T>(&mut self, work: &mut Contact<'_, T>) -> Result<T, Failure>;

    /// Says what the token loses, and who loses it by the record, and asks whether it is the one that may be tested.
    ///
    /// # Errors
    /// A failure where it is not: nothing is written then.
    fn consent(&mut self, info: &Info, user: Option<&str>) -> Result<(), Failure>;

    /// Is told which part begins.
    fn begins(&mut self, part: Part);

    /// Asks what the display shows after the token was switched off and on; `None` where nobody says.
    fn shown(&mut self, asked: Asked) -> Option<Shown>;

    /// Has the token taken away and laid back; whether somebody did.
    fn moved(&mut self) -> bool;

    /// The true time, as well as it is known: when something was said of a display.
    fn now(&self) -> UnixTime;

    /// Whether the user wants to stop.
    fn is_over(&self) -> bool;
}
