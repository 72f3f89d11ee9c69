//! How long a server is waited for that asks to be asked later: as long as it says, or 1, 2, 4 … 32 s and up to a second more by chance,
//! so that several desks do not come back together.

use std::time::Duration;

/// How long one request may be put off, all in all.
const PATIENCE: Duration = Duration::from_secs(150);

/// The pauses of one request.
pub struct Pace {
    next: Duration,
    left: Duration,
}

impl Pace {
    /// Before the first pause.
    #[must_use]
    pub fn new() -> Self {
        Self { next: Duration::from_secs(1), left: PATIENCE }
    }

    /// The next pause; `None` where there was enough waiting. `asked` is what the server named, `chance` of 0 to 255 draws the rest.
    pub fn pause(&mut self, asked: Option<Duration>, chance: u8) -> Option<Duration> {
        let by_chance = Duration::from_millis(u64::from(chance) * 1000 / 255);
        // None is no pause.
        let pause = asked.map_or(self.next + by_chance, |asked| asked.max(Duration::from_secs(1)));
        self.next = (self.next * 2).min(Duration::from_secs(32));
        self.left = self.left.checked_sub(pause)?;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_end() {
        let mut pace = Pace::new();
        let pauses: Vec<u64> = std::iter::from_fn(|| pace.pause(None, 0)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn the_server_s_own_pace_is_kept_and_a_day_is_not_waited_for() {
        let mut pace = Pace::new();
        assert_eq!(pace.pause(Some(Duration::from_secs(7)), 200), Some(Duration::from_secs(7)));
        assert_eq!(pace.pause(Some(Duration::from_secs(86_400)), 200), None);
    }
}
