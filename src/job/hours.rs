//! The same whole hours off on one token after the other: then it is not the tokens that are wrong, but the host.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::record::locked;
use crate::clock::Drift;
use crate::device::Serial;

/// An hour, in seconds.
const HOUR_S: f64 = 3600.0;

/// How far from a whole hour a drift may be: what tokens gain or lose in some years.
const NEAR_S: f64 = 120.0;

/// Watches the drifts of a run of tokens.
#[derive(Debug, Default)]
pub struct HourWatch {
    /// The last token that was whole hours off, and by how many.
    last: Mutex<Option<(Serial, i64)>>,
    /// The first of two that were off by the same hours: until somebody says that the host is right, none of those is set.
    doubted: Mutex<Option<SameHours>>,
    confirmed: AtomicBool,
}

/// Two tokens in a row that are off by the same whole hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameHours {
    /// The token before this one.
    pub earlier: Serial,
    /// By how many hours both are ahead of the host; negative when behind.
    pub hours: i64,
}

impl HourWatch {
    /// A watch; without `is_needed` nothing is noticed: the user vouches for the host.
    #[must_use]
    pub fn watching(is_needed: bool) -> Self {
        Self { confirmed: AtomicBool::new(!is_needed), ..Self::default() }
    }

    /// Takes note of a token's drift before it is set.
    pub fn see(&self, serial: &Serial, drift: Drift) -> Option<SameHours> {
        let hours = (drift.middle_s() / HOUR_S).round();
        let is_near = (drift.middle_s() - hours * HOUR_S).abs() <= NEAR_S + drift.resolution_s();
        // A clock that is years off has lost its time: it is as near to a whole hour as it happens to be.
        let is_whole = is_near && (1.0..=26.0).contains(&hours.abs());
        if self.confirmed.load(Ordering::SeqCst) {
            return None;
        }
        let mut doubted = locked(&self.doubted);
        if let Some(doubt) = doubted.as_ref().filter(|doubt| is_whole && doubt.hours == hours as i64) {
            return Some(doubt.clone());
        }
        let mut last = locked(&self.last);
        let now = is_whole.then(|| (serial.clone(), hours as i64));
        match (last.clone(), &now) {
            // The same token again tells nothing new.
            (Some((earlier, _)), _) if earlier == *serial => None,
            (Some((earlier, hours)), Some((_, same))) if hours == *same => {
                let doubt = SameHours { earlier, hours };
                *doubted = Some(doubt.clone());
                Some(doubt)
            }
            _ => {
                *last = now;
                None
            }
        }
    }

    /// Somebody says that the host is right.
    pub fn confirm(&self) {
        self.confirmed.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Method;

    fn off(seconds: f64) -> Drift {
        let ns = (seconds * 1e9) as i64;
        Drift::between(ns - 500_000_000, ns + 500_000_000, Method::WholeSeconds)
    }

    #[test]
    fn only_the_same_whole_hours_on_two_tokens_in_a_row_are_noticed() {
        let serial = |text: &str| Serial::new(text).unwrap();
        for (drifts, is_noticed) in [
            (vec![3600.0, 3601.5], true),
            (vec![-7200.0, -7190.0], true),
            (vec![3600.0, -3600.0], false),
            (vec![3600.0, 7200.0], false),
            (vec![3600.0, 2.0, 3600.0], false),
            (vec![97.0, 97.0], false),
            (vec![1800.0, 1800.0], false),
            (vec![-8.489e8, -8.489e8], false),
            (vec![3600.0], false),
        ] {
            let watch = HourWatch::default();
            let seen: Vec<_> = (0..)
                .zip(&drifts)
                .map(|(number, drift)| watch.see(&serial(&format!("8659612000000{number}")), off(*drift)))
                .collect();
            assert_eq!(seen.last().unwrap().is_some(), is_noticed, "{drifts:?}");
        }
        let watch = HourWatch::default();
        watch.see(&serial("86596120000001"), off(3600.0));
        assert_eq!(watch.see(&serial("86596120000001"), off(3600.0)), None, "the same token twice");
        watch.confirm();
        assert_eq!(watch.see(&serial("86596120000002"), off(3600.0)), None, "confirmed");
    }

    #[test]
    fn while_the_host_is_doubted_a_token_that_is_right_settles_nothing() {
        let serial = |text: &str| Serial::new(text).unwrap();
        let watch = HourWatch::default();
        assert_eq!(watch.see(&serial("86596120000001"), off(3600.0)), None);
        let doubt = watch.see(&serial("86596120000002"), off(3600.0));
        assert_eq!(doubt, Some(SameHours { earlier: serial("86596120000001"), hours: 1 }));
        assert_eq!(watch.see(&serial("86596120000003"), off(5.0)), None);
        assert_eq!(watch.see(&serial("86596120000002"), off(3600.0)), doubt);
        watch.confirm();
        assert_eq!(watch.see(&serial("86596120000002"), off(3600.0)), None);
    }
}
