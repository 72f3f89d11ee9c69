//! `tokentap desk`: every token that is laid down is identified, measured, set right, recorded; until told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::{DeskArgs, Global};
use super::describe::{self, counted, fields, plain, profile_words, token, token_line, written};
use super::host::{Host, WatchedHost};
use super::output::Output;
use super::record::{self, Record};
use super::screen::{Bell, Idle, Message, Screen, Wire, ask_through, confirm_through};
use super::secret::token_key;
use super::sync::SERVER_WINDOW_S;
use super::verify::verdict_fields;
use super::{Ran, interrupt, plan, prompt, trays};
use crate::job::desk::{DeskNews, DeskPlan, DeskVisitor, Done, LeftOpen, Visited, Why};
use crate::job::verify::WINDOW_S;
use crate::job::{Exit, Failure, HourWatch, Outcome, Place, Problem, SeedFate, Surroundings};
use crate::report::{self, WORDING, verdict_words};
use crate::token::{Info, Sync};

/// How wide the line between two visits is.
const RULE_WIDTH: usize = 78;

pub fn run(global: &Global, args: &DeskArgs, output: &Output) -> Ran {
    trays::check_for_many(global)?;
    if !(0.0..=1e9).contains(&args.if_drift_over) {
        return Err(Failure::usage("--if-drift-over is not a number of seconds", "give one from 0 upwards, such as 2"));
    }
    if args.ask_code && (!prompt::has_person() || output.is_json()) {
        return Err(Failure::usage("--ask-code asks at a terminal, and there is none", "leave it out"));
    }
    if global.dry_run {
        return Err(Failure::usage("--dry-run is for one token", "use --no-auto-sync: the desk then only measures"));
    }
    if args.no_auto_sync && args.identity.is_some() && !args.ask_code {
        return Err(Failure::usage(
            "--identity does nothing where no clock is set and no code is asked for",
            "leave it out",
        ));
    }
    let identity = record::identity(args.identity.as_deref())?;
    // A desk without its record is no desk, unless --inventory none says so.
    let burns = args.identity.is_some();
    let record = Record::open_checked(global, burns, output)?;
    let plan = DeskPlan {
        auto_sync: !args.no_auto_sync,
        if_drift_over: args.if_drift_over,
        fine: !args.fast,
        wish: plan::wish(&args.profile, None)?,
        assume_factory: args.assume_factory_profile || may_assume_factory(args, output),
        key: token_key(args.run.token_key.as_deref())?,
        tries_again: args.run.try_again,
        identity: record.opener(identity),
        identity_for: args.identity_minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        ask_code: args.ask_code,
    };
    let host = Host::assess(&args.run.host)?;
    if !args.no_auto_sync {
        host.check_vouched_for(output)?;
    }
    let mut trays = trays::open(global, &host.system)?;
    host.warn(output);
    let watched = WatchedHost::new(&host, &args.run.host);
    let look = || watched.look();
    let mut screen = Screen::new(output, args.run.quiet_bell);
    let wire = Wire::<DeskNews>::new();
    let sender = wire.sender();
    let idle = Idle::new(global)?;
    let tell = |news: DeskNews| {
        match &news {
            DeskNews::Writes(_, info) => interrupt::in_hand(info.serial.as_str()),
            DeskNews::Visited(visited) => {
                if let Some(info) = &visited.info {
                    interrupt::let_go(info.serial.as_str());
                }
            }
            DeskNews::Begins(..) | DeskNews::Reader(..) => {}
        }
        if !matches!(news, DeskNews::Reader(..)) {
            idle.note();
        }
        let _ = sender.send(Message::News(news));
    };
    let ask = |info: &Info| ask_through(&sender, info);
    let confirm = |problem: &Problem| confirm_through(&sender, problem);
    let stop = || interrupt::asked() || idle.is_over();
    let around = Surroundings {
        station: record.station().clone(),
        remark: record.remark(host.remark()),
        wording: WORDING,
        host: &look,
        tell: &tell,
        ask: args.ask_code.then_some(&ask as _),
        confirm: (prompt::has_person() && !output.is_json()).then_some(&confirm as _),
        hours: HourWatch::watching(!args.run.host.trust_host_clock),
        stop: &stop,
    };
    let mut view = View { is_live: screen.is_live(), bound: args.if_drift_over, ..View::default() };
    screen.event("the desk is open: lay tokens down; Ctrl-C ends it", "begin", Map::new(), Bell::None);
    let visitor = DeskVisitor::new(record.books(), plan, around);
    wire.run(trays.as_mut(), &visitor, &mut screen, &mut |screen, news| view.show(screen, news));

    let undone = visitor.undone();
    let mut text = format!("the desk is closed: {}", view.counts());
    for serial in &undone {
        let why = view.undone.get(serial).map(|why| format!(" {}: {}", why.owner(), why.what)).unwrap_or_default();
        text.push_str(&format!("\n  UNDONE  {serial}{why}"));
    }
    let reasons: Vec<Value> = view
        .undone
        .iter()
        .map(|(serial, why)| json!({ "serial": serial, "user": why.user, "reason": why.what }))
        .collect();
    let object = fields([
        ("event", json!("summary")),
        ("tokens", json!(view.seen.len())),
        ("set", json!(view.set.len())),
        ("undone", json!(undone)),
        ("undone_tokens", json!(reasons)),
    ]);
    output.report(&text, object);
    if let Some(failure) = visitor.fatal() {
        return Err(failure);
    }
    Ok(if undone.is_empty() { Exit::Done } else { Exit::Undone })
}

/// Asks once, where somebody can be asked, what is done with tokens whose profile nobody knows.
fn may_assume_factory(args: &DeskArgs, output: &Output) -> bool {
    let is_stated = args.profile.hash.is_some() && args.profile.step.is_some();
    if args.no_auto_sync || is_stated || output.is_json() || !prompt::has_person() {
        return false;
    }
    prompt::confirms(
        "Some tokens may have a profile (hash, time step) that the inventory does not know. Setting their clocks would set the \
         factory's (SHA1, 30 s): a token that was burned for another one would stop working. Enter alone only measures them.",
    )
}

/// What a desk shows, counted by token: one that is laid back is not another one.
#[derive(Default)]
struct View {
    is_live: bool,
    seen: BTreeSet<String>,
    set: BTreeSet<String>,
    undone: BTreeMap<String, Undone>,
    bound: f64,
}

/// Why a token did not leave as it should be, and whose it is.
struct Undone {
    user: Option<String>,
    what: String,
}

impl Undone {
    fn owner(&self) -> String {
        self.user.as_ref().map(|user| format!("of {}", plain(user))).unwrap_or_else(|| "of nobody on record".to_owned())
    }
}

impl View {
    fn show(&mut self, screen: &mut Screen<'_>, news: DeskNews) {
        match news {
            DeskNews::Reader(place, news) => screen.reader(place.as_ref(), &news),
            DeskNews::Begins(place, info) => screen.at_reader(&place, &format!("measuring {info}")),
            DeskNews::Writes(place, info) => {
                screen.at_reader(&place, &format!("setting {info}"));
            }
            DeskNews::Visited(visited) => {
                self.visited(screen, &visited);
            }
        }
        screen.progress(&format!("desk: {}", self.counts()));
    }

    /// "2 tokens: 1 clock set, 1 needs attention".
    fn counts(&self) -> String {
        let undone = self.undone.len();
        let need = if undone == 1 { "needs" } else { "need" };
        let (seen, set) = (counted(self.seen.len() as u64, "token"), counted(self.set.len() as u64, "clock"));
        format!("{seen}: {set} set, {undone} {need} attention")
    }

    fn visited(&mut self, screen: &mut Screen<'_>, visited: &Visited) {
        let is_well = visited.is_well(self.bound);
        let said = words(visited, self.bound);
        if let Some(serial) = visited.info.as_ref().map(|info| info.serial.to_string()) {
            if matches!(&visited.done, Done::Written(report) if report.outcome == Outcome::Synced) {
                self.set.insert(serial.clone());
            }
            self.seen.insert(serial.clone());
            if is_well {
                self.undone.remove(&serial);
            } else {
                let user = visited.known.as_ref().and_then(|known| known.user.clone());
                self.undone.insert(serial, Undone { user, what: said.what.clone() });
            }
        }
        let rule = "-".repeat(RULE_WIDTH);
        let reader = reader_words(&visited.place);
        let text = match self.is_live {
            // Seen from across the table.
            true => format!("{rule}\n {}\n {}\n next: {}\n {reader}\n{rule}", said.who, said.what, said.next),
            false => format!("{}: {}; next: {} ({reader})", said.who, said.what, said.next),
        };
        let is_lifted = matches!(&visited.done, Done::Failed(failure) if failure.may_come_back);
        screen.at_reader(&visited.place, if is_lifted { "lay the token back" } else { "take the token off" });
        screen.event(&text, "token", visit_fields(visited, &said), if is_well { Bell::Well } else { Bell::Badly });
        if let Some(why) = &visited.unrecorded {
            screen.note(&format!("{why}; this visit is not recorded"));
        }
    }
}

/// The reader, as `tokentap readers` has it: "reader 1: ACS ACR122U 00 00".
pub fn reader_words(place: &Place) -> String {
    let number = place.number.map(|number| format!(" {number}")).unwrap_or_default();
    format!("reader{number}: {}", plain(&place.reader))
}

/// What its owner is told: what it is, how far off it was and what was done, what to do next.
struct Said {
    who: String,
    what: String,
    next: String,
}

fn words(visited: &Visited, bound: f64) -> Said {
    let owner = visited.known.as_ref().and_then(|known| known.user.as_deref());
    let owner = owner.map(|user| format!(", {}", plain(user))).unwrap_or_default();
    let who = match &visited.info {
        Some(info) => format!("{}{owner}", token_line(info, visited.place.emulated)),
        None => "a token".to_owned(),
    };
    let (mut what, mut next) = match &visited.done {
        Done::Written(report) if report.outcome == Outcome::Within => {
            (format!("clock {}: right as it is", report.before.in_short()), "done: you can take the token".to_owned())
        }
        Done::Written(report) => {
            let seed = if report.seed == SeedFate::Burned { ", seed burned again" } else { "" };
            let profile = report.config.as_ref().map(|config| format!("; profile {}", profile_words(config)));
            let what = format!(
                "clock was {}; set, now {}{seed}{}",
                report.before.in_short(),
                report.after.in_short(),
                profile.unwrap_or_default()
            );
            let moved = (report.after.middle_s() - report.before.middle_s()).abs() > SERVER_WINDOW_S;
            let next = if moved {
                "switch it off and on; Entra ID or privacyIDEA may have to resynchronise it once"
            } else {
                "switch it off and on, and use its next code"
            };
            (what, next.to_owned())
        }
        Done::Read(report, why) => {
            let drift = report.drift.in_short();
            let (what, next) = match why {
                Why::Within => ("right as it is", "done: you can take the token"),
                Why::Stopped => ("its clock has stopped", "give its user another token"),
                Why::NoAutoSync => match report.info.sync() {
                    _ if report.drift.may_be_within(bound) => ("only measured", "done: you can take the token"),
                    Sync::Unrestricted => ("only measured", "set it with tokentap sync if it is to be right"),
                    Sync::Restricted => ("only measured", "set it with its seed: tokentap sync --seed-file FILE"),
                    Sync::Unknown => ("only measured; its model is not known", "see whose token it is"),
                },
                Why::Restricted => (
                    "NOT set, because that would erase its seed",
                    "with its seed at hand: tokentap sync --seed-file FILE; without it, resynchronise the token on its server",
                ),
                Why::Sealed => (
                    "NOT set, because that would erase its seed, which is sealed",
                    "open the desk again with --identity FILE, and lay it back",
                ),
                Why::Unknown => ("NOT set, because its model is not known", "see whose token it is"),
                Why::UnknownProfile => (
                    "NOT set, because its profile (hash, time step) is not known",
                    "ask its server for its hash and time step, because others stop its codes; then: tokentap sync --hash HASH --step \
                     SECONDS",
                ),
            };
            (format!("clock {drift}: {what}"), next.to_owned())
        }
        Done::Failed(failure) => {
            let what = format!("{}; {}", report::fact(&failure.problem), report::state(&failure.state));
            (what, report::next(failure))
        }
    };
    match visited.left_open() {
        Some(LeftOpen::Erased(at)) => {
            what.push_str(&format!("; its seed is ERASED since {}", at.format("%Y-%m-%d")));
            "burn a seed: it shows no codes".clone_into(&mut next);
        }
        Some(LeftOpen::Pending(at)) => {
            what.push_str(&format!("; a job of {} did not end as it should", at.format("%Y-%m-%d")));
            "burn it again: it may lack its seed, or hold another one".clone_into(&mut next);
        }
        None => {}
    }
    if let Some(verdict) = &visited.verdict {
        what.push_str(&format!("; {}", verdict_words(verdict, WINDOW_S)));
    }
    Said { who, what, next }
}

fn visit_fields(visited: &Visited, said: &Said) -> Map<String, Value> {
    let place = &visited.place;
    let mut object = match &visited.done {
        Done::Written(report) => written(report, &place.reader, place.emulated),
        _ => fields([
            ("reader", json!(place.reader)),
            ("token", visited.info.as_ref().map_or(Value::Null, |info| token(info, place.emulated))),
        ]),
    };
    match &visited.done {
        Done::Written(_) => {}
        Done::Read(report, why) => {
            let outcome = match why {
                Why::Within => "within",
                Why::Stopped => "clock-stopped",
                Why::NoAutoSync => "measured",
                Why::Restricted => "restricted",
                Why::Sealed => "sealed",
                Why::Unknown => "unknown-model",
                Why::UnknownProfile => "unknown-profile",
            };
            object.insert("clock".to_owned(), json!({ "before": describe::drift(report.drift) }));
            object.insert("outcome".to_owned(), json!(outcome));
        }
        Done::Failed(failure) => {
            object.insert("outcome".to_owned(), json!("failed"));
            object.insert("error".to_owned(), Output::error_fields(failure));
        }
    }
    object.insert("user".to_owned(), json!(visited.known.as_ref().and_then(|known| known.user.as_ref())));
    object.insert("next".to_owned(), json!(said.next));
    object.insert(
        "verify".to_owned(),
        visited.verdict.as_ref().map_or(Value::Null, |verdict| verdict_fields(verdict).into()),
    );
    object
}
