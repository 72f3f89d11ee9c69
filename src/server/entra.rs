//! Microsoft Entra ID, by Microsoft Graph (beta): `hardwareOathTokenAuthenticationMethodDevice` and `hardwareOathTokenAuthenticationMethod`
//! in Graph's reference.
//!
//! Tried against a stand-in, and not against Entra ID itself (`docs/servers.md`).

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::asked::{Asked, AuthServer, Enrolment, ServerToken, ServerUser, Standing};
use super::entra_sign_in::{AskPerson, TellPerson, Ticket, by_person, by_secret, rights_of};
use super::error::{Fate, ServerError};
use super::http::{Answer, Ask, Http, Method, Pause};
use super::json::{Fields, number_in, text_in, words_in};
use super::kind::{Right, ServerKind};
use super::settings::ServerSettings;
use super::url_text::encoded;
use crate::device::families::model_of;
use crate::otp::Hash;
use crate::seedfile::{Kind, Row};

/// The tokens of a tenant.
const DEVICES: &str = "/beta/directory/authenticationMethodDevices/hardwareOathDevices";

/// The longest secret that Entra ID takes, in Base32 characters.
const MAX_SECRET: usize = 128;

/// Entra ID, as an application or as a person.
pub struct Entra {
    http: Http,
    sign_in: Http,
    settings: ServerSettings,
    secret: Zeroizing<String>,
    pause: Pause,
    tell: TellPerson,
    ticket: Mutex<Option<Arc<Ticket>>>,
}

impl Entra {
    /// The server of these settings, with the client's secret; empty where a person signs in.
    ///
    /// # Errors
    /// [`ServerError::Unusable`].
    pub fn new(settings: &ServerSettings, secret: Zeroizing<String>, pause: Pause, tell: TellPerson) -> Asked<Self> {
        let http = Http::new(&settings.url, settings, pause.clone())?;
        let base = settings.sign_in.as_deref().unwrap_or("https://login.microsoftonline.com");
        let sign_in = Http::new(base, settings, pause.clone())?;
        Ok(Self { http, sign_in, settings: settings.clone(), secret, pause, tell, ticket: Mutex::default() })
    }

    fn sign_in(&self) -> Asked<(Arc<Ticket>, Answer)> {
        let (ticket, answer) = match self.settings.by_person {
            true => {
                let ask = AskPerson { tell: &*self.tell, pause: &*self.pause };
                by_person(&self.sign_in, &self.settings, &ask)?
            }
            false => by_secret(&self.sign_in, &self.settings, &self.secret)?,
        };
        let ticket = Arc::new(ticket);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket.clone());
        Ok((ticket, answer))
    }

    fn ticket(&self) -> Asked<Arc<Ticket>> {
        let held = self.ticket.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.map_or_else(|| self.sign_in().map(|(ticket, _)| ticket), Ok)
    }

    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Asked<Answer> {
        let had_ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        match self.ask_once(method, path, body) {
            // The ticket has ended: nothing was done.
            Err(ServerError::SignIn { .. }) if had_ticket => {
                *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.ask_once(method, path, body)
            }
            other => other,
        }
    }

    fn ask_once(&self, method: &Method, path: &str, body: Option<&Value>) -> Asked<Answer> {
        let authorization = Zeroizing::new(format!("Bearer {}", self.ticket()?.0.as_str()));
        let url = if path.starts_with('/') { format!("{}{path}", self.settings.url) } else { path.to_owned() };
        let ask = Ask {
            method: method.clone(),
            url,
            headers: vec![("Authorization", authorization)],
            body: body.map(|body| ("application/json", Zeroizing::new(body.to_string()))),
            only_reads: *method == Method::GET,
            is_of_now: path.ends_with("/activate"),
        };
        self.answered(self.http.ask(&ask)?)
    }

    fn answered(&self, answer: Answer) -> Asked<Answer> {
        let host = self.http.host().to_owned();
        let detail = answer.value.get("error").and_then(|error| words_in(error, "message")).unwrap_or_default();
        match answer.status {
            200..300 => Ok(answer),
            401 => Err(ServerError::SignIn { host, detail }),
            403 => Err(ServerError::Forbidden { host, detail }),
            404 => Err(ServerError::Absent(host)),
            status @ 500.. => Err(ServerError::Faulty { host, status }),
            status => Err(ServerError::Refused { host, status, detail }),
        }
    }

    fn fields<'a>(&'a self, answer: &'a Answer) -> Fields<'a> {
        Fields { host: self.http.host(), value: &answer.value }
    }

    /// All pages of a list.
    fn pages(&self, path: &str, visit: &mut dyn FnMut(&Value) -> Asked<()>) -> Asked<()> {
        let (mut next, mut read) = (path.to_owned(), 0);
        // No tenant has so many; a list whose pages go round has.
        for _ in 0..10_000 {
            let answer = self.ask(&Method::GET, &next, None)?;
            self.http.count_page(&mut read, &answer)?;
            self.fields(&answer).list("/value")?.iter().try_for_each(&mut *visit)?;
            match text_in(&answer.value, "@odata.nextLink") {
                // A ticket goes to no other host.
                Some(link) if link.strip_prefix(&self.settings.url).is_some_and(|path| path.starts_with('/')) => {
                    next = link
                }
                Some(link) => {
                    return Err(ServerError::Redirected {
                        host: self.http.host().to_owned(),
                        to: super::settings::host_of(&link),
                    });
                }
                None => return Ok(()),
            }
        }
        Err(ServerError::Endless(self.http.host().to_owned()))
    }

    /// A user's token as a method of theirs: its path.
    fn method_of(&self, token: &ServerToken, user: &str) -> Asked<Option<String>> {
        let methods = format!("/beta/users/{}/authentication/hardwareOathMethods", encoded(user));
        let mut found = None;
        self.pages(&methods, &mut |method| {
            let device = method.get("device").unwrap_or(&Value::Null);
            let is_this = text_in(device, "id").is_some_and(|id| id == token.id)
                || text_in(device, "serialNumber").is_some_and(|serial| serial == token.serial);
            if is_this {
                found = text_in(method, "id").map(|id| format!("{methods}/{}", encoded(&id)));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// A token of a list. One that is there and cannot be read is not taken for one that is not there. Pages of the reference disagree on whether it
    /// stands in the list itself or as `device` in a field of it.
    fn token_of(&self, value: &Value) -> Asked<ServerToken> {
        let value = value.get("device").filter(|device| device.is_object()).unwrap_or(value);
        let fields = Fields { host: self.http.host(), value };
        let user = value.get("assignedTo").filter(|user| user.is_object());
        let status = text_in(value, "status").unwrap_or_default();
        Ok(ServerToken {
            id: fields.text("/id")?.to_owned(),
            serial: fields.text("/serialNumber")?.to_owned(),
            user: user.and_then(|user| text_in(user, "userPrincipalName").or_else(|| text_in(user, "id"))),
            step_s: number_in(value, "timeIntervalInSeconds"),
            hash: text_in(value, "hashFunction"),
            is_off: status != "activated",
            ..ServerToken::default()
        })
    }

    /// The users of an address: several may have the same.
    fn users_of_address(&self, address: &str) -> Asked<Vec<ServerUser>> {
        let quoted = address.replace('\'', "''");
        let filter = encoded(&format!("mail eq '{quoted}'"));
        let mut found = Vec::new();
        self.pages(&format!("/beta/users?%24filter={filter}"), &mut |user| {
            let fields = Fields { host: self.http.host(), value: user };
            let is_meant = text_in(user, "mail").is_some_and(|mail| mail.to_lowercase() == address.to_lowercase());
            if is_meant {
                let (id, name) = (fields.text("/id")?.to_owned(), fields.text("/userPrincipalName")?.to_owned());
                found.push(ServerUser { id, name, realm: None });
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl AuthServer for Entra {
    fn kind(&self) -> ServerKind {
        ServerKind::Entra
    }

    fn refuses(&self, row: &Row) -> Option<String> {
        let (secret, digits) = (row.seed.to_base32().len(), row.effective_digits());
        match row.effective_hash() {
            _ if row.kind == Kind::Hotp => Some("Entra ID takes time-based tokens only".to_owned()),
            _ if digits != 6 => Some(format!("Entra ID takes 6 digits, not {digits}")),
            _ if !matches!(row.effective_step(), 30 | 60) => {
                Some(format!("Entra ID takes time steps of 30 and 60 s, not {}", row.effective_step()))
            }
            _ if secret > MAX_SECRET => {
                Some(format!("its secret has {secret} Base32 characters; Entra ID takes {MAX_SECRET}"))
            }
            Hash::Sha1 | Hash::Sha256 => None,
            hash => Some(format!("Entra ID takes SHA-1 and SHA-256, not {hash}")),
        }
    }

    fn standing(&self) -> Asked<Standing> {
        let (ticket, answer) = self.sign_in()?;
        let rights = rights_of(&ticket);
        let has = |name: &str| rights.as_ref().is_some_and(|rights| rights.iter().any(|right| right == name));
        let mut lacks = Vec::new();
        if rights.is_some() && !has("Policy.ReadWrite.AuthenticationMethod") {
            lacks.extend([Right::List, Right::Create]);
        }
        if rights.is_some() && !has("UserAuthenticationMethod.ReadWrite.All") {
            lacks.push(Right::Assign);
        }
        if rights.is_some() && !READS_USERS.iter().any(|name| has(name)) {
            lacks.push(Right::Users);
        }
        let untold = if rights.is_some() { Vec::new() } else { Right::ALL.to_vec() };
        Ok(Standing { who: self.settings.account.clone(), lacks, untold, clock: answer.clock, no_realm: None })
    }

    fn tokens(&self, serial: &str) -> Asked<Vec<ServerToken>> {
        let quoted = serial.replace('\'', "''");
        let filter = encoded(&format!("serialNumber eq '{quoted}'"));
        let mut found = Vec::new();
        self.pages(&format!("{DEVICES}?%24filter={filter}"), &mut |token| {
            found.push(self.token_of(token)?);
            Ok(())
        })?;
        found.retain(|token: &ServerToken| token.serial == serial);
        Ok(found)
    }

    fn visit_tokens(&self, visit: &mut dyn FnMut(ServerToken)) -> Asked<()> {
        self.pages(DEVICES, &mut |token| self.token_of(token).map(&mut *visit))
    }

    fn users(&self, name: &str) -> Asked<Vec<ServerUser>> {
        let user = match self.ask(&Method::GET, &format!("/beta/users/{}", encoded(name)), None) {
            Ok(answer) => answer,
            Err(ServerError::Absent(_)) => return self.users_of_address(name),
            Err(error) => return Err(error),
        };
        let fields = self.fields(&user);
        let id = fields.text("/id")?.to_owned();
        let names = [text_in(&user.value, "userPrincipalName"), text_in(&user.value, "mail"), Some(id.clone())];
        // Another one than was asked for is nobody's user.
        if !names.iter().flatten().any(|known| known.to_lowercase() == name.to_lowercase()) {
            return Ok(Vec::new());
        }
        let name = names.into_iter().flatten().next().unwrap_or_default();
        Ok(vec![ServerUser { id, name, realm: None }])
    }

    fn create(&self, new: &Enrolment<'_>) -> Asked<String> {
        let model = new.row.model.clone().or_else(|| model_of(new.serial).map(|model| model.name.to_owned()));
        let hash = if new.row.effective_hash() == Hash::Sha256 { "hmacsha256" } else { "hmacsha1" };
        let secret = new.row.seed.to_base32();
        let body = json!({
            "serialNumber": new.serial,
            "manufacturer": new.row.manufacturer.as_deref().unwrap_or("Token2"),
            "model": model.as_deref().unwrap_or("programmable"),
            "secretKey": secret.as_str(),
            "timeIntervalInSeconds": new.row.effective_step(),
            "hashFunction": hash,
        });
        let answer = self.ask(&Method::POST, DEVICES, Some(&body))?;
        self.fields(&answer).text("/id").map(str::to_owned)
    }

    fn assign(&self, token: &ServerToken, user: &ServerUser) -> Asked<()> {
        let path = format!("/beta/users/{}/authentication/hardwareOathMethods", encoded(&user.id));
        self.ask(&Method::POST, &path, Some(&json!({ "device": { "id": token.id } }))).map(drop)
    }

    fn activate(&self, token: &ServerToken, user: &ServerUser, code: &str) -> Asked<()> {
        let absent = || ServerError::Absent(self.http.host().to_owned());
        let method = self.method_of(token, &user.id)?.ok_or_else(absent)?;
        self.ask(&Method::POST, &format!("{method}/activate"), Some(&json!({ "verificationCode": code }))).map(drop)
    }

    fn remove(&self, token: &ServerToken) -> Asked<()> {
        // One that is assigned is not removed (Graph's reference).
        if let Some(user) = &token.user
            && let Some(method) = self.method_of(token, user)?
        {
            self.ask(&Method::DELETE, &method, None)?;
        }
        let removed = self.ask(&Method::DELETE, &format!("{DEVICES}/{}", encoded(&token.id)), None).map(drop);
        // It is not its user's any more, whatever the answer: only a look tells what is left of it.
        removed.map_err(|error| match error.fate() {
            Fate::NotDone => ServerError::NoAnswer {
                host: self.http.host().to_owned(),
                detail: "it took the token from its user, and did not remove it".to_owned(),
            },
            Fate::Unknown => error,
        })
    }
}

/// The rights of which each lets an application look users up (Graph's reference, "Get a user"); the least of them first.
const READS_USERS: [&str; 5] =
    ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.ReadBasic.All"];
