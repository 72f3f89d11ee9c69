//! The view of a batch while it runs.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli::host::Host;
use crate::cli::screen::{Bell, Screen, bar, expected_end};
use crate::inventory::{Counts, SlotKey};
use crate::job::batch::{BatchNews, Departure, Left, Opened};
use crate::report::{Audience, BatchBegin, BatchEvent, BatchLeft, HandedToken};
use crate::time::HostClock;

/// The view of a batch.
pub struct View<'a> {
    name: &'a str,
    clock: &'a Host,
    began: Duration,
    done_at_first: u64,
    counts: Counts,
    /// Tokens that did not end well in this run, by serial.
    bad: BTreeSet<String>,
    /// Tokens that hold a seed from elsewhere, by serial.
    holding: BTreeSet<String>,
    /// Tokens of which it was shown that they were handed to a server, or not.
    handed_over: BTreeSet<SlotKey>,
}

impl<'a> View<'a> {
    pub fn new(name: &'a str, counts: Counts, host: &'a Host) -> Self {
        let began = host.system.now().monotonic;
        Self {
            name,
            clock: host,
            began,
            done_at_first: counts.done(),
            counts,
            bad: BTreeSet::new(),
            holding: BTreeSet::new(),
            handed_over: BTreeSet::new(),
        }
    }

    /// How many tokens were left alone because they hold a seed from elsewhere.
    pub fn holding(&self) -> usize {
        self.holding.len()
    }

    /// The tokens of which it was shown that they were handed to a server, or not.
    #[cfg(feature = "servers")]
    pub fn handed_over(&self) -> BTreeSet<SlotKey> {
        self.handed_over.clone()
    }

    pub fn begin(&self, how: Opened, screen: &Screen<'_>) {
        screen.event(&BatchEvent::Begin(BatchBegin::of(self.name, self.counts, how)), Bell::None);
        self.progress(screen);
    }

    fn progress(&self, screen: &Screen<'_>) {
        let counts = self.counts;
        let (done, rows) = (counts.done(), counts.rows());
        let end = expected_end(&self.clock.system, self.began, done - self.done_at_first.min(done), counts.left());
        let end = end.map(|end| format!(", ends {end}")).unwrap_or_default();
        let bad = match self.bad.len() {
            0 => String::new(),
            bad => format!(", {bad} with problems"),
        };
        screen.progress(&format!("{} {done}/{rows} done, {} left{bad}{end}", bar(done, rows, 20), counts.left()));
    }

    pub fn show(&mut self, screen: &mut Screen<'_>, news: BatchNews) {
        match news {
            BatchNews::Reader(place, news) => screen.reader(place.as_ref(), &news),
            BatchNews::Begins(place, info, row) => {
                screen.at_reader(&place, &format!("burning row {row} onto {info}"));
            }
            BatchNews::Left(departure) => self.left(screen, &departure),
            BatchNews::HandedOver(server, key, result) => {
                let bell = if result.is_ok() { Bell::None } else { Bell::Badly };
                screen.event(
                    &BatchEvent::HandedOver(HandedToken::done(&server, &key, &result, Audience::Terminal)),
                    bell,
                );
                self.handed_over.insert(key);
            }
            // The wire takes these to whoever answers.
            BatchNews::Asks(_) => {}
        }
        self.progress(screen);
    }

    fn left(&mut self, screen: &mut Screen<'_>, departure: &Departure) {
        self.counts = departure.counts;
        let left = BatchLeft::of(departure, Audience::Terminal);
        let bell = match left.is_well {
            None => Bell::None,
            Some(true) => Bell::Well,
            Some(false) => Bell::Badly,
        };
        // One that is laid back and burned then is well.
        if let Some(serial) = left.token.as_ref().map(|token| token.serial.clone()) {
            if matches!(departure.how, Left::HoldsAnother(..)) {
                self.holding.insert(serial.clone());
            }
            match bell {
                Bell::Badly => self.bad.insert(serial),
                _ => self.bad.remove(&serial),
            };
        }
        let is_lifted = matches!(&departure.how, Left::Failed(failure) if failure.may_come_back);
        screen.at_reader(&departure.place, if is_lifted { "lay the token back" } else { "take the token off" });
        screen.event(&BatchEvent::Token(Box::new(left)), bell);
    }
}
