//! What a slot of a device shows of itself.

use crate::otp::{Hash, TimeStep};

/// What a slot shows of itself without any key. What is `None` it does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlotState {
    /// Its number, from 0.
    pub slot: u16,
    /// Whether it holds a seed.
    pub has_seed: Option<bool>,
    /// Whether it takes a seed as the device is set up now.
    pub takes_seed: Option<bool>,
    /// Its title; empty where it has none.
    pub title: Option<String>,
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step.
    pub step: Option<TimeStep>,
    /// The digits of its codes.
    pub digits: Option<u32>,
}
