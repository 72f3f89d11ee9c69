//! The reports of `server`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::server_error::{right_word, right_words};
use super::times::utc;
use crate::inventory::ServerRecord;
use crate::job::server::Pulled;
use crate::plain::plain;
use crate::server::{ServerSettings, Standing};
use crate::words::counted;

/// A server that the inventory knows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerReport {
    /// Its name.
    pub name: String,
    /// `privacyidea`, `duo` or `entra`; `null`: its settings cannot be read.
    pub kind: Option<&'static str>,
    /// Its address.
    pub url: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Where the credential is: `sealed`, `file`, `person` or `systemd`.
    pub credential: &'static str,
    /// The file that the credential is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<String>,
    /// When it was added.
    pub added: String,
    /// How many tokens were handed over to it from here.
    pub tokens: u64,
}

impl ServerReport {
    /// The report of a record.
    #[must_use]
    pub fn of(record: &ServerRecord, tokens: u64) -> Self {
        let settings = ServerSettings::of_text(&record.settings);
        let file = settings.as_ref().and_then(|settings| settings.credential_file.as_ref());
        let credential = match (&record.credential, file, settings.as_ref().is_some_and(|settings| settings.by_person))
        {
            (_, _, true) => "person",
            (Some(_), ..) => "sealed",
            (None, Some(_), _) => "file",
            (None, None, _) => "systemd",
        };
        Self {
            name: record.name.clone(),
            kind: settings.as_ref().map(|settings| settings.kind.word()),
            url: settings.as_ref().map(|settings| settings.url.clone()),
            account: settings.as_ref().map(|settings| settings.account.clone()),
            credential,
            credential_file: file.map(|file| file.display().to_string()),
            added: utc(record.added),
            tokens,
        }
    }

    fn line(&self) -> String {
        let unread = "settings that this program cannot read".to_owned();
        let what = match (&self.kind, &self.url, &self.account) {
            (Some(kind), Some(url), Some(account)) => format!("{kind} at {url}, as {account}"),
            _ => unread,
        };
        let by = match (self.credential, &self.credential_file) {
            ("sealed", _) => "credential sealed".to_owned(),
            ("file", Some(file)) => format!("credential in {file}"),
            ("person", _) => "somebody signs in at its page each time".to_owned(),
            _ => "credential from systemd".to_owned(),
        };
        plain(&format!("{}: {what}; {by}; {}", self.name, counted(self.tokens, "token")))
    }
}

/// `server add`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerAddReport {
    /// The server.
    pub server: ServerReport,
    /// One of this name was known before.
    pub replaced: bool,
}

impl Report for ServerAddReport {
    fn text(&self) -> String {
        let name = &self.server.name;
        let identity = if self.server.credential == "sealed" { " --identity FILE" } else { "" };
        format!(
            "{}\nto sign in and see what the account may do: tokentap server check {name}{identity}",
            self.server.line()
        )
    }
}

/// `server list`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerListReport {
    /// The servers, by name.
    pub servers: Vec<ServerReport>,
}

impl Report for ServerListReport {
    fn text(&self) -> String {
        match self.servers.as_slice() {
            [] => "no server is known; to add one: tokentap server add".to_owned(),
            servers => servers.iter().map(ServerReport::line).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// `server remove`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerRemoveReport {
    /// The server's name.
    pub removed: String,
    /// How many tokens were handed over to it, which is still on record.
    pub tokens: u64,
}

impl Report for ServerRemoveReport {
    fn text(&self) -> String {
        let kept = match self.tokens {
            0 => String::new(),
            tokens => format!("; the hand-over of {} stays on record", counted(tokens, "token")),
        };
        plain(&format!("{} was removed from this inventory{kept}; nothing was changed at the server", self.removed))
    }
}

/// A right that an account lacks, or of which the server does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RightReport {
    /// `list`, `create`, `users`, `assign` or `resync`.
    pub right: &'static str,
    /// The commands that need it.
    pub needed_for: &'static str,
}

/// A realm that a server does not have.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NoRealmReport {
    /// The realm that was named for it.
    pub wanted: String,
    /// Those that it has.
    pub there: Vec<String>,
}

/// `server check`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerCheckReport {
    /// The server.
    pub server: ServerReport,
    /// Who is signed in, as the server says it.
    pub who: String,
    /// The rights that the account lacks.
    pub lacks: Vec<RightReport>,
    /// The rights of which the server does not tell before they are used.
    pub untold: Vec<RightReport>,
    /// The realm that was named for it, where the server has no such one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_realm: Option<NoRealmReport>,
    /// The server's clock minus this computer's, in seconds; `null`: it does not say.
    pub clock_s: Option<f64>,
    /// The half-width of the interval that must hold it, in seconds.
    pub clock_within_s: Option<f64>,
    /// The clock is so far off that codes are refused for it.
    pub clock_is_off: bool,
}

/// From here on, in seconds, two clocks are told to be apart.
const CLOCKS_WITHIN_S: f64 = 5.0;

impl ServerCheckReport {
    /// The report of a sign-in.
    #[must_use]
    pub fn of(server: ServerReport, standing: &Standing) -> Self {
        let report = |right: &_| RightReport { right: right_word(*right), needed_for: right_words(*right).1 };
        let clock = standing.clock;
        Self {
            server,
            who: standing.who.clone(),
            lacks: standing.lacks.iter().map(report).collect(),
            untold: standing.untold.iter().map(report).collect(),
            no_realm: standing
                .no_realm
                .as_ref()
                .map(|found| NoRealmReport { wanted: found.wanted.clone(), there: found.there.clone() }),
            clock_s: clock.map(|clock| clock.offset_s),
            clock_within_s: clock.map(|clock| clock.within_s),
            clock_is_off: clock.is_some_and(|clock| clock.offset_s.abs() - clock.within_s > CLOCKS_WITHIN_S),
        }
    }

    /// Whether something is to be done before it can be worked with.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.lacks.is_empty() && self.no_realm.is_none() && !self.clock_is_off
    }
}

impl Report for ServerCheckReport {
    fn text(&self) -> String {
        let mut lines = vec![plain(&format!("{}: signed in as {}", self.server.name, self.who))];
        let of = |right: &RightReport| format!("{} (needed for {})", right.right, right.needed_for);
        match self.lacks.as_slice() {
            [] if self.untold.is_empty() => lines.push("rights   all that tokentap needs".to_owned()),
            [] => {}
            lacks => lines.extend(lacks.iter().map(|right| format!("MISSING  the right {}", of(right)))),
        }
        if !self.untold.is_empty() {
            let words: Vec<&str> = self.untold.iter().map(|right| right.right).collect();
            lines.push(format!(
                "unknown  the rights {}: the server shows these only when they are used",
                words.join(", ")
            ));
        }
        if let Some(NoRealmReport { wanted, there }) = &self.no_realm {
            let has = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            lines.push(plain(&format!(
                "MISSING  the realm {wanted}: no user is found there; the server's realms: {has} (to use another, run tokentap server add with the same name)"
            )));
        }
        lines.push(match (self.clock_s, self.clock_within_s) {
            (Some(clock_s), Some(within_s)) => {
                let is_off = match self.clock_is_off {
                    true => {
                        ": one of the two is wrong, and codes are refused for it (tokentap doctor asks a time service)"
                    }
                    false => "",
                };
                format!("clock    {clock_s:+.1} s from this computer's (±{within_s:.1} s){is_off}")
            }
            _ => "clock    the server does not say".to_owned(),
        });
        lines.join("\n")
    }
}

/// `server confirm`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerConfirmReport {
    /// The server's name.
    pub server: String,
    /// As this user had used it before; `null`: as it is now, or never.
    pub was: Option<String>,
    /// As the inventory has it; empty where that is nothing new.
    pub is: String,
}

impl Report for ServerConfirmReport {
    fn text(&self) -> String {
        let Self { server, was, is } = self;
        plain(&match was {
            Some(_) => format!("confirmed for this user from now on: {server} is {is}"),
            None => format!("{server} is as it was: there was nothing to confirm"),
        })
    }
}

/// `server mended`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MendedByHandReport {
    /// The server's name.
    pub server: String,
    /// The token.
    pub serial: String,
    /// Something was left to do there, by the record.
    pub was_open: bool,
}

impl Report for MendedByHandReport {
    fn text(&self) -> String {
        let Self { server, serial, was_open } = self;
        plain(&match was_open {
            true => format!("{serial}: recorded that {server} was mended by hand; this was not checked at the server"),
            false => format!("{serial}: according to the record, nothing was left to mend at {server}"),
        })
    }
}

/// `server resync`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResyncReport {
    /// The server's name.
    pub server: String,
    /// The token.
    pub serial: String,
    /// The server has found it again by the codes.
    pub found: bool,
}

impl Report for ResyncReport {
    fn text(&self) -> String {
        match self.found {
            true => plain(&format!("{} was resynchronised at {}: its next code is accepted", self.serial, self.server)),
            false => plain(&format!(
                "{} was NOT resynchronised at {}: the codes are not of its seed there, are not consecutive, or were used before",
                self.serial, self.server
            )),
        }
    }
}

/// `server pull`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PullReport {
    /// The server's name.
    pub server: String,
    /// Tokens that it lists.
    pub listed: u64,
    /// Of these, tokens that the inventory does not know.
    pub unknown: u64,
    /// Tokens of which it believes nothing: nobody has signed in with them yet, or they count.
    pub without: u64,
    /// Readings that were on record already, or that tokentap itself has made it believe.
    pub known: u64,
    /// New readings.
    pub new: u64,
}

impl PullReport {
    /// The report of what was read.
    #[must_use]
    pub fn of(server: &str, pulled: Pulled) -> Self {
        let Pulled { listed, unknown, without, known, new } = pulled;
        Self { server: server.to_owned(), listed, unknown, without, known, new }
    }
}

impl Report for PullReport {
    fn text(&self) -> String {
        let Self { server, listed, unknown, without, known, new } = self;
        plain(&format!(
            "{server} lists {}: {} of their clocks, {known} known before, {without} without a login, {unknown} not in this inventory",
            counted(*listed, "token"),
            counted(*new, "new reading"),
        ))
    }
}
