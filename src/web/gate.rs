//! The gate: who may ask. A page on loopback is reached by every program and every page on this computer, so nothing is believed
//! but a secret that only this program's own page has.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method, StatusCode, header};
use sha2::{Digest, Sha256};

/// So many wrong codes and bearers are answered within [`WITHIN`]; what comes after them is not looked at.
const WRONG_ONES: usize = 10;

/// The time over which wrong ones are counted.
const WITHIN: Duration = Duration::from_secs(60);

/// How many codes wait to be used at the most; one more takes the place of the oldest.
const CODES: usize = 8;

/// How many pages may be open; one more closes the one that was silent for longest.
const PAGES: usize = 16;

/// The secrets of a run: one-use codes, and the bearers that they were exchanged for. Only their hashes are kept.
pub struct Gate {
    /// `127.0.0.1:PORT`.
    host: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The newest comes last; each is good until a time, or for as long as the program runs.
    codes: VecDeque<([u8; 32], Option<Instant>)>,
    /// The one that asked last comes last.
    bearers: VecDeque<[u8; 32]>,
    wrong: Vec<Instant>,
}

impl Gate {
    /// The gate of a server at this port of 127.0.0.1.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self { host: format!("127.0.0.1:{port}"), kept: Mutex::default() }
    }

    /// The address of the page, with a new code in its fragment, which no server and no log gets to see. The code is good for so long, or
    /// as long as the program runs.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn address(&self, lasts: Option<Duration>) -> Result<String, getrandom::Error> {
        let code = secret()?;
        let until = lasts.and_then(|lasts| Instant::now().checked_add(lasts));
        let codes = &mut self.kept().codes;
        if codes.len() >= CODES {
            codes.pop_front();
        }
        codes.push_back((hash(&code), until));
        Ok(format!("http://{}/#{code}", self.host))
    }

    /// Exchanges a code for a bearer; it is used up then.
    ///
    /// # Errors
    /// 401 for one that is not known or used up, 429 where too many were wrong, 503 where the system has no random numbers.
    pub fn exchange(&self, code: &str) -> Result<String, StatusCode> {
        let mut kept = self.kept();
        let code = hash(code);
        let is_good = |until: Option<Instant>| until.is_none_or(|until| Instant::now() < until);
        if !kept.codes.iter().any(|(known, until)| *known == code && is_good(*until)) {
            return Err(kept.wrong_one());
        }
        let bearer = secret().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        kept.codes.retain(|(known, _)| *known != code);
        // The page that has been silent for longest is closed, most likely.
        if kept.bearers.len() >= PAGES {
            kept.bearers.pop_front();
        }
        kept.bearers.push_back(hash(&bearer));
        Ok(bearer)
    }

    /// Whether a request comes from a page of this server: its name, and where a browser says so its origin, are exactly ours. A name that leads
    /// here by someone else's DNS is not ours, and neither is a page on another port.
    ///
    /// # Errors
    /// 421 for another name, 403 for another origin.
    pub fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), StatusCode> {
        let one = |name| {
            let mut values = headers.get_all(name).iter();
            // Two of a kind are nobody's.
            values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
        };
        if one(header::HOST) != Some(self.host.as_str()) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        let origin = format!("http://{}", self.host);
        let is_ours = match one(header::ORIGIN) {
            Some(given) => given == origin,
            None => *method == Method::GET && !headers.contains_key(header::ORIGIN),
        };
        if is_ours { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }

    /// Whether a browser says of a request for anything but the empty page that another page has made it. The page itself may be led to from
    /// elsewhere: it is from the file that opens the browser.
    ///
    /// # Errors
    /// 403.
    pub fn check_site(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        let is_own = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
        if is_own { Ok(()) } else { Err(StatusCode::FORBIDDEN) }
    }

    /// Whether a request has a bearer that was given out.
    ///
    /// # Errors
    /// 401, or 429 where too many were wrong.
    pub fn check_bearer(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let mut kept = self.kept();
        let bearer = given.and_then(|given| given.strip_prefix("Bearer ")).map(hash);
        let place = bearer.and_then(|bearer| kept.bearers.iter().position(|known| *known == bearer));
        match place.and_then(|place| kept.bearers.remove(place)) {
            Some(bearer) => {
                kept.bearers.push_back(bearer);
                Ok(())
            }
            None => Err(kept.wrong_one()),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Takes note of a wrong code or bearer. Right ones pass however many wrong ones there are: nobody is locked out by another.
    fn wrong_one(&mut self) -> StatusCode {
        self.wrong.retain(|at| at.elapsed() < WITHIN);
        if self.wrong.len() >= WRONG_ONES {
            return StatusCode::TOO_MANY_REQUESTS;
        }
        self.wrong.push(Instant::now());
        StatusCode::UNAUTHORIZED
    }
}

/// 256 random bits, as text that may stand in an address.
fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// Kept instead of the secret: it is compared in a time that tells nothing of it.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(address: &str) -> String {
        address.split_once("/#").unwrap().1.to_owned()
    }

    #[test]
    fn a_code_is_good_once_and_until_its_time_is_over() {
        let gate = Gate::new(1);
        let stale = code(&gate.address(Some(Duration::ZERO)).unwrap());
        assert_eq!(gate.exchange(&stale), Err(StatusCode::UNAUTHORIZED));
        for lasts in [Some(Duration::from_secs(600)), None] {
            let fresh = code(&gate.address(lasts).unwrap());
            assert!(gate.exchange(&fresh).is_ok());
            assert_eq!(gate.exchange(&fresh), Err(StatusCode::UNAUTHORIZED));
        }
    }

    #[test]
    fn of_more_codes_than_are_kept_the_oldest_goes() {
        let gate = Gate::new(1);
        let codes: Vec<String> = (0..=CODES).map(|_| code(&gate.address(None).unwrap())).collect();
        assert_eq!(gate.exchange(&codes[0]), Err(StatusCode::UNAUTHORIZED));
        assert!(codes[1..].iter().all(|code| gate.exchange(code).is_ok()));
    }
}
