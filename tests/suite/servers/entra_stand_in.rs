//! A stand-in of Entra ID: of the sign-in (RFC 6749, section 4.4; RFC 8628), and of Microsoft Graph (beta) as its reference describes
//! `hardwareOathTokenAuthenticationMethodDevice`, `hardwareOathTokenAuthenticationMethod` and `user`. It takes a serial twice, as Entra
//! does, removes no token that is somebody's, and activates one by its code alone.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::duo_stand_in::{hotp, truncated};
use super::stand_in::{Counter, Reply, Request, Service, StandIn, form, page};

pub const TENANT: &str = "example.org";
pub const CLIENT: &str = "6731de76-14a6-49ae-97bc-6eba6914391e";
pub const CLIENT_SECRET: &str = "qWgdYAmab0YSkuL1qKv5bPX~of-a-test";

const INVENTORY: &str = "Policy.ReadWrite.AuthenticationMethod";
const OTHERS: &str = "UserAuthenticationMethod.ReadWrite.All";
/// The least of those that let an application look a user up ("Get a user").
const USERS: &str = "User.Read.All";

pub struct User {
    pub id: String,
    /// The user principal name.
    pub name: String,
    /// The address, where it is another one.
    pub mail: Option<String>,
}

impl User {
    fn shown(&self) -> Value {
        json!({ "id": self.id, "userPrincipalName": self.name, "mail": self.mail })
    }
}

pub struct Device {
    pub id: String,
    pub serial: String,
    pub secret: Vec<u8>,
    pub step_s: u64,
    pub hash: String,
    pub user: Option<String>,
    pub is_active: bool,
    pub model: String,
    unlisted: usize,
}

pub struct Entra {
    pub users: Vec<User>,
    pub devices: Vec<Device>,
    /// The most that a page has.
    pub page_most: usize,
    /// A new token is listed after so many look-ups.
    pub listed_after: usize,
    /// Its clock minus this computer's, in seconds.
    pub clock_offset_s: i64,
    /// How many requests a ticket is good for.
    pub ticket_uses: usize,
    /// What the account may do.
    pub rights: Vec<&'static str>,
    /// How often a person has not signed in yet when that is asked, and how often that is asked too fast.
    pub pending: usize,
    pub slow_downs: usize,
    pub is_declined: bool,
    /// Where a next page is said to be, instead of here.
    pub next_elsewhere: Option<String>,
    /// A field that its lists of tokens lack.
    pub lacks: Option<&'static str>,
    /// Its lists have a token in a field of an entry.
    pub is_nested: bool,
    /// How many tickets were given.
    pub sign_ins: usize,
    tickets: Vec<(String, usize)>,
    base: String,
    number: usize,
}

impl Entra {
    /// One with users of these names, `NAME@example.org` each.
    pub fn start(names: &[&str]) -> StandIn<Self> {
        StandIn::start(|port| Self::of(&format!("http://127.0.0.1:{port}"), names))
    }

    /// The same, with a desk that knows it as `entra`, its client secret sealed.
    pub fn known(names: &[&str]) -> (StandIn<Self>, Counter) {
        let (server, mut counter) = (Self::start(names), Counter::new());
        counter.credential(CLIENT_SECRET);
        Self::add(&counter, &server, &["--credential-file", "credential"]);
        (server, counter)
    }

    /// Makes the server known to a desk as `entra`; what it says.
    pub fn add(counter: &Counter, server: &StandIn<Self>, more: &[&str]) -> String {
        let url = server.url();
        let words = ["server", "add", "entra", "--kind", "entra", "--url", &url, "--sign-in-url", &url];
        counter.ok(&[&words[..], &["--tenant", TENANT, "--account", CLIENT], more].concat())
    }

    pub fn of(base: &str, names: &[&str]) -> Self {
        let user = |(number, name): (usize, &&str)| User {
            id: format!("00000000-0000-0000-0000-{number:012}"),
            name: format!("{name}@example.org"),
            mail: None,
        };
        Self {
            users: names.iter().enumerate().map(user).collect(),
            devices: Vec::new(),
            page_most: 100,
            listed_after: 0,
            clock_offset_s: 0,
            ticket_uses: usize::MAX,
            rights: vec![INVENTORY, USERS, OTHERS],
            pending: 0,
            slow_downs: 0,
            is_declined: false,
            next_elsewhere: None,
            lacks: None,
            is_nested: false,
            sign_ins: 0,
            tickets: Vec::new(),
            base: base.to_owned(),
            number: 0,
        }
    }

    pub fn of_serial(&self, serial: &str) -> Vec<&Device> {
        self.devices.iter().filter(|device| device.serial == serial).collect()
    }

    /// Puts a token there, as an administrator does by a file.
    pub fn put(&mut self, serial: &str, secret: &[u8]) -> &mut Device {
        self.number += 1;
        self.devices.push(Device {
            id: format!("device-{}", self.number),
            serial: serial.to_owned(),
            secret: secret.to_vec(),
            step_s: 30,
            hash: "hmacsha1".to_owned(),
            user: None,
            is_active: false,
            model: String::new(),
            unlisted: 0,
        });
        self.devices.last_mut().unwrap()
    }

    fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == name || user.name.to_lowercase() == name.to_lowercase())
    }

    fn ticket(&mut self, by_person: bool) -> Reply {
        self.sign_ins += 1;
        let claims = match by_person {
            true => json!({ "scp": self.rights.join(" "), "n": self.sign_ins }),
            false => json!({ "roles": self.rights, "n": self.sign_ins }),
        };
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let ticket = format!("{}.{}.of-a-test", part(&json!({ "alg": "none" })), part(&claims));
        self.tickets.push((ticket.clone(), self.ticket_uses));
        Reply::of(200, json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": ticket }))
    }

    fn sign_in(&mut self, what: &str, fields: &[(String, String)]) -> Reply {
        let given = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        let refused = |status, error: &str, said: &str| {
            Reply::of(status, json!({ "error": error, "error_description": format!("{said}\r\nTrace ID: 1") }))
        };
        if given("client_id") != CLIENT {
            return refused(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.");
        }
        match (what, given("grant_type")) {
            ("devicecode", _) => {
                if !given("scope").contains(OTHERS) {
                    return refused(400, "invalid_scope", "AADSTS70011: The scope is not valid.");
                }
                Reply::of(
                    200,
                    json!({
                        "user_code": "GTHKQZ7KJ", "device_code": "device-code-of-a-test", "expires_in": 900, "interval": 1,
                        "verification_uri": "https://login.example.org/device", "message": "To sign in, open the page.",
                    }),
                )
            }
            ("token", "client_credentials") => {
                if given("client_secret") != CLIENT_SECRET {
                    return refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
                }
                if given("scope") != format!("{}/.default", self.base) {
                    return refused(400, "invalid_scope", "AADSTS70011: The scope is not valid.");
                }
                self.ticket(false)
            }
            ("token", "urn:ietf:params:oauth:grant-type:device_code")
                if given("device_code") == "device-code-of-a-test" =>
            {
                if self.slow_downs > 0 {
                    self.slow_downs -= 1;
                    return refused(400, "slow_down", "Too fast.");
                }
                if self.pending > 0 {
                    self.pending -= 1;
                    return refused(400, "authorization_pending", "AADSTS70016: Pending end-user authorization.");
                }
                if self.is_declined {
                    return refused(400, "authorization_declined", "AADSTS70018: Declined.");
                }
                self.ticket(true)
            }
            _ => refused(400, "invalid_grant", "AADSTS70000: The grant is not valid."),
        }
    }

    fn is_let_in(&mut self, request: &Request) -> bool {
        let given = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        let ticket = self.tickets.iter_mut().find(|(known, left)| known == given && *left > 0);
        ticket.is_some_and(|(_, left)| {
            *left -= 1;
            true
        })
    }

    fn paged(&self, request: &Request, all: &[Value]) -> Reply {
        let from = request.query("$skiptoken").map_or(0, |from| from.parse().unwrap());
        let (shown, next) = page(all, from, self.page_most);
        let mut said = json!({ "@odata.context": "of a test", "value": shown });
        if let Some(next) = next {
            let filter = request.query("$filter").map_or(String::new(), |filter| format!("&$filter={filter}"));
            let link = format!("{}{}?$skiptoken={next}{}", self.base, request.path, filter.replace(' ', "%20"));
            said["@odata.nextLink"] = json!(self.next_elsewhere.clone().unwrap_or(link));
        }
        Reply::of(200, said)
    }

    fn shown(&self, device: &Device) -> Value {
        let owner = device.user.as_ref().and_then(|id| self.users.iter().find(|user| user.id == *id));
        let status = match (owner, device.is_active) {
            (None, _) => "available",
            (Some(_), false) => "assigned",
            (Some(_), true) => "activated",
        };
        json!({
            "id": device.id, "displayName": null, "serialNumber": device.serial, "manufacturer": "Token2",
            "model": device.model, "secretKey": null, "timeIntervalInSeconds": device.step_s, "status": status,
            "lastUsedDateTime": null, "hashFunction": device.hash,
            "assignedTo": owner.map(|user| json!({ "id": user.id, "displayName": "Somebody", "userPrincipalName": user.name })),
        })
    }

    fn look(&mut self, request: &Request) -> Reply {
        for device in &mut self.devices {
            device.unlisted = device.unlisted.saturating_sub(1);
        }
        let wanted = match request.query("$filter") {
            None => None,
            Some(filter) => {
                let quoted = filter.strip_prefix("serialNumber eq '").and_then(|rest| rest.strip_suffix('\''));
                match quoted {
                    Some(serial) => Some(serial.replace("''", "'")),
                    None => return refused(400, "badRequest", "Invalid filter clause"),
                }
            }
        };
        let is_meant =
            |device: &&Device| device.unlisted == 0 && wanted.as_ref().is_none_or(|serial| *serial == device.serial);
        let listed = |device: &Device| {
            let mut shown = self.shown(device);
            if let Some(field) = self.lacks {
                shown.as_object_mut().unwrap().remove(field);
            }
            if self.is_nested { json!({ "id": format!("entry-{}", device.id), "device": shown }) } else { shown }
        };
        let all: Vec<Value> = self.devices.iter().filter(is_meant).map(listed).collect();
        self.paged(request, &all)
    }

    fn create(&mut self, body: &Value) -> Reply {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let secret = BASE32_NOPAD.decode(text("secretKey").as_bytes()).unwrap_or_default();
        let step_s = body["timeIntervalInSeconds"].as_u64().unwrap_or_default();
        let is_right = !secret.is_empty()
            && ["serialNumber", "manufacturer", "model"].iter().all(|field| !text(field).is_empty())
            && matches!(text("hashFunction").as_str(), "hmacsha1" | "hmacsha256")
            && matches!(step_s, 30 | 60);
        if !is_right {
            return refused(400, "badRequest", "Invalid token");
        }
        let unlisted = self.listed_after;
        let device = self.put(&text("serialNumber"), &secret);
        (device.step_s, device.hash, device.model) = (step_s, text("hashFunction"), text("model"));
        device.unlisted = if unlisted == 0 { 0 } else { unlisted + 1 };
        Reply::of(201, self.shown(self.devices.last().unwrap()))
    }

    fn of_user(&mut self, request: &Request, user: &str, what: &[&str]) -> Reply {
        let Some(user) = self.user(user).map(|user| user.id.clone()) else { return absent() };
        let now = (chrono::Utc::now().timestamp() + self.clock_offset_s) as u64;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let of_id = |id: &str| id.strip_prefix("method-").map(str::to_owned);
        match (request.method.as_str(), what) {
            ("GET", []) => {
                let theirs = self.devices.iter().filter(|device| device.user.as_ref() == Some(&user));
                let all: Vec<Value> = theirs
                    .map(|device| json!({ "id": format!("method-{}", device.id), "device": self.shown(device) }))
                    .collect();
                self.paged(request, &all)
            }
            ("POST", []) => {
                let id = body["device"]["id"].as_str().unwrap_or_default();
                match self.devices.iter_mut().find(|device| device.id == id) {
                    Some(device) if device.user.is_none() => {
                        (device.user, device.is_active) = (Some(user), false);
                        Reply::of(201, json!({ "id": format!("method-{id}") }))
                    }
                    Some(_) => refused(400, "badRequest", "The token is already assigned"),
                    None => absent(),
                }
            }
            ("DELETE", [method]) => {
                let id = of_id(method);
                let device = self.devices.iter_mut().find(|device| Some(&device.id) == id.as_ref());
                match device.filter(|device| device.user.as_ref() == Some(&user)) {
                    Some(device) => {
                        (device.user, device.is_active) = (None, false);
                        Reply::of(204, Value::Null)
                    }
                    None => absent(),
                }
            }
            ("POST", [method, "activate"]) => {
                let id = of_id(method);
                let device = self.devices.iter_mut().find(|device| Some(&device.id) == id.as_ref());
                let Some(device) = device.filter(|device| device.user.as_ref() == Some(&user)) else {
                    return absent();
                };
                let step = now / device.step_s;
                let codes = (step - 1..=step + 1).map(|step| code(device, step));
                if !codes.into_iter().any(|code| body["verificationCode"] == code) {
                    return refused(400, "badRequest", "The verification code is wrong");
                }
                device.is_active = true;
                Reply::of(204, Value::Null)
            }
            _ => refused(405, "methodNotAllowed", "Not allowed"),
        }
    }
}

impl Service for Entra {
    fn answer(&mut self, request: &Request) -> Reply {
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        // OpenID Connect Discovery 1.0, section 4: what Microsoft's own client reads first.
        if let [TENANT, "v2.0", ".well-known", "openid-configuration"] = parts.as_slice() {
            let at = |what: &str| format!("{}/{TENANT}/oauth2/v2.0/{what}", self.base);
            return Reply::of(
                200,
                json!({
                    "issuer": format!("{}/{TENANT}/v2.0", self.base), "token_endpoint": at("token"),
                    "authorization_endpoint": at("authorize"), "device_authorization_endpoint": at("devicecode"),
                }),
            );
        }
        if let [TENANT, "oauth2", "v2.0", what] = parts.as_slice() {
            return self.sign_in(what, &form(&request.body));
        }
        if !self.is_let_in(request) {
            return refused(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.");
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), parts.as_slice()) {
            (_, ["beta", "directory", "authenticationMethodDevices", "hardwareOathDevices", ..])
                if !self.rights.contains(&INVENTORY) =>
            {
                refused(403, "accessDenied", "Insufficient privileges to complete the operation.")
            }
            ("GET", ["beta", "directory", "authenticationMethodDevices", "hardwareOathDevices"]) => self.look(request),
            ("POST", ["beta", "directory", "authenticationMethodDevices", "hardwareOathDevices"]) => self.create(&body),
            ("DELETE", ["beta", "directory", "authenticationMethodDevices", "hardwareOathDevices", id]) => {
                match self.devices.iter().find(|device| device.id == *id) {
                    Some(device) if device.user.is_some() => {
                        refused(400, "badRequest", "The token is assigned, and cannot be deleted")
                    }
                    Some(_) => {
                        self.devices.retain(|device| device.id != *id);
                        Reply::of(204, Value::Null)
                    }
                    None => absent(),
                }
            }
            ("GET", ["beta", "users", ..]) if parts.len() <= 3 && !self.rights.contains(&USERS) => {
                refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
            }
            ("GET", ["beta", "users", name]) => match self.user(name) {
                Some(user) => Reply::of(200, user.shown()),
                None => absent(),
            },
            ("GET", ["beta", "users"]) => {
                let filter = request.query("$filter").unwrap_or_default();
                let mail =
                    filter.strip_prefix("mail eq '").and_then(|rest| rest.strip_suffix('\'')).unwrap_or_default();
                let all: Vec<Value> =
                    self.users.iter().filter(|user| user.mail.as_deref() == Some(mail)).map(User::shown).collect();
                self.paged(request, &all)
            }
            (_, ["beta", "users", name, "authentication", "hardwareOathMethods", what @ ..]) => {
                self.of_user(request, name, what)
            }
            _ => absent(),
        }
    }

    fn clock_offset_s(&self) -> i64 {
        self.clock_offset_s
    }

    fn fault(&self, status: u16) -> Value {
        json!({ "error": { "code": "serviceFault", "message": format!("Fault {status}") } })
    }
}

/// The code of a token at a step of time (RFC 6238), by SHA-1 or SHA-256.
fn code(device: &Device, step: u64) -> String {
    if device.hash == "hmacsha1" {
        return hotp(&device.secret, step, 6);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&device.secret).unwrap();
    mac.update(&step.to_be_bytes());
    truncated(&mac.finalize().into_bytes(), 6)
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::of(status, json!({ "error": { "code": code, "message": message } }))
}

fn absent() -> Reply {
    refused(404, "Request_ResourceNotFound", "Resource does not exist.")
}
