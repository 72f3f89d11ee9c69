//! The runs test: errors of a good fit change their sign about every other time.

/// Whether the signs of a fit's errors, in their order, have so few runs that chance does it in less than 5 % of cases: the clock
/// is not any more what it was when they began. Never from fewer than [`FEWEST`].
///
/// Between independent errors, each sign changes with probability one half (Wald and Wolfowitz, 1940).
pub fn are_too_few(errors: &[f64]) -> bool {
    let count = errors.len();
    if count < FEWEST {
        return false;
    }
    let signs = || errors.iter().map(|error| *error < 0.0);
    let changes = signs().zip(signs().skip(1)).filter(|(one, next)| one != next).count();
    let trials = (count - 1) as f64;
    // The sum of the binomial distribution up to as many changes as there are.
    let mut chance = 0.5_f64.powf(trials);
    let mut sum = chance;
    for change in 1..=changes {
        chance *= (trials - change as f64 + 1.0) / change as f64;
        sum += chance;
    }
    sum < 0.05
}

/// The fewest errors that the test judges.
pub const FEWEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_errors_of_one_sign_are_too_few_runs_and_changing_ones_are_not() {
        assert!(are_too_few(&[1.0; 8]));
        assert!(!are_too_few(&[1.0; 7]), "too few to judge");
        assert!(!are_too_few(&[1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]), "at most 1 change of 7: 6.25 %");
        assert!(are_too_few(&[1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0]), "at most 1 change of 8: 3.5 %");
        assert!(!are_too_few(&[1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0]));
    }
}
