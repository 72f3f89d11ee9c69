//! The clocks of all slots of one device that hold a seed, each set to the host's time as it is then.

use super::failure::Failure;
use super::slots::SlotsOutcome;
use super::state::TokenState;
use super::write_outcome::WriteOutcome;

/// Sets the clock of every slot that shows a seed, one after the other. `write` sets that of one slot.
///
/// # Errors
/// The first failure, with the slots that were set before it and those that were not: their clocks are right, or as they were.
pub fn set_slot_clocks(
    read: &SlotsOutcome,
    write: &mut dyn FnMut(u16) -> Result<WriteOutcome, Failure>,
) -> Result<Vec<WriteOutcome>, Failure> {
    let seeded: Vec<u16> = read.seeded().iter().map(|slot| slot.slot).collect();
    let mut done = Vec::new();
    for slot in &seeded {
        done.push(write(*slot).map_err(|failure| with_rest(failure, done.len(), &seeded))?);
    }
    Ok(done)
}

/// A failure between slots says which are set and which are not.
fn with_rest(mut failure: Failure, done: usize, seeded: &[u16]) -> Failure {
    let list = |slots: &[u16]| slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (set, rest) = seeded.split_at(done.min(seeded.len()));
    if !set.is_empty() {
        if failure.state == TokenState::Untouched {
            failure.state = TokenState::NextSlotUntouched;
        }
        failure.details.push(format!("set: the clocks of slots {}", list(set)));
    }
    let is_known =
        matches!(failure.state, TokenState::Untouched | TokenState::NextSlotUntouched | TokenState::NotReached);
    let not_set = if is_known { "not set" } else { "not set, or not known" };
    failure.details.push(format!("{not_set}: slots {}", list(rest)));
    failure
}
