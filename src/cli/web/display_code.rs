//! A code off a display, judged at the page by the sealed seed, wherever the token is: its user may be at the telephone.

use serde_json::{Value, json};

use super::answers::Counter;
use crate::cli::verify::parse_code;
use crate::clock::{Drift, Method};
use crate::device::Profile;
use crate::device::families::capabilities_on_record;
use crate::inventory::{Deed, Outcome, TokenRecord, open_of};
use crate::job::forecast::fit_of;
use crate::job::verify::{WINDOW_S, expected_profile, judge, token_time};
use crate::job::{Failure, find};
use crate::otp::{Code, Digits};
use crate::report::verdict_words;
use crate::time::{HostClock, SECOND_NS, SystemClock, UnixTime};

impl Counter<'_> {
    /// Judges a code of a token whose sealed seed can be opened here.
    ///
    /// # Errors
    /// A usage failure where the seed is not at hand; a failure of the inventory.
    pub fn verify(&self, serial: &str, code: &str) -> Result<Value, Failure> {
        let books = self.inventory()?;
        let token = find::one(books, serial)?;
        let can = capabilities_on_record(token.model.as_deref(), &token.key.serial);
        if !can.has_clock() {
            let next = "check two codes in a row in a terminal: tokentap verify --hotp CODE CODE --identity FILE";
            return Err(Failure::usage("this device counts its codes: one of them proves nothing", next));
        }
        let opener = self.opener_of_seeds()?;
        let (identity, key) = &*opener;
        let row = open_of(&token, key, identity).map_err(|error| {
            Failure::usage(error.to_string(), "check the code in a terminal: tokentap verify --seed-file FILE")
        })?;
        let code = match row.digits.and_then(Digits::of_count) {
            None => parse_code(code)?,
            Some(digits) => Code::of_digits(code, digits)
                .map_err(|error| Failure::usage(error.to_string(), "type the digits on the display"))?,
        };
        let (hash, step) = (token.profile.map(Profile::hash), token.profile.map(Profile::step));
        let expected = expected_profile(hash.or(row.hash), step.or(row.step));
        let now = SystemClock::new().now().wall;
        let at = token_time(now, self.drift_now(&token, now));
        let verdict = judge(can, &row.seed, expected, &[code], at, WINDOW_S);
        let is_right = verdict.is_accepted(expected.step.seconds());
        let outcome = if is_right { Outcome::Right } else { Outcome::Wrong };
        let recorder = self.record.recorder(Deed::Verify, "", token.emulated);
        recorder.note(now, &token.key, outcome, None)?;
        Ok(json!({ "right": is_right, "words": verdict_words(&verdict, WINDOW_S) }))
    }

    /// The drift of a token now, by what is foretold of it; none where nothing is known.
    fn drift_now(&self, token: &TokenRecord, now: UnixTime) -> Drift {
        let fit = fit_of(self.record.books(), Some(&token.key), None, now);
        let drift = fit.map_or(0.0, |fit| fit.drift_at(now).middle_s());
        let drift_ns = (drift * SECOND_NS as f64) as i64;
        Drift::between(drift_ns, drift_ns, Method::WholeSeconds)
    }
}
