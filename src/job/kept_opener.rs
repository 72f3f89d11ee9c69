//! The opener of sealed seeds at a desk, for as long as it is kept.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::complete::Opener;
use super::record::locked;

/// The opener for as long as it is kept. A visit that has it finishes with it.
#[derive(Default)]
pub struct KeptOpener {
    opener: Mutex<Option<Opener>>,
    /// By both clocks: one stands still while a computer sleeps, the other can be set.
    since: Option<(Instant, SystemTime)>,
    within: Option<Duration>,
}

impl KeptOpener {
    /// Keeps an opener from now on, for so long if that is bounded.
    #[must_use]
    pub fn new(opener: Option<Opener>, within: Option<Duration>) -> Self {
        Self { opener: Mutex::new(opener), since: Some((Instant::now(), SystemTime::now())), within }
    }

    /// The opener, if it is kept still.
    #[must_use]
    pub fn get(&self) -> Option<Opener> {
        let mut opener = locked(&self.opener);
        let passed = self
            .since
            .map_or(Duration::ZERO, |(since, by_wall)| since.elapsed().max(by_wall.elapsed().unwrap_or_default()));
        if self.within.is_some_and(|within| passed >= within) {
            // Wiped with the last visit that has it.
            *opener = None;
        }
        opener.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::inventory::{FingerprintKey, Identity};

    #[test]
    fn an_identity_is_kept_for_as_long_as_was_said_and_forgotten_then() {
        let identity = age::x25519::Identity::generate().to_string();
        let identity = Identity::parse(age::secrecy::ExposeSecret::expose_secret(&identity).as_bytes()).unwrap();
        let opener = Some(Arc::new((identity, FingerprintKey::new(vec![7; 32]))));
        let long_ago = SystemTime::now() - Duration::from_secs(120);
        let mut kept = KeptOpener { opener: Mutex::new(opener), since: Some((Instant::now(), long_ago)), within: None };
        assert!(kept.get().is_some());
        kept.within = Some(Duration::from_secs(180));
        assert!(kept.get().is_some());
        kept.within = Some(Duration::from_secs(60));
        assert!(kept.get().is_none() && kept.get().is_none());
    }
}
