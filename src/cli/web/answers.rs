//! The answers to what is asked at the page: the same jobs and reports as on the command line.

use std::sync::atomic::Ordering;

use serde::Serialize;
use serde_json::{Value, json};

use super::batch::Read;
use super::readers::Readers;
use super::words::wish_words;
use crate::cli::args::Global;
use crate::cli::inventory::assign::event_of;
use crate::cli::inventory::forecast::{keep_due, table, window};
use crate::cli::inventory::show::{deliveries_of, drift_of, events_of, plot_title};
use crate::cli::record::Record;
#[cfg(feature = "servers")]
use crate::cli::server::open;
use crate::cli::verify::parse_code;
use crate::drift::Window;
use crate::inventory::{BatchId, DeliveryFilter, RowState};
use crate::job::assign::{entry_of_return, of_words};
use crate::job::forecast::outlook;
use crate::job::open_tokens::{at_servers, by_model, open_tokens};
use crate::job::request::ProfileRequest;
use crate::job::{Answer, Books, Failure, Opener, TokenState, find, locked};
use crate::report::{
    AtServerReport, Audience, ErrorReport, ForecastReport, ModelReport, OpenTokenReport, RowReport, ShowReport,
    ShownBeside, ShownDrift, TokenRecordReport, WindowFrom, WindowReport, details_at, fleet_plot, next_at, token_plot,
};
use crate::seedfile::FORMATS;
use crate::time::{HostClock, SystemClock};
use crate::web::{Answered, Ask, List, Refused};
use crate::words::counted;

/// How many tokens a search shows, and how many rows a list.
const SHOWN: usize = 500;

/// How it is said on the page what a server accepts.
const ON_THE_PAGE: &str = "servers differ; Fleet has a choice of them";

/// How many events a token's life shows.
const EVENTS: u64 = 200;

/// Whoever answers.
pub struct Counter<'a> {
    pub global: &'a Global,
    pub record: &'a Record,
    pub readers: &'a Readers<'a>,
    /// The page shows the desk only.
    pub is_kiosk: bool,
}

impl Counter<'_> {
    /// The answer to what was asked.
    pub fn answer(&self, ask: Ask) -> Answered {
        if self.is_kiosk && !matches!(ask, Ask::Answer { .. } | Ask::Profile { .. } | Ask::Formats {}) {
            let only = Failure::usage("this page shows the desk and nothing else", "open another one, without --kiosk");
            return Err(refused(&only));
        }
        let answer = match ask {
            Ask::Answer { id, code, yes } => self.question(id, code.as_deref(), yes),
            Ask::Profile { serial, profile } => self.profile(&serial, profile),
            Ask::Find { text } => self.find(&text),
            Ask::Token { serial } => self.token(&serial),
            Ask::Verify { serial, code } => self.verify(&serial, &code),
            #[cfg(feature = "servers")]
            Ask::Mend { serial } => self.mend(&serial),
            #[cfg(feature = "servers")]
            Ask::HandOver { serial, server } => self.hand_over(&serial, &server),
            #[cfg(feature = "servers")]
            Ask::Mended { serial, server } => self.mended(&serial, &server),
            #[cfg(not(feature = "servers"))]
            Ask::Mend { .. } | Ask::Mended { .. } | Ask::HandOver { .. } => {
                Err(Failure::usage("this tokentap was built without servers", "do it at the server's own page"))
            }
            Ask::BurnAgain { serial, cancel } => self.burn_again(&serial, cancel),
            Ask::Assign { serial, user, reassign } => self.assign(&serial, &user, reassign),
            Ask::Unassign { serial } => self.unassign(&serial),
            Ask::Fleet { due_days, window: seconds, server, csv } => {
                window(seconds, server.as_deref()).and_then(|window| self.fleet(due_days, window, csv))
            }
            Ask::Formats {} => Ok(self.formats()),
            Ask::CheckList { list } => self.check_list(&list),
            Ask::StartBatch { list, to, hand_over } => self.start_batch(&list, &to, hand_over.as_deref()),
            Ask::BatchRows { batch } => self.batch_rows(batch),
            Ask::StopBatch {} => {
                locked(&self.readers.state).stops_batch.store(true, Ordering::Relaxed);
                Ok(json!({}))
            }
        };
        answer.map_err(|failure| refused(&failure))
    }

    pub(super) fn inventory(&self) -> Result<&Books, Failure> {
        self.record.books().ok_or_else(no_inventory)
    }

    /// What opens sealed seeds.
    ///
    /// # Errors
    /// A usage failure where nothing does, or does any more.
    pub(super) fn opener_of_seeds(&self) -> Result<Opener, Failure> {
        self.readers
            .opener()
            .ok_or_else(|| Failure::usage("no seed can be opened here", Audience::Page.flag("--identity FILE")))
    }

    fn question(&self, id: u64, code: Option<&str>, yes: bool) -> Result<Value, Failure> {
        let answer = match (code, yes) {
            (Some(code), _) => Answer::Code(parse_code(code)?),
            (None, true) => Answer::Yes,
            (None, false) => Answer::No,
        };
        // Two pages may answer the same question: the first one counts.
        if self.readers.answer(id, answer) {
            return Ok(json!({}));
        }
        Err(Failure::usage("this question has already been answered", "there is nothing more to do"))
    }

    fn profile(&self, serial: &str, profile: ProfileRequest) -> Result<Value, Failure> {
        let wish = profile.wish(crate::device::Family::Nfc)?;
        if !wish.is_whole() {
            return Err(Failure::usage("hash and time step are both needed", "look them up on the token's server"));
        }
        self.readers.state_profile(serial, wish)?;
        Ok(
            json!({ "words": format!("Lay the token back, or lift it and lay it back: it is set with {}.", wish_words(wish)) }),
        )
    }

    fn find(&self, text: &str) -> Result<Value, Failure> {
        let found = find::all(self.inventory()?, text)?;
        let tokens: Vec<TokenRecordReport> = found.iter().take(SHOWN).map(Into::into).collect();
        Ok(json!({ "tokens": tokens, "count": found.len() }))
    }

    fn token(&self, serial: &str) -> Result<Value, Failure> {
        let inventory = self.inventory()?;
        let (window, from) = window(None, None)?;
        let token = find::one(inventory, serial)?;
        let events = events_of(inventory, &token, EVENTS)?;
        let burns_again = self.readers.burns_again(&token.key.serial);
        #[cfg(feature = "servers")]
        let unmended = !self.unmended(&token)?.is_empty();
        #[cfg(not(feature = "servers"))]
        let unmended = false;
        let (foreseen, line) = drift_of(inventory, token, &window)?;
        let plot = line.as_ref().map(|line| token_plot(&plot_title(&foreseen.token), line));
        let window = WindowReport::of(&window, from);
        let words = window.words(ON_THE_PAGE);
        let deliveries = deliveries_of(inventory, &foreseen.token)?;
        let drift = ShownDrift { foreseen: &foreseen, line: None, window };
        let customer_keys = inventory.device_keys(Some(&foreseen.token.key.serial))?;
        let audience = Audience::Page;
        let beside = ShownBeside { deliveries: &deliveries, customer_keys: &customer_keys, events: &events, audience };
        let report = ShowReport::of(&drift, &beside);
        let hands_over_to = self.servers();
        Ok(value(&TokenAnswer { report, plot, words, burns_again, unmended, hands_over_to }))
    }

    fn assign(&self, serial: &str, user: &str, reassign: bool) -> Result<Value, Failure> {
        let inventory = self.inventory()?;
        let wanted = of_words(inventory, serial, user)?;
        if let Some(doubt) = wanted.doubt().filter(|_| !wanted.is_allowed(false, reassign)) {
            let next = "check the serial; if it is right, confirm it";
            return Err(Failure::usage(doubt, next).in_state(TokenState::RecordUnchanged));
        }
        if let Some(entry) = wanted.entry(&event_of(self.global)) {
            inventory.keep(&entry)?;
        }
        Ok(json!({}))
    }

    fn unassign(&self, serial: &str) -> Result<Value, Failure> {
        let inventory = self.inventory()?;
        let token = find::one(inventory, serial)?;
        if let Some(entry) = entry_of_return(&token, &event_of(self.global)) {
            inventory.keep(&entry)?;
        }
        Ok(json!({}))
    }

    fn fleet(&self, due_days: Option<u32>, window: (Window, WindowFrom), csv: bool) -> Result<Value, Failure> {
        let (window, from) = window;
        let now = SystemClock::new().now().wall;
        let (_, mut foreseen) = outlook(self.inventory()?, &window, now)?;
        let plot = (!csv && foreseen.len() > 1).then(|| fleet_plot(&foreseen, now));
        let models: Vec<ModelReport> = by_model(&foreseen).iter().map(Into::into).collect();
        let due = due_days.map(|days| chrono::TimeDelta::days(days.into()));
        let unknown = foreseen.iter().filter(|one| one.clock.is_none() && !one.shows_no_right_codes()).count();
        keep_due(&mut foreseen, due, now)?;
        if csv {
            return Ok(json!({ "csv": table(&foreseen) }));
        }
        let rows: Vec<ForecastReport> = foreseen.iter().take(SHOWN).map(ForecastReport::of).collect();
        let deliveries = self.inventory()?.deliveries(&DeliveryFilter::default())?;
        let (open, open_count) = open_tokens(self.inventory()?, &deliveries, SHOWN)?;
        let has_opener = self.readers.opener().is_some();
        let open: Vec<OpenTokenReport> = open.iter().map(|one| OpenTokenReport::of(one, has_opener)).collect();
        let servers: Vec<AtServerReport> = at_servers(self.inventory()?, &deliveries)?.iter().map(Into::into).collect();
        let window = WindowReport::of(&window, from);
        let words = window.words(ON_THE_PAGE);
        let count = foreseen.len();
        let unknown = if due.is_some() { unknown } else { 0 };
        Ok(json!({
            "unknown": unknown, "forecast": rows, "count": count, "window": window, "words": words, "plot": plot,
            "models": models, "open": open, "open_count": open_count, "servers": servers,
        }))
    }

    fn check_list(&self, list: &List) -> Result<Value, Failure> {
        let mut problems = Vec::new();
        let planned =
            Read::of(list)?.planned(self.inventory()?, self.readers.flags()?, &mut |problem| problems.push(problem))?;
        let (rows, named) = (planned.rows.len(), planned.rows.iter().filter(|row| row.is_named).count());
        let users = planned.rows.iter().filter(|row| row.user.is_some()).count();
        let words = format!("{}: {named} with a serial, {users} with a user", counted(rows as u64, "row"));
        Ok(json!({ "words": words, "problems": problems }))
    }

    fn start_batch(&self, list: &List, to: &[String], server: Option<&str>) -> Result<Value, Failure> {
        #[cfg(feature = "servers")]
        if let Some(server) = server {
            self.check_unattended(server)?;
        }
        let waiting = self.readers.prepare(list, to, server)?;
        self.readers.start(waiting)?;
        Ok(json!({}))
    }

    /// The rows of a batch: those in hand and undone first, then the ones to come, then those that are done.
    fn batch_rows(&self, batch: BatchId) -> Result<Value, Failure> {
        let mut rows = Vec::new();
        self.inventory()?.visit_rows(batch, &[], &mut |row| rows.push(row))?;
        let count = rows.len();
        rows.sort_by_key(|row| match row.state {
            RowState::Burned | RowState::Checked => 2,
            RowState::Planned | RowState::Assigned => 1,
            _ => 0,
        });
        let rows: Vec<RowReport> = rows.iter().take(SHOWN).map(Into::into).collect();
        Ok(json!({ "rows": rows, "count": count }))
    }

    /// The formats that a server's file can have, and the servers that seeds can be handed over to.
    fn formats(&self) -> Value {
        let written = FORMATS.iter().filter(|format| format.write.is_some());
        let formats: Vec<Value> = written.map(|format| json!({ "name": format.name, "words": format.title })).collect();
        json!({ "formats": formats, "servers": self.servers() })
    }

    /// The servers that the inventory knows, by name.
    #[cfg(feature = "servers")]
    fn servers(&self) -> Vec<String> {
        self.record.books().map(open::names).unwrap_or_default()
    }

    /// None: this program was built without.
    #[cfg(not(feature = "servers"))]
    fn servers(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The failure of what needs an inventory.
pub(super) fn no_inventory() -> Failure {
    Failure::usage("there is no inventory", "start tokentap web without --inventory none")
}

/// A failure for the page.
fn refused(failure: &Failure) -> Refused {
    let error = ErrorReport::from(failure);
    let is_untouched = failure.state == TokenState::NotReached;
    let confirm = failure.state == TokenState::RecordUnchanged;
    let state = if is_untouched { String::new() } else { error.state };
    Refused {
        kind: error.kind.to_owned(),
        message: error.message,
        state,
        next: next_at(failure, Audience::Page),
        details: details_at(failure, Audience::Page),
        confirm,
    }
}

/// A token, as the page shows it.
#[derive(Serialize)]
struct TokenAnswer {
    #[serde(flatten)]
    report: ShowReport,
    /// Its drift, as SVG.
    plot: Option<String>,
    /// What the forecast was made for, in words.
    words: String,
    /// Its sealed seed is burned again when it is laid down next.
    burns_again: bool,
    /// A server may still expect its clock of before.
    unmended: bool,
    /// The servers to which it can be handed over.
    hands_over_to: Vec<String>,
}

fn value(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}
