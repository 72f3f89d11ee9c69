//! What every emulated device is to the link and the reader that it is behind.

use std::sync::Arc;

use serde::Serialize;

use crate::time::HostClock;

/// An emulated device that is switched on.
pub trait Emulated: Send {
    /// Its memory.
    type State: Clone + PartialEq + Serialize + Send + 'static;

    /// Its answer to reset, by which a virtual reader's devices are told apart: a reader's name, which tells it otherwise, is not
    /// the device's there.
    const ATR: &'static [u8];

    /// A device with this memory, in a world whose true time `truth` shows.
    fn switched_on(state: Self::State, truth: Arc<dyn HostClock>) -> Self;

    /// Its memory.
    fn state(&self) -> &Self::State;

    /// Power was lost, or the reader reset it.
    fn reset(&mut self);

    /// Carries out one command and returns data and status word.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;

    /// Whether it left its reader by itself, to come back as another.
    fn has_left(&self) -> bool {
        false
    }
}
