//! A token as privacyIDEA lists it (privacyIDEA's documentation, "Token endpoints", `GET /token/`).

use serde_json::Value;

use super::asked::ServerToken;
use super::json::{number_in, text_in};
use crate::time::UnixTime;

/// The state of a token that waits for a code before anybody can sign in with it (privacyIDEA's `ROLLOUTSTATE.VERIFYPENDING`).
pub const UNVERIFIED: &str = "verify";

/// A token of a list; `None` where it has no serial.
pub fn token_of(value: &Value) -> Option<ServerToken> {
    let serial = text_in(value, "serial")?;
    let info = value.get("info").unwrap_or(&Value::Null);
    let is = |field: &str| value.get(field).and_then(Value::as_bool);
    let counts = text_in(value, "tokentype").is_some_and(|kind| kind.eq_ignore_ascii_case("hotp"));
    let next_counter: Option<u64> = number_in(value, "count");
    Some(ServerToken {
        more_users: 0,
        id: serial.clone(),
        serial,
        user: text_in(value, "username"),
        counts,
        step_s: number_in(info, "timeStep"),
        digits: number_in(value, "otplen"),
        hash: text_in(info, "hashlib"),
        // What stands there is the last count that was used (HOTP: the next one); none was, where it is 0.
        next_counter: next_counter.map(|count| if counts || count == 0 { count } else { count.saturating_add(1) }),
        believed: believed(next_counter.filter(|_| !counts), number_in(info, "timeStep"), number_in(info, "timeShift")),
        realm: text_in(value, "user_realm"),
        is_unverified: text_in(value, "rollout_state").is_some_and(|state| state == UNVERIFIED),
        // A full fail counter refuses right codes too.
        is_off: is("active") == Some(false)
            || is("locked") == Some(true)
            || is("revoked") == Some(true)
            || number_in::<u64>(value, "failcount")
                .zip(number_in(value, "maxfail"))
                .is_some_and(|(count, most)| count >= most && most > 0),
    })
}

/// How far a server believes a clock to be off, and when it came to believe so: at a login it keeps the step that was used, and how far
/// that began after its own time (privacyIDEA 3.14, `TotpTokenClass.check_otp`). Before the first one it believes nothing.
fn believed(last_step: Option<u64>, step_s: Option<u32>, shift_s: Option<f64>) -> Option<(f64, UnixTime)> {
    let (last, step_s, shift_s) =
        (last_step.filter(|step| *step > 0)?, step_s?, shift_s.filter(|shift| shift.is_finite())?);
    let at_ms = (last as f64 * f64::from(step_s) - shift_s) * 1000.0;
    Some((shift_s, UnixTime::from_timestamp_millis(at_ms as i64)?))
}
