//! A handle to stop a run, and to know which tokens it has in hand: one a run, so that several fit into one process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::record::locked;
use super::state::TokenState;

/// A handle to stop a run. Clones are the same handle.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asked: AtomicBool,
    in_hand: Mutex<Vec<String>>,
}

impl Stop {
    /// A handle of a run that goes on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop after the tokens in hand; whether that had been asked before.
    pub fn ask(&self) -> bool {
        self.0.asked.swap(true, Ordering::SeqCst)
    }

    /// Whether the run is to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// A token is being written from here on …
    pub fn take(&self, serial: &str) {
        let mut in_hand = locked(&self.0.in_hand);
        // A device with slots is taken for each of them.
        if !in_hand.iter().any(|held| held == serial) {
            in_hand.push(serial.to_owned());
        }
    }

    /// … until here.
    pub fn let_go(&self, serial: &str) {
        locked(&self.0.in_hand).retain(|held| held != serial);
    }

    /// Whether any token is being written.
    #[must_use]
    pub fn has_in_hand(&self) -> bool {
        !locked(&self.0.in_hand).is_empty()
    }

    /// The state of the tokens if the run ended at once.
    #[must_use]
    pub fn state(&self) -> TokenState {
        TokenState::InHand(locked(&self.0.in_hand).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_are_stopped_each_by_its_own_handle() {
        let (one, other) = (Stop::new(), Stop::new());
        one.take("86596120000001");
        assert!(!one.clone().ask() && one.ask(), "the second time it had been asked");
        assert!(one.is_asked() && !other.is_asked());
        assert_eq!(one.state(), TokenState::InHand(vec!["86596120000001".to_owned()]));
        one.let_go("86596120000001");
        assert!(!one.has_in_hand() && other.state() == TokenState::InHand(Vec::new()));
    }
}
