//! A fleet: all tokens of an inventory together, which say what is usual for a model, and where a desk's own clock was wrong.

use std::collections::HashMap;
use std::sync::Arc;

use super::fit::Fit;
use super::jump::{Cause, Jump};
use super::prior::Prior;
use super::visit::{Left, Visit, days};
use super::wander::Wander;
use crate::time::UnixTime;

/// A token's visits.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Its model.
    pub model: Option<String>,
    /// It is no real token: its clock is no measure for others.
    pub is_emulated: bool,
    /// Its visits, in their order.
    pub visits: Vec<Visit>,
}

/// What the tokens of an inventory say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// The prior of each model.
    pub priors: HashMap<String, Prior>,
    /// The wander.
    pub wander: Wander,
    /// The factor by which the wander was refitted, if there were enough tokens for it.
    pub refitted: Option<f64>,
    steps: Vec<HostStep>,
}

/// A desk whose clock was ahead of true time by so many seconds for some time.
#[derive(Debug, Clone, PartialEq)]
struct HostStep {
    desk: Arc<str>,
    from: UnixTime,
    to: UnixTime,
    ahead_s: f64,
}

/// The fewest tokens that must jump alike at a desk on a day for its clock to have been wrong.
const ALIKE: usize = 3;

/// Jumps of one step of a host are this alike, in seconds, beside what the readings leave open.
const ALIKE_S: f64 = 1.0;

impl Fleet {
    /// The fleet of these histories.
    #[must_use]
    pub fn of<'a>(histories: impl Iterator<Item = &'a History> + Clone) -> Self {
        let mut rates: HashMap<&str, Vec<f64>> = HashMap::new();
        for history in histories.clone() {
            if let Some((model, rate)) = history.model.as_deref().zip(Prior::rate_of(&history.visits)) {
                rates.entry(model).or_default().push(rate);
            }
        }
        let priors =
            rates.into_iter().map(|(model, mut rates)| (model.to_owned(), Prior::of_rates(&mut rates))).collect();
        let mut fleet = Self { priors, wander: Wander::WRITTEN_DOWN, refitted: None, steps: Vec::new() };
        let fits: Vec<(&History, Fit)> = histories.filter_map(|history| Some((history, fleet.fit(history)?))).collect();
        let mut steps = host_steps(fits.iter().flat_map(|(_, fit)| &fit.jumps));
        // Where more tokens were read as expected in the same time, the desk's clock was right, and the others were set elsewhere.
        steps.retain(|step| {
            let shown = fits.iter().filter(|(_, fit)| step.is_shown_by(fit)).count();
            let denied = fits.iter().filter(|(history, fit)| step.is_denied_by(history, fit)).count();
            shown > denied
        });
        fleet.steps = steps;
        let real = fits.iter().filter(|(history, _)| !history.is_emulated);
        let errors = real.filter_map(|(_, fit)| fit.last_error).collect();
        fleet.refitted = Wander::refit(errors);
        fleet.wander = Wander::WRITTEN_DOWN.scaled(fleet.refitted.unwrap_or(1.0));
        fleet
    }

    /// The prior of a model.
    #[must_use]
    pub fn prior(&self, model: Option<&str>) -> Prior {
        model.and_then(|model| self.priors.get(model)).copied().unwrap_or(Prior::WRITTEN_DOWN)
    }

    /// The fit of a token of this fleet; `None` where its clock is not known.
    #[must_use]
    pub fn fit(&self, history: &History) -> Option<Fit> {
        let prior = self.prior(history.model.as_deref());
        let fit = Fit::of(&history.visits, &prior, self.wander);
        if self.steps.is_empty() {
            return fit;
        }
        let jumps = fit.as_ref().map_or(&[] as &[Jump], |fit| &fit.jumps);
        let ahead: Vec<Option<f64>> =
            (0..).zip(&history.visits).map(|(index, visit)| self.ahead_at(index, visit, jumps)).collect();
        if ahead.iter().all(Option::is_none) {
            return fit;
        }
        let corrected = history.visits.iter().zip(&ahead);
        let corrected: Vec<Visit> = corrected.map(|(visit, ahead)| visit.corrected(ahead.unwrap_or(0.0))).collect();
        let mut fit = Fit::of(&corrected, &prior, self.wander)?;
        let of_host = corrected.iter().zip(&ahead).filter_map(|(visit, ahead)| {
            let (at, desk) = (visit.at, visit.desk.clone());
            let was_set = matches!(visit.left, Left::Set(_));
            Some(Jump { at, desk, by_s: -(*ahead)?, within_s: ALIKE_S, cause: Cause::HostStep, was_set })
        });
        fit.jumps.extend(of_host);
        fit.jumps.sort_by_key(|jump| jump.at);
        Some(fit)
    }

    /// By how much the desk's clock was ahead at a visit that jumped as others did there, or that was a token's first and so could not
    /// show it.
    fn ahead_at(&self, index: usize, visit: &Visit, jumps: &[Jump]) -> Option<f64> {
        let step = self.steps.iter().find(|step| step.holds(&visit.desk, visit.at))?;
        let is_alike = |jump: &Jump| jump.at == visit.at && step.is_alike(jump);
        (index == 0 || jumps.iter().any(is_alike)).then_some(step.ahead_s)
    }
}

impl HostStep {
    fn is_alike(&self, jump: &Jump) -> bool {
        (jump.by_s + self.ahead_s).abs() <= jump.within_s.min(0.1 * self.ahead_s.abs()) + ALIKE_S
    }

    /// Whether a token jumped as this step makes it.
    fn is_shown_by(&self, fit: &Fit) -> bool {
        fit.jumps.iter().any(|jump| self.holds(&jump.desk, jump.at) && self.is_alike(jump))
    }

    /// Whether a token that was known before was read here meanwhile, and did not jump.
    fn is_denied_by(&self, history: &History, fit: &Fit) -> bool {
        let reads =
            history.visits.iter().skip(1).any(|visit| visit.found.is_some() && self.holds(&visit.desk, visit.at));
        reads && !self.is_shown_by(fit)
    }

    fn holds(&self, desk: &str, at: UnixTime) -> bool {
        *self.desk == *desk && (self.from..=self.to).contains(&at)
    }
}

/// The steps of hosts that several tokens show: jumps by as much, at the same desk, within a day.
fn host_steps<'a>(jumps: impl Iterator<Item = &'a Jump>) -> Vec<HostStep> {
    let mut by_desk: HashMap<&str, Vec<&Jump>> = HashMap::new();
    // Others have a cause of their own.
    for jump in jumps.filter(|jump| !matches!(jump.cause, Cause::AnotherHand | Cause::LostTime)) {
        by_desk.entry(&jump.desk).or_default().push(jump);
    }
    let mut steps = Vec::new();
    for mut jumps in by_desk.into_values() {
        jumps.sort_by_key(|jump| jump.at);
        while let Some((first, rest)) = jumps.split_first() {
            let is_alike = |other: &&&Jump| {
                let apart = (0.5 * (first.within_s + other.within_s)).min(0.1 * first.by_s.abs()) + ALIKE_S;
                days(first.at, other.at) <= 1.0 && (first.by_s - other.by_s).abs() <= apart
            };
            let alike: Vec<&&Jump> = rest.iter().filter(is_alike).collect();
            if alike.len() + 1 >= ALIKE {
                let mut sizes: Vec<f64> = alike.iter().map(|jump| jump.by_s).chain([first.by_s]).collect();
                sizes.sort_by(f64::total_cmp);
                let by_s = sizes.get(sizes.len() / 2).copied().unwrap_or(first.by_s);
                let to = alike.iter().map(|jump| jump.at).max().unwrap_or(first.at);
                steps.push(HostStep { desk: first.desk.clone(), from: first.at, to, ahead_s: -by_s });
                let last = to;
                jumps.retain(|jump| jump.at > last);
            } else {
                jumps.remove(0);
            }
        }
    }
    steps
}
