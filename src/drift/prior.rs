//! The prior: the rate that a clock is taken to have before its own readings say more.

use super::visit::{Visit, stretches};
use super::{PPM, SIGMAS_95};

/// A rate and its spread among the tokens of a model, in seconds a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// The middle.
    pub rate: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// Where both come from.
    pub source: PriorSource,
}

/// Where a prior comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriorSource {
    /// So many tokens of the same model in this inventory.
    Model(usize),
    /// No more is known of a crystal than what is usual.
    WrittenDown,
}

impl Prior {
    /// The prior where the inventory knows too few tokens of the model: no rate is likelier than its opposite, and 95 % of the tokens gain or lose
    /// less than a second a day.
    pub const WRITTEN_DOWN: Self = Self { rate: 0.0, deviation: 6.0 * PPM, source: PriorSource::WrittenDown };

    /// The fewest tokens of a model that say more than the prior that is written down.
    pub const FEWEST: usize = 8;

    /// The least time that a token must have been watched to count, in days.
    const WATCHED_DAYS: f64 = 14.0;

    /// A model of which more than one in twenty is broken is no measure for the others, in seconds a day.
    const WIDEST: f64 = 12.0 * PPM;

    /// No model is taken to be more alike than this, in seconds a day.
    const LEAST: f64 = PPM;

    /// The prior of a model by the rates of its tokens: their median, and as much about it as their median absolute deviation says, which a
    /// few broken ones do not move, and as holds 95 % of them, broken ones among them.
    #[must_use]
    pub fn of_rates(rates: &mut [f64]) -> Self {
        let count = rates.len();
        if count < Self::FEWEST {
            return Self::WRITTEN_DOWN;
        }
        let middle = median(rates);
        let mut apart: Vec<f64> = rates.iter().map(|rate| (rate - middle).abs()).collect();
        // The factor that makes it the standard deviation of a normal distribution.
        let usual = 1.4826 * median(&mut apart);
        let holds_95 = apart.get(count * 95 / 100).copied().unwrap_or_default() / SIGMAS_95;
        let deviation = usual.max(holds_95.min(Self::WIDEST)).max(Self::LEAST);
        Self { rate: middle, deviation, source: PriorSource::Model(count) }
    }

    /// The rate of a token over all of the time that its clock was watched, if that is enough to count.
    #[must_use]
    pub fn rate_of(visits: &[Visit]) -> Option<f64> {
        let (days, gained) = stretches(visits).fold((0.0, 0.0), |(days, gained), (more, s)| (days + more, gained + s));
        (days >= Self::WATCHED_DAYS).then(|| gained / days)
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
