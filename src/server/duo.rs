//! Duo: its Admin API (Duo's documentation, "Admin API", "Tokens" and "Users"; the vendor's Python client 5.6).
//!
//! Tried against a stand-in that the vendor's client is the judge of, and not against Duo itself (`docs/servers.md`).

use data_encoding::BASE64;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::asked::{Asked, AuthServer, Enrolment, ServerClock, ServerToken, ServerUser, Standing};
use super::duo_signature::{Signed, signature};
use super::error::ServerError;
use super::http::{Answer, Ask, Http, Method, Pause};
use super::json::{Fields, number_in, text_in, words_in};
use super::kind::{Right, ServerKind};
use super::settings::ServerSettings;
use super::url_text::{encoded, query};
use crate::otp::Hash;
use crate::seedfile::{Kind, Row};
use crate::time::{HostClock, SystemClock};

/// So many tokens are read at the most.
const MOST_TOKENS: u64 = 1_000_000;

/// Tokens in a page: no more are given at once.
const PAGE: &str = "100";

/// Duo, as an Admin API application.
pub struct Duo {
    http: Http,
    url: String,
    integration_key: String,
    secret_key: Zeroizing<String>,
}

impl Duo {
    /// The server of these settings, with the secret key.
    ///
    /// # Errors
    /// [`ServerError::Unusable`].
    pub fn new(settings: &ServerSettings, secret_key: Zeroizing<String>, pause: Pause) -> Asked<Self> {
        let http = Http::new(&settings.url, settings, pause)?;
        Ok(Self { http, url: settings.url.clone(), integration_key: settings.account.clone(), secret_key })
    }

    fn ask(&self, method: &Method, path: &str, parameters: &[(&str, &str)]) -> Asked<Answer> {
        let mut sorted = parameters.to_vec();
        sorted.sort_unstable();
        let is_post = *method == Method::POST;
        let body = if is_post { Zeroizing::new(json_of(&sorted)) } else { Zeroizing::default() };
        let date = SystemClock::new().now().wall.format("%a, %d %b %Y %H:%M:%S -0000").to_string();
        let in_query = if is_post { Vec::new() } else { sorted };
        let signed = Signed {
            date: &date,
            method: method.as_str(),
            host: authority(&self.url),
            path,
            parameters: &in_query,
            body: Some((&body, &[])),
        };
        let credential = Zeroizing::new(format!("{}:{}", self.integration_key, signature(&signed, &self.secret_key)));
        let authorization = Zeroizing::new(format!("Basic {}", BASE64.encode(credential.as_bytes())));
        let question = if in_query.is_empty() { String::new() } else { format!("?{}", query(&in_query)) };
        let ask = Ask {
            method: method.clone(),
            url: format!("{}{path}{question}", self.url),
            headers: vec![("Date", Zeroizing::new(date)), ("Authorization", authorization)],
            body: is_post.then_some(("application/json", body)),
            only_reads: *method == Method::GET,
            is_of_now: false,
        };
        self.answered(self.http.ask(&ask)?)
    }

    /// An answer whose `stat` is OK, or what it says instead.
    fn answered(&self, answer: Answer) -> Asked<Answer> {
        let host = self.http.host().to_owned();
        if text_in(&answer.value, "stat").as_deref() == Some("OK") {
            return Ok(answer);
        }
        let said = [words_in(&answer.value, "message"), words_in(&answer.value, "message_detail")];
        let detail = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
        Err(match answer.status {
            _ if answer.value.get("stat").is_none() => ServerError::Lacks { host, field: "/stat" },
            401 => ServerError::SignIn { host, detail },
            403 => ServerError::Forbidden { host, detail },
            404 => ServerError::Absent(host),
            500.. => ServerError::Faulty { host, status: answer.status },
            status => ServerError::Refused { host, status, detail },
        })
    }

    fn fields<'a>(&'a self, answer: &'a Answer) -> Fields<'a> {
        Fields { host: self.http.host(), value: &answer.value }
    }

    /// All pages of a list.
    fn pages(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        visit: &mut dyn FnMut(&Value) -> Asked<()>,
    ) -> Asked<Option<ServerClock>> {
        let (mut offset, mut read) = ("0".to_owned(), 0);
        loop {
            let mut all = parameters.to_vec();
            all.extend([("limit", PAGE), ("offset", offset.as_str())]);
            let answer = self.ask(&Method::GET, path, &all)?;
            self.http.count_page(&mut read, &answer)?;
            let found = self.fields(&answer).list("/response")?;
            found.iter().try_for_each(&mut *visit)?;
            let is_empty = found.is_empty();
            let next: Option<u64> = answer.value.get("metadata").and_then(|found| number_in(found, "next_offset"));
            match next {
                None => return Ok(answer.clock),
                Some(next) if !is_empty && next < MOST_TOKENS && offset.parse().is_ok_and(|now: u64| next > now) => {
                    offset = next.to_string();
                }
                // One that goes back would never end, and a part of the list is not taken for all of it.
                Some(_) => return Err(ServerError::Endless(self.http.host().to_owned())),
            }
        }
    }

    /// A token of a list. One that is there and cannot be read is not taken for one that is not there.
    fn token_of(&self, value: &Value) -> Asked<ServerToken> {
        let fields = Fields { host: self.http.host(), value };
        let kind = text_in(value, "type").unwrap_or_default();
        let users = value.get("users").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let user = users.first();
        Ok(ServerToken {
            id: fields.text("/token_id")?.to_owned(),
            serial: fields.text("/serial")?.to_owned(),
            user: user.and_then(|user| text_in(user, "username")),
            more_users: users.len().saturating_sub(1),
            counts: kind.starts_with('h'),
            step_s: number_in(value, "totp_step"),
            digits: kind.get(1..).and_then(|digits| digits.parse().ok()),
            ..ServerToken::default()
        })
    }
}

impl AuthServer for Duo {
    fn kind(&self) -> ServerKind {
        ServerKind::Duo
    }

    fn refuses(&self, row: &Row) -> Option<String> {
        let digits = row.effective_digits();
        match row.kind {
            _ if row.effective_hash() != Hash::Sha1 => {
                Some(format!("Duo takes SHA-1 only, not {}", row.effective_hash()))
            }
            _ if !matches!(digits, 6 | 8) => Some(format!("Duo takes 6 or 8 digits, not {digits}")),
            Kind::Totp if !matches!(row.effective_step(), 30 | 60) => {
                Some(format!("Duo takes time steps of 30 and 60 s, not {}", row.effective_step()))
            }
            _ => None,
        }
    }

    fn standing(&self) -> Asked<Standing> {
        let mut lacks = Vec::new();
        let clock = self.pages("/admin/v1/tokens", &[("serial", "0"), ("type", "t6")], &mut |_| Ok(()))?;
        match self.pages("/admin/v1/users", &[("username", "0")], &mut |_| Ok(())) {
            Ok(_) => {}
            Err(ServerError::Forbidden { .. }) => lacks.push(Right::Users),
            Err(error) => return Err(error),
        }
        // Whether the application may write shows when it does.
        let untold = vec![Right::Create, Right::Assign, Right::Resync];
        Ok(Standing { who: self.integration_key.clone(), lacks, untold, clock, no_realm: None })
    }

    fn tokens(&self, serial: &str) -> Asked<Vec<ServerToken>> {
        let mut found = Vec::new();
        // The serial is asked for together with a type only.
        for kind in ["t6", "t8", "h6", "h8"] {
            self.pages("/admin/v1/tokens", &[("type", kind), ("serial", serial)], &mut |token| {
                found.push(self.token_of(token)?);
                Ok(())
            })?;
        }
        found.retain(|token: &ServerToken| token.serial == serial);
        Ok(found)
    }

    fn visit_tokens(&self, visit: &mut dyn FnMut(ServerToken)) -> Asked<()> {
        self.pages("/admin/v1/tokens", &[], &mut |token| self.token_of(token).map(&mut *visit)).map(drop)
    }

    fn users(&self, name: &str) -> Asked<Vec<ServerUser>> {
        let mut found = Vec::new();
        for field in ["username", "email"] {
            self.pages("/admin/v1/users", &[(field, name)], &mut |user| {
                let names = [text_in(user, "username"), text_in(user, "email")];
                let is_meant = names.iter().flatten().any(|known| known.to_lowercase() == name.to_lowercase());
                if let (true, Some(id), [Some(name), _]) = (is_meant, text_in(user, "user_id"), names) {
                    found.push(ServerUser { id, name, realm: None });
                }
                Ok(())
            })?;
            if !found.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    fn create(&self, new: &Enrolment<'_>) -> Asked<String> {
        let secret = new.row.seed.to_hex();
        let digits = new.row.effective_digits();
        let (kind, third) = match new.row.kind {
            Kind::Totp => (format!("t{digits}"), ("totp_step", new.row.effective_step().to_string())),
            Kind::Hotp => (format!("h{digits}"), ("counter", new.row.counter.unwrap_or(0).to_string())),
        };
        let parameters =
            [("type", kind.as_str()), ("serial", new.serial), ("secret", secret.as_str()), (third.0, third.1.as_str())];
        let answer = self.ask(&Method::POST, "/admin/v1/tokens", &parameters)?;
        self.fields(&answer).text("/response/token_id").map(str::to_owned)
    }

    fn assign(&self, token: &ServerToken, user: &ServerUser) -> Asked<()> {
        let path = format!("/admin/v1/users/{}/tokens", encoded(&user.id));
        self.ask(&Method::POST, &path, &[("token_id", &token.id)]).map(drop)
    }

    fn resync(&self, token: &ServerToken, codes: &[String]) -> Asked<bool> {
        let [one, two, three] = codes else { return Err(ServerError::NoSuchCall(ServerKind::Duo)) };
        if !token.counts {
            return Err(ServerError::NoSuchCall(ServerKind::Duo));
        }
        let path = format!("/admin/v1/tokens/{}/resync", encoded(&token.id));
        match self.ask(&Method::POST, &path, &[("code1", one), ("code2", two), ("code3", three)]) {
            Ok(_) => Ok(true),
            Err(ServerError::Refused { status: 400, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, token: &ServerToken) -> Asked<()> {
        self.ask(&Method::DELETE, &format!("/admin/v1/tokens/{}", encoded(&token.id)), &[]).map(drop)
    }
}

/// Parameters as JSON, in the order that they have: what is signed is what is sent.
fn json_of(parameters: &[(&str, &str)]) -> String {
    let object: Map<String, Value> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    Value::Object(object).to_string()
}

/// Host and port of an address, as its `Host` header has them.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}
