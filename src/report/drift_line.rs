//! A token's drift as a curve: what was read, and what is foretold with its band; for the terminal and for pictures.

use super::braille::Braille;
use super::forecast::day;
use crate::drift::{Come, Fit, Forecast, History, Interval, Left, Window};
use crate::time::{UnixTime, seconds};

/// How far a curve goes beyond now where no date is near, in days.
const AHEAD_DAYS: i64 = 180;

/// How many points of a forecast are drawn.
const POINTS: i32 = 120;

/// A drift as a curve.
pub struct DriftLine {
    /// The drifts that were read: time, and seconds.
    pub read: Vec<(UnixTime, f64)>,
    /// The stretches over which the clock ran by itself: from what a visit left to what the next one found.
    pub ran: Vec<[(UnixTime, f64); 2]>,
    /// The forecast from the last visit on.
    pub ahead: Vec<(UnixTime, Interval)>,
    /// The drift that the server accepts to either side, in seconds.
    pub window_s: f64,
    /// When the token must come back, if that is within the picture.
    pub come: Option<UnixTime>,
}

impl DriftLine {
    /// The curve of a token.
    #[must_use]
    pub fn of(history: &History, fit: &Fit, forecast: &Forecast, window: &Window, now: UnixTime) -> Self {
        let mut read = Vec::new();
        let mut ran = Vec::new();
        let mut left: Option<(UnixTime, f64)> = None;
        for visit in &history.visits {
            let found = visit.found.map(|found| (visit.at, found.drift_s));
            ran.extend(left.zip(found).map(|(left, found)| [left, found]));
            read.extend(found);
            if let Left::Set(set) = visit.left {
                read.push((visit.at, set.drift_s));
            }
            left = visit.known_left().map(|left| (visit.at, left.drift_s));
        }
        let come = match forecast.come {
            Come::Before(at) => Some(at),
            Come::Now | Come::NotForLong => None,
        };
        let soon = now + chrono::TimeDelta::days(AHEAD_DAYS);
        let years = now + chrono::TimeDelta::days(3 * 365);
        let end = come.filter(|at| *at < years).map_or(soon, |at| soon.max(at + (at - now) / 5));
        let step = (end - fit.at) / POINTS;
        let ahead = (0..=POINTS).map(|index| fit.at + step * index).map(|at| (at, fit.drift_at(at))).collect();
        Self { read, ran, ahead, window_s: window.seconds, come: come.filter(|at| *at <= end) }
    }

    /// The first and the last time.
    #[must_use]
    pub fn times(&self) -> Option<(UnixTime, UnixTime)> {
        let last = self.ahead.last()?.0;
        let first = self.ahead.first()?.0;
        Some((self.read.iter().map(|(at, _)| *at).min().unwrap_or(first).min(first), last))
    }

    /// The lowest and the highest drift that is worth a place: the window, what was read within ten times of it, and the band up to twice of it.
    #[must_use]
    pub fn drifts(&self) -> (f64, f64) {
        let (near, far) = (2.0 * self.window_s, 10.0 * self.window_s);
        let read = self.read.iter().map(|(_, drift)| *drift).filter(|drift| drift.abs() <= far);
        let band = self.ahead.iter().flat_map(|(_, band)| [band.low_s, band.high_s]).map(|s| s.clamp(-near, near));
        let all = read.chain(band).chain([0.0]);
        let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), s| (low.min(s), high.max(s)));
        let room = ((high - low) * 0.05).max(0.1);
        (low - room, high + room)
    }

    /// The curve in Braille: lines of this width, with the drift at the left and the dates below.
    #[must_use]
    pub fn lines(&self, width: usize, height: usize) -> Vec<String> {
        const LABEL: usize = 9;
        let Some((first, last)) = self.times() else { return Vec::new() };
        let (low, high) = self.drifts();
        let mut picture = Braille::new(width.saturating_sub(LABEL).max(10), height);
        let place = |at: UnixTime, drift: f64| {
            (seconds(at - first) / seconds(last - first).max(1.0), (drift - low) / (high - low))
        };
        let mut dot = |at: UnixTime, drift: f64| {
            let (x, y) = place(at, drift);
            picture.dot(x, y);
        };
        for [(from, left), (to, found)] in &self.ran {
            for index in 0..=POINTS {
                let share = f64::from(index) / f64::from(POINTS);
                dot(*from + (*to - *from) / POINTS * index, left + (found - left) * share);
            }
        }
        for (at, drift) in &self.read {
            dot(*at, *drift);
        }
        for (index, (at, band)) in self.ahead.iter().enumerate() {
            dot(*at, band.middle_s());
            // The band is dotted, so that the middle stands out.
            if index % 3 == 0 {
                dot(*at, band.low_s);
                dot(*at, band.high_s);
            }
        }
        let rows = picture.lines();
        let middle = rows.len() / 2;
        let labelled = |(index, row): (usize, String)| {
            let label = match index {
                0 => format!("{high:+.1} s"),
                index if index + 1 == rows.len() => format!("{low:+.1} s"),
                index if index == middle && rows.len() > 2 => format!("{:+.1} s", low.midpoint(high)),
                _ => String::new(),
            };
            format!("{label:>8} {row}").trim_end_matches([' ', '\u{2800}']).to_owned()
        };
        let mut lines: Vec<String> = rows.iter().cloned().enumerate().map(labelled).collect();
        let (first, last) = (day(first), day(last));
        let gap = width.saturating_sub(LABEL + first.len() + last.len());
        lines.push(format!("{}{first}{}{last}", " ".repeat(LABEL), " ".repeat(gap)));
        lines
    }
}
