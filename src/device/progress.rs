//! The progress of the writes on a device.

use super::{ClockWrite, DeviceError, Reason, Step};
use crate::link::LinkFault;

/// Whether a write was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Carried {
    /// It was not.
    #[default]
    No,
    /// It was sent and its answer did not come.
    Unknown,
    /// The token said that it was.
    Yes,
}

/// The progress of a job's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The config write.
    pub config: Carried,
    /// The seed write.
    pub seed: Carried,
    /// The clearing of a slot, alone or before another seed is written to it.
    pub cleared: Carried,
    /// A write of anything else: a title, a setting of the device.
    pub other: Carried,
    /// A second config write, which was to set the clock closer, failed; whether it was carried out.
    pub correction: Option<Carried>,
}

impl Progress {
    /// Whether a token of this kind holds the seed that was sent: a second clock write may have erased it again.
    #[must_use]
    pub fn seed_on(self, effect: ClockWrite) -> Carried {
        match self.correction {
            Some(Carried::Unknown) if effect.erases_seed() => Carried::Unknown,
            _ => self.seed,
        }
    }

    /// Takes note of a write that failed: it is unknown, unless the token refused it or never got it.
    pub fn note_failure(&mut self, error: &DeviceError) {
        let certainly_not = match &error.reason {
            Reason::Refused(status) => status.is_refusal(),
            Reason::Withheld(_) | Reason::Beyond(_) => true,
            Reason::Link(link) => matches!(link.fault, LinkFault::LeftBefore | LinkFault::Reset),
            Reason::Malformed(_) | Reason::SerialChanged(_) => false,
        };
        let written = match error.step {
            Step::Config if self.config == Carried::Yes => self.correction.insert(Carried::No),
            Step::Config => &mut self.config,
            Step::Seed => &mut self.seed,
            Step::Clear => &mut self.cleared,
            Step::Title | Step::Device => &mut self.other,
            Step::Info | Step::Hold | Step::Challenge | Step::Answer | Step::Slot => return,
        };
        if !certainly_not {
            *written = Carried::Unknown;
        }
    }
}
