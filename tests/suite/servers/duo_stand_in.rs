//! A stand-in of Duo's Admin API, from Duo's documentation ("Admin API": "Authentication", "Response Paging", "Users", "Tokens"). The
//! vendor's own client is its judge (`duo_client.rs`). It verifies signatures by itself, and shares no code with the program.

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha512};

use super::stand_in::{Counter, Reply, Request, Service, StandIn, form, page};

pub const INTEGRATION_KEY: &str = "DIWJ8X6AEYOR5OMC6TQ1";
pub const SECRET_KEY: &str = "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep";

/// How far the date of a request may be off, in seconds.
const DATE_WITHIN_S: i64 = 300;

/// How far ahead a counter is looked for.
const AHEAD: u64 = 1000;

pub struct User {
    pub id: String,
    pub name: String,
    pub email: String,
}

pub struct Token {
    pub id: String,
    pub serial: String,
    /// `t6`, `t8`, `h6` or `h8`.
    pub kind: String,
    pub secret: Vec<u8>,
    pub step_s: u64,
    pub counter: u64,
    pub users: Vec<String>,
    /// How many look-ups pass until it is listed.
    unlisted: usize,
}

pub struct Duo {
    pub users: Vec<User>,
    pub tokens: Vec<Token>,
    /// The most that a page has.
    pub page_most: usize,
    /// A serial may be there twice.
    pub takes_duplicates: bool,
    /// A next page is said to begin here, whatever was shown.
    pub next_page: Option<usize>,
    /// A new token is listed after so many look-ups.
    pub listed_after: usize,
    /// Its clock minus this computer's, in seconds.
    pub clock_offset_s: i64,
    /// The application may not read users.
    pub hides_users: bool,
    /// A field that its lists of tokens lack.
    pub lacks: Option<&'static str>,
    /// The versions of the signatures that it has seen.
    pub versions: Vec<u8>,
    port: u16,
    number: usize,
}

impl Duo {
    /// One with users of these names, `NAME@example.org` each.
    pub fn start(names: &[&str]) -> StandIn<Self> {
        StandIn::start(|port| Self::of(port, names))
    }

    /// The same, with a desk that knows it as `duo`, its secret key sealed.
    pub fn known(names: &[&str]) -> (StandIn<Self>, Counter) {
        let (server, mut counter) = (Self::start(names), Counter::new());
        counter.credential(SECRET_KEY);
        Self::add(&counter, &server.url());
        (server, counter)
    }

    /// Makes the server at an address known to a desk as `duo`.
    pub fn add(counter: &Counter, url: &str) {
        let words = ["server", "add", "duo", "--kind", "duo", "--url", url, "--account", INTEGRATION_KEY];
        counter.ok(&[&words[..], &["--credential-file", "credential"]].concat());
    }

    pub fn of(port: u16, names: &[&str]) -> Self {
        let user = |(number, name): (usize, &&str)| User {
            id: format!("DU{number:018}"),
            name: (*name).to_owned(),
            email: format!("{name}@example.org"),
        };
        Self {
            users: names.iter().enumerate().map(user).collect(),
            tokens: Vec::new(),
            page_most: 100,
            takes_duplicates: false,
            next_page: None,
            listed_after: 0,
            clock_offset_s: 0,
            hides_users: false,
            lacks: None,
            versions: Vec::new(),
            port,
            number: 0,
        }
    }

    /// Puts a token there, as an administrator does at its page.
    pub fn put(&mut self, kind: &str, serial: &str, secret: &[u8]) -> String {
        self.number += 1;
        let id = format!("DH{:018}", self.number);
        self.tokens.push(Token {
            id: id.clone(),
            serial: serial.to_owned(),
            kind: kind.to_owned(),
            secret: secret.to_vec(),
            step_s: 30,
            counter: 0,
            users: Vec::new(),
            unlisted: 0,
        });
        id
    }

    pub fn of_serial(&self, serial: &str) -> Vec<&Token> {
        self.tokens.iter().filter(|token| token.serial == serial).collect()
    }

    pub fn user_names(&self, token: &Token) -> Vec<&str> {
        let users = self.users.iter().filter(|user| token.users.contains(&user.id));
        users.map(|user| user.name.as_str()).collect()
    }

    /// Who asks, or why they are not let in.
    fn signed(&self, request: &Request) -> Result<u8, Reply> {
        let refused = |code, message| Err(failed(401, code, message, None));
        let date = request.header("date");
        let Ok(when) = chrono::DateTime::parse_from_rfc2822(date) else {
            return refused(40104, "Missing request timestamp");
        };
        let now = chrono::Utc::now().timestamp() + self.clock_offset_s;
        if (when.timestamp() - now).abs() > DATE_WITHIN_S {
            return refused(40105, "Bad request timestamp");
        }
        let basic = request.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let credential = String::from_utf8(BASE64.decode(basic.as_bytes()).unwrap_or_default()).unwrap_or_default();
        let Some((key, given)) = credential.split_once(':') else {
            return refused(40101, "Missing request credentials");
        };
        if key != INTEGRATION_KEY {
            return refused(40102, "Invalid integration key in request credentials");
        }
        // The vendor's client signs the host alone where a port is given apart from it.
        let host = request.header("host").to_lowercase();
        let hosts = [host.clone(), host.split(':').next().unwrap_or_default().to_owned()];
        for version in [5, 2] {
            if hosts.iter().any(|host| signature(version, date, host, request) == given) {
                return Ok(version);
            }
        }
        refused(40103, "Invalid signature in request credentials")
    }

    fn look(&mut self, request: &Request) -> Reply {
        let (kind, serial) = (request.query("type"), request.query("serial"));
        if kind.is_some() != serial.is_some() {
            return bad("type and serial go together");
        }
        for token in &mut self.tokens {
            token.unlisted = token.unlisted.saturating_sub(1);
        }
        let is_meant = |token: &&Token| {
            token.unlisted == 0
                && kind.is_none_or(|kind| kind == token.kind)
                && serial.is_none_or(|serial| serial == token.serial)
        };
        let listed: Vec<Value> = self.tokens.iter().filter(is_meant).map(|token| self.shown(token)).collect();
        self.paged(request, &listed)
    }

    fn users(&self, request: &Request) -> Reply {
        if self.hides_users {
            return failed(403, 40301, "Access forbidden", None);
        }
        let is_meant = |user: &&User| {
            request.query("username").is_none_or(|name| name.to_lowercase() == user.name.to_lowercase())
                && request.query("email").is_none_or(|email| email.to_lowercase() == user.email.to_lowercase())
        };
        let listed: Vec<Value> = self.users.iter().filter(is_meant).map(shown_user).collect();
        self.paged(request, &listed)
    }

    fn paged(&self, request: &Request, all: &[Value]) -> Reply {
        let number = |name, usual| request.query(name).map_or(Ok(usual), str::parse);
        let (Ok(limit), Ok(offset)) = (number("limit", 100), number("offset", 0)) else {
            return bad("limit and offset are numbers");
        };
        let (shown, next) = page(all, offset, limit.min(self.page_most));
        let mut metadata = json!({ "total_objects": all.len() });
        if let Some(next) = self.next_page.or(next) {
            metadata["next_offset"] = json!(next);
        }
        Reply::of(200, json!({ "stat": "OK", "metadata": metadata, "response": shown }))
    }

    fn create(&mut self, parameters: &[(String, String)]) -> Reply {
        let given = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let (Some(kind), Some(serial)) = (given("type"), given("serial").filter(|serial| !serial.is_empty())) else {
            return bad("Missing required request parameters");
        };
        let secret = HEXLOWER_PERMISSIVE.decode(given("secret").unwrap_or_default().as_bytes()).unwrap_or_default();
        if !matches!(kind, "t6" | "t8" | "h6" | "h8") || secret.is_empty() {
            return bad("type or secret");
        }
        let counts = kind.starts_with('h');
        let number = |name: &str, usual: u64| given(name).map_or(Ok(usual), str::parse);
        let (Ok(step_s), Ok(counter)) = (number("totp_step", 30), number("counter", 0)) else {
            return bad("totp_step or counter");
        };
        if counts && given("totp_step").is_some() || !counts && given("counter").is_some() || !matches!(step_s, 30 | 60)
        {
            return bad("totp_step or counter");
        }
        let is_there = self.tokens.iter().any(|token| token.serial == serial && token.kind == kind);
        if is_there && !self.takes_duplicates {
            return failed(400, 40003, "Duplicate resource", None);
        }
        self.put(kind, serial, &secret);
        let unlisted = self.listed_after;
        let token = self.tokens.last_mut().unwrap();
        (token.step_s, token.counter) = (step_s, counter);
        // It is listed by the look-up after so many.
        token.unlisted = if unlisted == 0 { 0 } else { unlisted + 1 };
        let shown = self.shown(self.tokens.last().unwrap());
        done(shown)
    }

    fn shown(&self, token: &Token) -> Value {
        let users: Vec<Value> =
            self.users.iter().filter(|user| token.users.contains(&user.id)).map(shown_user).collect();
        let step = if token.kind.starts_with('t') { json!(token.step_s) } else { Value::Null };
        let mut shown = json!({
            "token_id": token.id, "serial": token.serial, "type": token.kind, "totp_step": step, "users": users,
            "admins": [],
        });
        if let Some(field) = self.lacks {
            shown.as_object_mut().unwrap().remove(field);
        }
        shown
    }

    fn resync(&mut self, id: &str, parameters: &[(String, String)]) -> Reply {
        let Some(token) = self.tokens.iter_mut().find(|token| token.id == id) else { return absent() };
        if !token.kind.starts_with('h') {
            return bad("the token has no counter");
        }
        let code = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, code)| code.clone());
        let Some(codes) = ["code1", "code2", "code3"].map(code).into_iter().collect::<Option<Vec<_>>>() else {
            return bad("Missing required request parameters");
        };
        let digits: usize = token.kind[1..].parse().unwrap();
        let first = (token.counter..token.counter + AHEAD)
            .find(|first| (*first..).zip(&codes).all(|(at, code)| hotp(&token.secret, at, digits) == *code));
        match first {
            Some(first) => {
                token.counter = first + 3;
                done(json!(""))
            }
            None => bad("the codes are not of this token"),
        }
    }
}

impl Service for Duo {
    fn answer(&mut self, request: &Request) -> Reply {
        let version = match self.signed(request) {
            Ok(version) => version,
            Err(refused) => return refused,
        };
        self.versions.push(version);
        let parameters = parameters(version, request);
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["admin", "v1", what @ ..] = parts.as_slice() else { return absent() };
        match (request.method.as_str(), what) {
            ("GET", ["users"]) => self.users(request),
            ("GET", ["tokens"]) => self.look(request),
            ("POST", ["tokens"]) => self.create(&parameters),
            ("GET", ["tokens", id]) => match self.tokens.iter().find(|token| token.id == *id) {
                Some(token) => done(self.shown(token)),
                None => absent(),
            },
            ("DELETE", ["tokens", id]) => {
                let before = self.tokens.len();
                self.tokens.retain(|token| token.id != *id);
                if self.tokens.len() < before { done(json!("")) } else { absent() }
            }
            ("POST", ["tokens", id, "resync"]) => self.resync(id, &parameters),
            ("POST", ["users", user, "tokens"]) => {
                let wanted = parameters.iter().find(|(name, _)| name == "token_id").map(|(_, id)| id.as_str());
                let is_user = self.users.iter().any(|known| known.id == *user);
                match self.tokens.iter_mut().find(|token| Some(token.id.as_str()) == wanted) {
                    Some(token) if is_user => {
                        if !token.users.iter().any(|known| known == user) {
                            token.users.push((*user).to_owned());
                        }
                        done(json!(""))
                    }
                    _ => absent(),
                }
            }
            _ => failed(405, 40501, "Method not allowed", None),
        }
    }

    fn clock_offset_s(&self) -> i64 {
        self.clock_offset_s
    }

    fn fault(&self, status: u16) -> Value {
        let code = u32::from(status) * 100 + 1;
        json!({ "stat": "FAIL", "code": code, "message": format!("Fault {status} at port {}", self.port) })
    }
}

fn done(response: Value) -> Reply {
    Reply::of(200, json!({ "stat": "OK", "response": response }))
}

fn failed(status: u16, code: u32, message: &str, detail: Option<&str>) -> Reply {
    let mut said = json!({ "stat": "FAIL", "code": code, "message": message });
    if let Some(detail) = detail {
        said["message_detail"] = json!(detail);
    }
    Reply::of(status, said)
}

fn bad(detail: &str) -> Reply {
    failed(400, 40002, "Invalid request parameters", Some(detail))
}

fn absent() -> Reply {
    failed(404, 40401, "Resource not found", None)
}

fn shown_user(user: &User) -> Value {
    json!({ "user_id": user.id, "username": user.name, "email": user.email, "status": "active" })
}

/// What a request says beside its path: a form, or an object of JSON, whose values are texts or numbers.
fn parameters(version: u8, request: &Request) -> Vec<(String, String)> {
    if version == 2 {
        return form(&request.body);
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = body.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// The signature of a request as the documentation has it, in lower-case hex.
fn signature(version: u8, date: &str, host: &str, request: &Request) -> String {
    let is_form = version == 2 && request.method == "POST";
    let said = if is_form { form(&request.body) } else { request.query.clone() };
    let mut pairs: Vec<String> =
        said.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.sort();
    let mut canonical = format!("{date}\n{}\n{host}\n{}\n{}", request.method, request.path, pairs.join("&"));
    if version == 5 {
        let own = request.headers.iter().filter(|(name, _)| name.starts_with("x-duo-"));
        let mut headers: Vec<String> = own.map(|(name, value)| format!("{name}\0{value}")).collect();
        headers.sort();
        for hashed in [request.body.as_slice(), headers.join("\0").as_bytes()] {
            canonical.push('\n');
            canonical.push_str(&HEXLOWER.encode(&Sha512::digest(hashed)));
        }
    }
    let mut mac = Hmac::<Sha512>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    mac.update(canonical.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// RFC 4226, section 5.3.
pub fn hotp(secret: &[u8], counter: u64, digits: usize) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).unwrap();
    mac.update(&counter.to_be_bytes());
    truncated(&mac.finalize().into_bytes(), digits)
}

/// RFC 4226, section 5.3, step 2 and 3.
pub fn truncated(mac: &[u8], digits: usize) -> String {
    let at = usize::from(mac[mac.len() - 1] & 15);
    let word = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:0digits$}", u64::from(word) % 10_u64.pow(digits as u32))
}
