//! Another program resets the card between two commands of one contact, and the service lets it through although the card is
//! held: no word of the token about its key, and nothing that the job could not do again.

use tokentap::emulator::EmulatedLink;
use tokentap::job::Exit;
use tokentap::link::{Link, LinkError, LinkFault};

use crate::support::{RESTRICTED, UNRESTRICTED, carry_out, link, plan, seed, simulated_clock, token};

/// Resets the card in front of commands of one instruction; the service says so at the command behind it.
struct Meddled {
    inner: EmulatedLink,
    instruction: u8,
    times: u32,
    /// Whether the service says that there was a reset.
    is_told: bool,
    was_reset: bool,
    sent: u32,
}

impl Meddled {
    fn new(inner: EmulatedLink, instruction: u8, times: u32, is_told: bool) -> Self {
        Self { inner, instruction, times, is_told, was_reset: false, sent: 0 }
    }
}

impl Link for Meddled {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        if std::mem::take(&mut self.was_reset) && self.is_told {
            return Err(LinkError::new(LinkFault::Reset, "another program reset the card"));
        }
        if command[1] == self.instruction {
            self.sent += 1;
            if self.sent <= self.times {
                self.inner.close();
                self.was_reset = true;
            }
        }
        self.inner.transmit(command)
    }

    fn hold(&mut self) -> Result<(), LinkError> {
        self.inner.hold()
    }

    fn reset(&mut self) -> Result<(), LinkError> {
        self.inner.reset()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

const ANSWER: u8 = 0xCE;
const CONFIG: u8 = 0xD4;
const SEED: u8 = 0xC5;

#[test]
fn a_reset_between_any_two_commands_is_no_refusal_and_the_job_ends_right() {
    for serial in [RESTRICTED, UNRESTRICTED] {
        for instruction in [ANSWER, CONFIG, SEED] {
            let world = simulated_clock();
            let mut meddled = Meddled::new(link(token(serial, b"old", -3.0), &world), instruction, 1, true);
            let report = carry_out(&mut meddled, &world, &plan(Some(seed(b"the new seed")))).unwrap();
            assert_eq!(meddled.inner.card().state().seed_bytes(), b"the new seed", "{serial}, {instruction:X}");
            assert!(report.drift.unwrap().after.middle_s().abs() <= 1.0);
        }
    }
}

#[test]
fn a_token_whose_answers_are_disturbed_again_and_again_is_not_asked_for_ever_and_has_refused_no_key() {
    for is_told in [true, false] {
        let world = simulated_clock();
        let mut meddled = Meddled::new(link(token(UNRESTRICTED, b"old", -3.0), &world), ANSWER, 100, is_told);
        let failure = carry_out(&mut meddled, &world, &plan(None)).unwrap_err();
        assert!(!failure.problem.is_key_refused(), "{failure:?}");
        // A token may count each of them as a wrong answer.
        assert!(meddled.sent <= 2, "{}", meddled.sent);
        assert!(matches!(failure.exit(), Exit::LinkLost | Exit::Refused), "{failure:?}");
        assert!(!failure.problem.is_key_refused(), "{failure:?}");
    }
}
