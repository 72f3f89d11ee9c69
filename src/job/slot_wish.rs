//! What is wanted of a slot beside seed, profile and clock, on a device that has it.

use crate::device::Title;

/// What is wanted of a slot beside seed, profile and clock. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotWish {
    /// The digits of its codes; with a seed, 6 where nothing states them.
    pub digits: Option<u32>,
    /// Whether Enter is pressed behind a code that the device types.
    pub enter: Option<bool>,
    /// Its title.
    pub title: Option<Title>,
    /// Its seed is taken out.
    pub clears: bool,
}
