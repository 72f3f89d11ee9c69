//! privacyIDEA: its REST API (privacyIDEA's documentation, "Authentication endpoints", "Token endpoints", "User endpoints").

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use zeroize::Zeroizing;

use super::asked::{Asked, AuthServer, Enrolment, NoRealm, ServerToken, ServerUser, Standing};
use super::error::ServerError;
use super::http::{Answer, Ask, Http, Method, Pause};
use super::json::{Fields, text_in, words_in};
use super::kind::{Right, ServerKind};
use super::privacyidea_token::{UNVERIFIED, token_of};
use super::settings::ServerSettings;
use super::url_text::{encoded, query};
use crate::otp::{Hash, TimeStep};
use crate::plain::plain;
use crate::seedfile::{Kind, Row};

/// Tokens in a page.
const PAGE: usize = 200;

/// So many pages are read at the most: a million tokens.
const MOST_PAGES: u32 = 5000;

/// The rights of an administrator, each with privacyIDEA's names for it.
const RIGHTS: [(Right, &[&str]); 5] = [
    (Right::List, &["tokenlist"]),
    (Right::Create, &["enrollTOTP", "enrollHOTP"]),
    (Right::Users, &["userlist"]),
    (Right::Assign, &["assign"]),
    (Right::Resync, &["resync"]),
];

/// privacyIDEA, as an administrator.
pub struct PrivacyIdea {
    http: Http,
    settings: ServerSettings,
    password: Zeroizing<String>,
    /// The ticket of a sign-in, which lasts for an hour.
    ticket: Mutex<Option<Zeroizing<String>>>,
}

impl PrivacyIdea {
    /// The server of these settings, with the administrator's password.
    ///
    /// # Errors
    /// [`ServerError::Unusable`].
    pub fn new(settings: &ServerSettings, password: Zeroizing<String>, pause: Pause) -> Asked<Self> {
        let http = Http::new(&settings.url, settings, pause)?;
        Ok(Self { http, settings: settings.clone(), password, ticket: Mutex::default() })
    }

    /// Signs in; the answer's rights and clock.
    fn sign_in(&self) -> Asked<Answer> {
        let form = Zeroizing::new(query(&[("username", &self.settings.account), ("password", &self.password)]));
        let ask = Ask {
            method: Method::POST,
            url: format!("{}/auth", self.settings.url),
            headers: Vec::new(),
            body: Some((FORM, form)),
            // Whoever signs in twice has two tickets.
            only_reads: true,
            is_of_now: false,
        };
        let answer = self.http.ask(&ask)?;
        let answer = self.answered(answer).map_err(|error| match error {
            ServerError::Refused { host, status: 400 | 401, detail } => ServerError::SignIn { host, detail },
            other => other,
        })?;
        let ticket = Zeroizing::new(self.fields(&answer).text("/result/value/token")?.to_owned());
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
        Ok(answer)
    }

    fn ticket(&self) -> Asked<Zeroizing<String>> {
        let held = || self.ticket.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(ticket) = held() {
            return Ok(ticket);
        }
        self.sign_in()?;
        held().ok_or_else(|| ServerError::Lacks { host: self.http.host().to_owned(), field: "/result/value/token" })
    }

    fn ask(&self, method: &Method, path: &str, parameters: &[(&str, &str)]) -> Asked<Answer> {
        // A sign-in that was refused just now is not tried again: an account is locked by that.
        let had_ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        match self.ask_once(method, path, parameters) {
            // The ticket has ended: nothing was done.
            Err(ServerError::SignIn { .. }) if had_ticket => {
                *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.ask_once(method, path, parameters)
            }
            other => other,
        }
    }

    fn ask_once(&self, method: &Method, path: &str, parameters: &[(&str, &str)]) -> Asked<Answer> {
        let text = Zeroizing::new(query(parameters));
        let base = &self.settings.url;
        let in_body = *method == Method::POST;
        let url = match text.as_str() {
            text if !in_body && !text.is_empty() => format!("{base}{path}?{text}"),
            _ => format!("{base}{path}"),
        };
        let ask = Ask {
            method: method.clone(),
            url,
            headers: vec![("Authorization", self.ticket()?)],
            body: in_body.then_some((FORM, text)),
            only_reads: *method == Method::GET,
            is_of_now: path == CHECK,
        };
        self.answered(self.http.ask(&ask)?)
    }

    /// An answer that says that all went well, or what it says instead.
    fn answered(&self, answer: Answer) -> Asked<Answer> {
        let host = self.http.host().to_owned();
        let result = answer.value.get("result");
        let is_well = result.and_then(|result| result.get("status")).and_then(Value::as_bool);
        let error = result.and_then(|result| result.get("error"));
        let detail = error.and_then(|error| words_in(error, "message")).unwrap_or_default();
        // A password may be a word.
        let detail = detail.replace(self.password.as_str(), "…");
        match (answer.status, is_well) {
            (200, Some(true)) => Ok(answer),
            (_, None) => Err(ServerError::Lacks { host, field: "/result/status" }),
            (401, _) => Err(ServerError::SignIn { host, detail }),
            (403, _) => Err(ServerError::Forbidden { host, detail }),
            (404, _) => Err(ServerError::Absent(host)),
            (status @ 500.., _) => Err(ServerError::Faulty { host, status }),
            (status, _) => Err(ServerError::Refused { host, status, detail }),
        }
    }

    fn fields<'a>(&'a self, answer: &'a Answer) -> Fields<'a> {
        Fields { host: self.http.host(), value: &answer.value }
    }

    /// All pages of the tokens that fit.
    fn pages(&self, parameters: &[(&str, &str)], visit: &mut dyn FnMut(ServerToken)) -> Asked<()> {
        let size = PAGE.to_string();
        let (mut first, mut read) = (None, 0);
        for page in 1..=MOST_PAGES {
            let number = page.to_string();
            let mut all = parameters.to_vec();
            all.extend([("page", number.as_str()), ("pagesize", size.as_str())]);
            let answer = self.ask(&Method::GET, "/token/", &all)?;
            self.http.count_page(&mut read, &answer)?;
            let tokens = self.fields(&answer).list("/result/value/tokens")?;
            for token in tokens {
                // One that is there and cannot be read is not taken for one that is not there.
                visit(token_of(token).ok_or_else(|| self.fields(&answer).lacks("serial"))?);
            }
            let begins = tokens.first().and_then(|token| text_in(token, "serial"));
            match tokens.len() < PAGE {
                true => return Ok(()),
                // The same page again would never end.
                false if begins == first => break,
                false => first = begins,
            }
        }
        Err(ServerError::Endless(self.http.host().to_owned()))
    }

    /// What the server lists at a path; `None` where it does not list that to this account.
    fn listed(&self, path: &str) -> Asked<Option<Answer>> {
        match self.ask(&Method::GET, path, &[]) {
            Err(ServerError::Forbidden { .. } | ServerError::Refused { .. } | ServerError::Absent(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The realm of the settings, where the server lists its realms and not this one. A server that does not list them to this account
    /// tells nothing.
    fn no_realm(&self) -> Asked<Option<NoRealm>> {
        let Some(wanted) = &self.settings.realm else { return Ok(None) };
        let Some(answer) = self.listed("/realm/")? else { return Ok(None) };
        let Some(realms) = answer.value.pointer("/result/value").and_then(Value::as_object) else { return Ok(None) };
        let there: Vec<String> = realms.keys().map(|name| plain(name).chars().take(LONGEST_REALM).collect()).collect();
        let is_there = there.iter().any(|name| name.to_lowercase() == wanted.to_lowercase());
        Ok((!is_there).then(|| NoRealm { wanted: wanted.clone(), there }))
    }

    /// What is said of a token that is created, or burned anew.
    fn init(&self, new: &Enrolment<'_>) -> Asked<()> {
        let (secret, digits) = (new.row.seed.to_hex(), new.row.effective_digits().to_string());
        let hash = match new.row.effective_hash() {
            Hash::Sha1 => "sha1",
            Hash::Sha256 => "sha256",
            Hash::Sha512 => "sha512",
        };
        let step = new.row.effective_step().to_string();
        let mut form = vec![
            ("serial", new.serial),
            ("otpkey", secret.as_str()),
            ("genkey", "0"),
            ("otplen", digits.as_str()),
            ("hashlib", hash),
        ];
        match new.row.kind {
            // Without it, that of an earlier token of this serial would stay.
            Kind::Totp => form.extend([("type", "totp"), ("timeStep", step.as_str()), ("timeShift", "0")]),
            Kind::Hotp => form.push(("type", "hotp")),
        }
        let answer = self.ask(&Method::POST, "/token/init", &form)?;
        // By its policy `verify_enrollment`: nobody signs in with the token before.
        if answer.value.pointer("/detail/rollout_state").and_then(Value::as_str) == Some(UNVERIFIED) {
            self.verify(new)?;
        }
        Ok(())
    }

    /// Gives a token that was created the code that it waits for.
    fn verify(&self, new: &Enrolment<'_>) -> Asked<()> {
        let kind = if new.row.kind == Kind::Totp { "totp" } else { "hotp" };
        let form = [("serial", new.serial), ("type", kind), ("verify", new.past_code.as_str())];
        self.ask(&Method::POST, "/token/init", &form).map(drop)
    }

    /// Whether every token that is enrolled gets a new PIN (the policy `otp_pin_random`): enrolled again, it would lose its user's. A server that
    /// does not list its policies to this account counts as one without it.
    fn gives_new_pins(&self) -> Asked<bool> {
        let Some(answer) = self.listed("/policy/")? else { return Ok(false) };
        let policies = answer.value.pointer("/result/value").and_then(Value::as_array);
        Ok(policies.into_iter().flatten().any(|policy| {
            let is_active = policy.get("active").and_then(Value::as_bool) != Some(false);
            is_active && policy.pointer("/action/otp_pin_random").is_some()
        }))
    }
}

/// The longest name of a realm (privacyIDEA's table `realm`), in characters.
const LONGEST_REALM: usize = 255;

/// Where a code is asked about.
const CHECK: &str = "/validate/check";

const FORM: &str = "application/x-www-form-urlencoded";

impl AuthServer for PrivacyIdea {
    fn kind(&self) -> ServerKind {
        ServerKind::PrivacyIdea
    }

    fn refuses(&self, row: &Row) -> Option<String> {
        let digits = row.effective_digits();
        match row.kind {
            _ if !matches!(digits, 6 | 8) => Some(format!("privacyIDEA takes 6 or 8 digits, not {digits}")),
            // It is looked up by its serial, where a star or a comma would find others.
            _ if row.serial.as_deref().is_some_and(|serial| !is_found_alone(serial)) => {
                Some("a serial is looked up at privacyIDEA only where it has letters A to Z, digits, hyphens and underscores alone".to_owned())
            }
            Kind::Totp if TimeStep::new(row.effective_step()).is_none() => {
                Some(format!("privacyIDEA takes time steps of 30 and 60 s, not {}", row.effective_step()))
            }
            Kind::Hotp if row.counter.unwrap_or(0) > 0 => {
                Some("privacyIDEA begins to count at 0, and this token is further".to_owned())
            }
            _ => None,
        }
    }

    fn standing(&self) -> Asked<Standing> {
        let answer = self.sign_in()?;
        let value = answer.value.pointer("/result/value").unwrap_or(&Value::Null);
        if text_in(value, "role").is_some_and(|role| role != "admin") {
            let detail = "the account is a user, not an administrator".to_owned();
            return Err(ServerError::Forbidden { host: self.http.host().to_owned(), detail });
        }
        let told = value.get("rights").and_then(Value::as_array);
        // A policy that allows all is told as it is written.
        let is = |right: &Value, name: &str| right.as_str().is_some_and(|right| right == name || right == "*");
        let has = |name: &&str| told.is_some_and(|rights| rights.iter().any(|right| is(right, name)));
        let lacks = RIGHTS.iter().filter(|(_, names)| told.is_some() && !names.iter().all(has));
        Ok(Standing {
            who: text_in(value, "username").unwrap_or_else(|| self.settings.account.clone()),
            lacks: lacks.map(|(right, _)| *right).collect(),
            untold: if told.is_some() { Vec::new() } else { Right::ALL.to_vec() },
            clock: answer.clock,
            no_realm: self.no_realm()?,
        })
    }

    fn tokens(&self, serial: &str) -> Asked<Vec<ServerToken>> {
        let mut found = Vec::new();
        if is_found_alone(serial) {
            self.pages(&[("serial", serial)], &mut |token| {
                if token.serial == serial {
                    found.push(token);
                }
            })?;
        }
        Ok(found)
    }

    fn visit_tokens(&self, visit: &mut dyn FnMut(ServerToken)) -> Asked<()> {
        self.pages(&[("type", "*otp")], visit)
    }

    fn users(&self, name: &str) -> Asked<Vec<ServerUser>> {
        let mut found = Vec::new();
        if name.contains('*') {
            return Ok(found);
        }
        for field in ["username", "email"] {
            // Some resolvers find an address only by a part of it; what is not the whole is left out below.
            let around = format!("*{name}*");
            let wanted = if field == "email" { around.as_str() } else { name };
            let mut parameters = vec![(field, wanted)];
            parameters.extend(self.settings.realm.as_deref().map(|realm| ("realm", realm)));
            let answer = self.ask(&Method::GET, "/user/", &parameters)?;
            for user in self.fields(&answer).list("/result/value")? {
                let is_meant = text_in(user, field).is_some_and(|known| known.to_lowercase() == name.to_lowercase());
                if let (true, Some(name)) = (is_meant, text_in(user, "username")) {
                    let realm = text_in(user, "realm").or_else(|| self.settings.realm.clone());
                    let of = |field| text_in(user, field).unwrap_or_default();
                    let id = format!("{}/{}", of("resolver"), of("userid"));
                    found.push(ServerUser { id, name, realm });
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        found.dedup();
        Ok(found)
    }

    fn create(&self, new: &Enrolment<'_>) -> Asked<String> {
        self.init(new).map(|()| new.serial.to_owned())
    }

    fn assign(&self, token: &ServerToken, user: &ServerUser) -> Asked<()> {
        let mut form = vec![("serial", token.serial.as_str()), ("user", user.name.as_str())];
        form.extend(user.realm.as_deref().map(|realm| ("realm", realm)));
        self.ask(&Method::POST, "/token/assign", &form).map(drop)
    }

    fn resync(&self, token: &ServerToken, codes: &[String]) -> Asked<bool> {
        let [one, two, ..] = codes else { return Err(ServerError::NoSuchCall(ServerKind::PrivacyIdea)) };
        let form = [("serial", token.serial.as_str()), ("otp1", one.as_str()), ("otp2", two.as_str())];
        let answer = self.ask(&Method::POST, "/token/resync", &form)?;
        self.fields(&answer).truth("/result/value")
    }

    fn accepts(&self, token: &ServerToken, code: &str) -> Asked<bool> {
        // Without a PIN: the code alone is asked about.
        let form = [("serial", token.serial.as_str()), ("pass", code), ("otponly", "1")];
        let answer = self.ask(&Method::POST, CHECK, &form)?;
        self.fields(&answer).truth("/result/value")
    }

    fn re_enrol(&self, token: &ServerToken, new: &Enrolment<'_>) -> Asked<()> {
        // One that was created and not brought to its end takes nothing else, and no code of another seed.
        if token.is_unverified {
            return self.verify(new);
        }
        if self.gives_new_pins()? {
            return Err(ServerError::NewPin(self.http.host().to_owned()));
        }
        self.init(new)
    }

    fn remove(&self, token: &ServerToken) -> Asked<()> {
        self.ask(&Method::DELETE, &format!("/token/{}", encoded(&token.serial)), &[]).map(drop)
    }
}

/// Whether nothing but this serial is found by it.
fn is_found_alone(serial: &str) -> bool {
    serial.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
