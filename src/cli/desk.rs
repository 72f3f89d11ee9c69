//! `tokentap desk`: every token that is laid down is identified, measured, set right, recorded; until told to stop.

use std::collections::{BTreeMap, BTreeSet};
#[cfg(feature = "servers")]
use std::sync::Arc;

use super::args::{DeskArgs, Global};
use super::host::{Host, WatchedHost};
#[cfg(feature = "servers")]
use super::mending::DeskMender;
use super::output::Output;
use super::record::{self, Record};
use super::screen::{Bell, Idle, Message, Screen, Wire};
use super::secret::{stated_customer_key, token_key};
use super::{Ran, interrupt, prompt, settings, store, trays};
use crate::job::desk::{DeskNews, DeskPlan, DeskVisitor, Done, Visited};
#[cfg(feature = "servers")]
use crate::job::server::Mender;
use crate::job::{Asks, DeskRequest, Exit, Failure, HourWatch, Surroundings};
use crate::report::{DeskEvent, DeskSummary, DeskVisit, UndoneToken, WORDING};

/// How wide the line between two visits is.
const RULE_WIDTH: usize = 78;

/// A desk that may open: its record, what it does with tokens, and the host's clock.
pub struct Ready {
    pub record: Record,
    pub plan: DeskPlan,
    pub host: Host,
}

/// Checks and asks everything that must be known before the first token comes.
///
/// # Errors
/// A failure of the arguments, of a file that they name, of the inventory, or of the host's clock.
pub fn ready(global: &Global, args: &DeskArgs, output: &Output) -> Result<Ready, Failure> {
    trays::check_for_many(global)?;
    check_flags(global, args)?;
    let identity = record::identity(args.identity.as_deref())?;
    // A desk without its record is no desk, unless --inventory none says so.
    let burns = args.identity.is_some();
    let record = Record::open_checked(global, burns, output)?;
    let plan = DeskRequest {
        no_auto_sync: args.no_auto_sync,
        if_drift_over_s: args.if_drift_over,
        fast: args.fast,
        profile: settings::profile(&args.profile),
        assume_factory_profile: args.assume_factory_profile || may_assume_factory(args, output),
        ask_code: args.ask_code,
        try_again: args.run.try_again,
        key: token_key(args.run.token_key.as_deref())?,
        customer_key: stated_customer_key(args.customer_key.as_deref())?,
        opener: record.opener(identity),
        identity_minutes: args.identity_minutes,
    }
    .prepare()?;
    #[cfg(feature = "servers")]
    let plan = DeskPlan { mender: mender(global, args)?, ..plan };
    let host = Host::assess(&args.run.host)?;
    if !args.no_auto_sync {
        host.check_vouched_for(output)?;
    }
    Ok(Ready { record, plan, host })
}

/// What deals with the servers that had followed a token's clock.
#[cfg(feature = "servers")]
fn mender(global: &Global, args: &DeskArgs) -> Result<Option<Arc<dyn Mender>>, Failure> {
    if args.no_mend { Ok(None) } else { DeskMender::of(global) }
}

pub fn run(global: &Global, args: &DeskArgs, output: &Output) -> Ran {
    if args.ask_code && (!prompt::has_person() || output.is_json()) {
        return Err(Failure::usage("--ask-code asks at a terminal, and there is none", "remove it"));
    }
    // At a page it opens what is checked, burned and handed over there.
    if args.no_auto_sync && args.identity.is_some() && !args.ask_code {
        return Err(Failure::usage(
            "--identity does nothing where no clock is set and no code is asked for",
            "remove it",
        ));
    }
    let Ready { record, plan, host } = ready(global, args, output)?;
    let mut trays = trays::open(global, crate::reader::Wanted::WithClock, &host.system)?;
    host.warn(output);
    let watched = WatchedHost::new(&host, &args.run.host);
    let look = || watched.look();
    let mut screen = Screen::new(output, args.run.quiet_bell);
    let wire = Wire::<DeskNews>::new();
    let sender = wire.sender();
    let idle = Idle::new(global)?;
    let tell = |news: DeskNews| {
        match &news {
            DeskNews::Writes(_, info) => interrupt::stop().take(info.serial.as_str()),
            DeskNews::Visited(visited) => {
                if let Some(info) = &visited.info {
                    interrupt::stop().let_go(info.serial.as_str());
                }
            }
            DeskNews::Asks(question) => {
                // It is dealt with and recorded: only its code is open.
                if let Asks::Code(info) = &question.asks {
                    interrupt::stop().let_go(info.serial.as_str());
                }
                let _ = sender.send(Message::Asks(question.clone()));
                return idle.note();
            }
            DeskNews::Begins(..) | DeskNews::Reader(..) => {}
        }
        if !matches!(news, DeskNews::Reader(..)) {
            idle.note();
        }
        let _ = sender.send(Message::News(news));
    };
    let stop = || interrupt::asked() || idle.is_over();
    let around = Surroundings {
        station: record.station().clone(),
        remark: record.remark(host.remark()),
        wording: WORDING,
        host: &look,
        tell: &tell,
        has_person: prompt::has_person() && !output.is_json(),
        hours: HourWatch::watching(!args.run.host.trust_host_clock),
        stop: &stop,
    };
    let mut view = View { is_live: screen.is_live(), bound: args.if_drift_over, ..View::default() };
    screen.event(&DeskEvent::Begin {}, Bell::None);
    let visitor = DeskVisitor::new(record.books(), plan, around);
    screen.waiting(store::waiting(global));
    wire.run(trays.as_mut(), &visitor, &mut screen, &mut |screen, news| {
        if matches!(news, DeskNews::Visited(_)) {
            screen.waiting(store::waiting(global));
        }
        view.show(screen, news);
    });

    let undone = visitor.undone();
    screen.event(&DeskEvent::Summary(view.summary(&undone)), Bell::None);
    if let Some(failure) = visitor.fatal() {
        return Err(failure);
    }
    Ok(if undone.is_empty() { Exit::Done } else { Exit::Undone })
}

/// Faults that the parser cannot see: flags that contradict one another, and questions that nobody would answer.
fn check_flags(global: &Global, args: &DeskArgs) -> Result<(), Failure> {
    if !(0.0..=1e9).contains(&args.if_drift_over) {
        return Err(Failure::usage("--if-drift-over is not a number of seconds", "use one from 0 upwards, such as 2"));
    }
    if global.dry_run {
        return Err(Failure::usage("--dry-run is for one token", "use --no-auto-sync: the desk then only measures"));
    }
    Ok(())
}

/// Asks once, where somebody can be asked, what is done with tokens whose profile nobody knows.
fn may_assume_factory(args: &DeskArgs, output: &Output) -> bool {
    let is_stated = args.profile.hash.is_some() && args.profile.step.is_some();
    if args.no_auto_sync || is_stated || output.is_json() || !prompt::has_person() {
        return false;
    }
    prompt::confirms(
        "Some tokens may have a profile (hash, time step) that the inventory does not know. Setting their clocks would set the \
         factory's (SHA1, 30 s): a token that was burned for another one would stop working. Press Enter to only measure them.",
    )
}

/// The view of a desk, counted by token: one that is laid back is not another one.
#[derive(Default)]
struct View {
    is_live: bool,
    seen: BTreeSet<String>,
    set: BTreeSet<String>,
    undone: BTreeMap<String, UndoneToken>,
    bound: f64,
}

impl View {
    fn show(&mut self, screen: &mut Screen<'_>, news: DeskNews) {
        match news {
            DeskNews::Reader(place, news) => screen.reader(place.as_ref(), &news),
            DeskNews::Begins(place, info) => screen.at_reader(&place, &format!("measuring {info}")),
            DeskNews::Writes(place, info) => {
                screen.at_reader(&place, &format!("setting {info}"));
            }
            DeskNews::Visited(visited) => self.visited(screen, &visited),
            // The wire takes these to whoever answers.
            DeskNews::Asks(_) => {}
        }
        screen.progress(&format!("desk: {}", self.counts()));
    }

    fn counts(&self) -> String {
        DeskSummary::counts(self.seen.len(), self.set.len(), self.undone.len())
    }

    /// The end of the desk, with the tokens that did not leave as they should be.
    fn summary(&self, undone: &[String]) -> DeskSummary {
        DeskSummary {
            tokens: self.seen.len(),
            set: self.set.len(),
            undone: undone.to_vec(),
            undone_tokens: self.undone.values().cloned().collect(),
        }
    }

    fn visited(&mut self, screen: &mut Screen<'_>, visited: &Visited) {
        let visit = DeskVisit::of(visited, self.bound);
        if let Some(serial) = visit.token.as_ref().map(|token| token.serial.clone()) {
            if visited.was_set() {
                self.set.insert(serial.clone());
            }
            self.seen.insert(serial.clone());
            if visit.is_well {
                self.undone.remove(&serial);
            } else {
                let (user, reason) = (visit.user.clone(), visit.what.clone());
                self.undone
                    .insert(serial.clone(), UndoneToken { serial, user, reason, has_slots: visited.is_plugged_in() });
            }
        }
        let is_lifted = matches!(&visited.done, Done::Failed(failure) if failure.may_come_back);
        screen.at_reader(
            &visited.place,
            match (visited.is_plugged_in(), is_lifted) {
                (true, true) => "plug it in again",
                (true, false) => "unplug it",
                (false, true) => "lay the token back",
                (false, false) => "take the token off",
            },
        );
        let bell = if visit.is_well { Bell::Well } else { Bell::Badly };
        // Seen from across the table.
        let large = self.is_live.then(|| visit.large_text(&"-".repeat(RULE_WIDTH)));
        screen.event_shown_as(&DeskEvent::Token(Box::new(visit)), large, bell);
        if let Some(why) = &visited.unrecorded {
            screen.note(&format!("{why}; this visit is not recorded"));
        }
    }
}
