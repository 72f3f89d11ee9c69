//! A seed, a profile or a code that is beyond the capabilities of a device.

use std::ops::RangeInclusive;

use crate::otp::Hash;

/// A wish that is beyond a device's capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// A seed that is too short or too long.
    #[error("the seed has {bytes} bytes; a token takes {} to {}", .takes.start(), .takes.end())]
    SeedLength {
        /// The seed's length.
        bytes: usize,
        /// The lengths that the device takes.
        takes: RangeInclusive<usize>,
    },
    /// A slot that it does not have.
    #[error("the seed is for slot {slot}, and a token has {slots}")]
    Slot {
        /// The slot.
        slot: u16,
        /// The slots that it has, in words.
        slots: &'static str,
    },
    /// A hash that it does not compute.
    #[error("a token computes {}, not {}", either(&.can.iter().map(|hash| hash.dashed()).collect::<Vec<_>>()), .hash.dashed())]
    Hash {
        /// The hash.
        hash: Hash,
        /// Those that it computes.
        can: &'static [Hash],
    },
    /// A time step that it cannot be set to.
    #[error("a token's time step is {} seconds, not {step_s}", either(.can))]
    Step {
        /// The time step, in seconds.
        step_s: u32,
        /// Those that it can be set to.
        can: &'static [u32],
    },
    /// A number of digits that it does not show.
    #[error("{}, never {digits}", shown(.can))]
    Digits {
        /// The digits.
        digits: u32,
        /// Those that it shows.
        can: &'static [u32],
    },
    /// A display time that no device has.
    #[error("a token's display time is 15, 30, 60 or 120 seconds, not {0}")]
    Display(u32),
    /// A title that is empty or too long.
    #[error("the title has {bytes} bytes; a slot's has 1 to {most}, and letters beyond ASCII take two or more each")]
    TitleLength {
        /// Its length.
        bytes: usize,
        /// The longest one, in bytes.
        most: usize,
    },
    /// A title with control characters.
    #[error("the title has control characters")]
    TitleText,
    /// A seed that means something else to the device.
    #[error("the seed is all zeros, which this device takes for an order to clear the slot")]
    ClearsSlot,
    /// A thing that the device does not do at all.
    #[error("this device cannot {0}")]
    Never(&'static str),
    /// A HOTP seed whose counter is further on than a new one's.
    #[error("its counter is not 0, and a device that a seed is burned into counts from 0")]
    CountsFromZero,
    /// A HOTP seed for a device with a clock.
    #[error("this is a HOTP seed; these tokens count time, not button presses")]
    CountsTime,
    /// A TOTP seed for a device that counts.
    #[error("this is a TOTP seed; this device counts button presses, not time")]
    CountsPresses,
}

/// Alternatives in a sentence: `a, b or c`.
fn either<T: ToString>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => "none".to_owned(),
    }
}

/// The digits of its codes, in words. Where there is a choice, it is a slot's.
fn shown(can: &[u32]) -> String {
    let mut sorted = can.to_vec();
    sorted.sort_unstable();
    let whose = if can.len() > 1 { "a slot" } else { "a token" };
    format!("{whose} shows {} digits", either(&sorted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_read_as_a_sentence() {
        assert_eq!(either(&[4, 6, 8]), "4, 6 or 8");
        // The usual one comes first in a table, and in its place in a sentence.
        assert_eq!(shown(&[6, 4, 8, 10]), "a slot shows 4, 6, 8 or 10 digits");
        assert_eq!((either(&[6]), either::<u32>(&[])), ("6".to_owned(), "none".to_owned()));
    }
}
