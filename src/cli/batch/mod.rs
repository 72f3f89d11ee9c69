//! `tokentap batch`: many tokens from one list, one after the other on every reader.

#[cfg(feature = "servers")]
pub mod hand_over;
pub mod plan;
mod summary;
mod view;

#[cfg(feature = "servers")]
use std::cell::RefCell;
#[cfg(feature = "servers")]
use std::collections::BTreeSet;

use super::args::{BatchArgs, Global};
use super::describe;
use super::host::{Host, WatchedHost};
use super::output::Output;
use super::record::Record;
use super::screen::{Idle, Message, Screen, Wire};
use super::secret::token_key;
use super::unused::unused;
use super::{Ran, interrupt, prompt, settings, store, trays};
use crate::device::Family;
#[cfg(feature = "servers")]
use crate::inventory::{BatchId, SlotKey};
use crate::inventory::{BatchRecord, Counts};
use crate::job::batch::{BatchEnd, BatchNews, BatchPlan, BatchRun};
#[cfg(feature = "servers")]
use crate::job::batch::{Departure, Left};
use crate::job::{Asks, BatchTerms, Books, Exit, Failure, HourWatch, Surroundings};
use crate::reader::Wanted;
use crate::report::slip;
use crate::report::{BatchEvent, BatchSummary, WORDING};
use crate::time::HostClock;
use view::View;

pub fn run(global: &Global, args: &BatchArgs, output: &Output) -> Ran {
    trays::check_for_many(global)?;
    check_usage(global, args, output)?;
    let terms = BatchTerms { key: token_key(args.run.token_key.as_deref())?, ..terms(args) };
    let reburns = terms.reburn;
    let plan = terms.plan()?;
    let record = Record::open_checked(global, true, output)?.or_in_memory()?;
    let Some(books) = record.books() else {
        return Err(Failure::file("there is no inventory", "name one with --inventory FILE"));
    };
    let planned = plan::planned(args, plan.flags, &record, output)?;
    // A dry run asks as well: what would be refused before the first token is refused there.
    #[cfg(feature = "servers")]
    let to_server = hand_over::ToServer::of_args(global, args, &record, &planned, plan.flags)?;
    if global.dry_run {
        #[cfg(feature = "servers")]
        to_server.iter().for_each(|to_server| to_server.note_asked(output));
        return plan::show(&planned, output);
    }
    // What is left to do at a server needs neither a clock nor a reader.
    if let Some(done) = planned.finished(books, hands_over(args))? {
        write_slips_again(args, &done, books, output)?;
        say_finished(&planned.origin.name, done.counts, output);
        #[cfg(feature = "servers")]
        return hand_over_the_rest(to_server, done.id, output);
        #[cfg(not(feature = "servers"))]
        return Ok(Exit::Done);
    }
    let host = Host::assess(&args.run.host)?;
    // No clock is set by this one on devices that count.
    if !args.hotp {
        host.check_vouched_for(output)?;
        host.warn(output);
    }
    let mut trays = trays::open(global, if args.hotp { Wanted::HotpKey } else { Wanted::Token }, &host.system)?;

    let mut run = planned.open(books, plan.flags, host.clock().now().wall)?;
    if run.is_finished() {
        say_finished(&run.name, run.batch.counts(), output);
        #[cfg(feature = "servers")]
        return hand_over_the_rest(to_server, run.batch.id(), output);
        #[cfg(not(feature = "servers"))]
        return Ok(Exit::Done);
    }
    if run.batch.adopted() > 0 {
        output.note(&format!(
            "the .part file has {} that the inventory does not: the inventory is an older copy. Their tokens count as unknown \
             until they are on the reader again",
            describe::counted(run.batch.adopted(), "row")
        ));
    }
    let others = books.desks_at(run.batch.id())?;
    if !others.is_empty() {
        output.note(&crate::report::others_at_batch(&others));
    }
    run.batch = run.batch.reburning(reburns);
    let name = run.name.clone();
    let around = Around {
        global,
        args,
        record: &record,
        books,
        host: &host,
        output,
        #[cfg(feature = "servers")]
        to_server: RefCell::default(),
    };
    #[cfg(feature = "servers")]
    let around = Around { to_server: RefCell::new(to_server), ..around };
    let (end, ran) = around.work(run, plan, trays.as_mut())?;
    let exit = summary::finish(&name, end, ran.holding, args, books, output);
    #[cfg(feature = "servers")]
    if let Some(on_the_way) = ran.on_the_way
        && !on_the_way.finish(&ran.handed_over, output)
        && matches!(exit, Ok(Exit::Done))
    {
        return Ok(Exit::Undone);
    }
    exit
}

/// The surroundings of every run of a batch.
struct Around<'a> {
    global: &'a Global,
    args: &'a BatchArgs,
    record: &'a Record,
    books: &'a Books,
    host: &'a Host,
    output: &'a Output,
    /// The server that seeds go to as they are burned.
    #[cfg(feature = "servers")]
    to_server: RefCell<Option<hand_over::ToServer>>,
}

/// What is known of a run when it has ended, beside the batch's own end.
struct Attended {
    /// How many tokens hold another seed.
    holding: usize,
    /// The seeds that are on their way to a server.
    #[cfg(feature = "servers")]
    on_the_way: Option<hand_over::OnTheWay>,
    /// The tokens of which it was shown that they were handed over.
    #[cfg(feature = "servers")]
    handed_over: BTreeSet<SlotKey>,
}

impl Around<'_> {
    /// Burns what is laid down, with the screen told of it.
    fn work(
        &self,
        run: BatchRun,
        plan: BatchPlan,
        trays: &mut dyn crate::reader::Trays,
    ) -> Result<(BatchEnd, Attended), Failure> {
        let Self { global, args, record, books, host, output, .. } = self;
        let watched = WatchedHost::new(host, &args.run.host);
        let look = || watched.look();
        let mut screen = Screen::new(output, args.run.quiet_bell);
        let wire = Wire::<BatchNews>::new();
        let sender = wire.sender();
        let idle = Idle::new(global)?;
        #[cfg(feature = "servers")]
        let on_the_way = match self.to_server.take() {
            Some(to_server) => Some(to_server.begin(run.batch.id(), Some(wire.sender()))?),
            None => None,
        };
        let tell = |news: BatchNews| {
            note_in_hand(&news, &idle);
            #[cfg(feature = "servers")]
            if let (Some(on_the_way), BatchNews::Left(departure)) = (&on_the_way, &news)
                && let Some(serial) = burned(departure)
            {
                on_the_way.burned(serial);
            }
            let _ = sender.send(match news {
                BatchNews::Asks(question) => Message::Asks(question),
                news => Message::News(news),
            });
        };
        let stop = || interrupt::asked() || idle.is_over();
        let surroundings = Surroundings {
            station: record.station().clone(),
            remark: record.remark(host.remark()),
            wording: WORDING,
            host: &look,
            tell: &tell,
            has_person: prompt::has_person() && !output.is_json(),
            hours: HourWatch::watching(!args.run.host.trust_host_clock),
            stop: &stop,
        };
        let name = run.name.clone();
        let mut view = View::new(&name, run.batch.counts(), host);
        view.begin(run.how, &screen);
        let at = || host.clock().now().wall;
        screen.waiting(store::waiting(global));
        let end = run.run(*books, plan, surroundings, &at, |visitor| {
            wire.run(trays, visitor, &mut screen, &mut |screen, news| {
                if matches!(news, BatchNews::Left(_)) {
                    screen.waiting(store::waiting(global));
                }
                view.show(screen, news);
            });
        })?;
        let attended = Attended {
            holding: view.holding(),
            #[cfg(feature = "servers")]
            on_the_way,
            #[cfg(feature = "servers")]
            handed_over: view.handed_over(),
        };
        Ok((end, attended))
    }
}

/// The token, if it holds its row's seed as it leaves.
#[cfg(feature = "servers")]
pub fn burned(departure: &Departure) -> Option<&str> {
    match departure.how {
        Left::Burned(..) | Left::Judged(_, _, true) => departure.info.as_ref().map(|info| info.serial.as_str()),
        _ => None,
    }
}

/// Takes note of the tokens that are being written, and that something happens.
fn note_in_hand(news: &BatchNews, idle: &Idle) {
    match news {
        BatchNews::Begins(_, info, _) => {
            idle.note();
            interrupt::stop().take(info.serial.as_str());
        }
        BatchNews::Left(departure) => {
            idle.note();
            if let Some(info) = &departure.info {
                interrupt::stop().let_go(info.serial.as_str());
            }
        }
        BatchNews::Asks(question) => {
            idle.note();
            // It is burned and recorded: only its code is open.
            if let Asks::Code(info) = &question.asks {
                interrupt::stop().let_go(info.serial.as_str());
            }
        }
        BatchNews::HandedOver(..) => idle.note(),
        BatchNews::Reader(..) => {}
    }
}

fn terms(args: &BatchArgs) -> BatchTerms {
    BatchTerms {
        profile: settings::profile(&args.profile),
        precise: args.precise,
        allow_unknown_model: args.allow_unknown_model,
        allow_short_seed: args.allow_short_seed,
        allow_shared_secret: args.whole.allow_shared_secret,
        try_again: args.run.try_again,
        reburn: args.reburn,
        reassign: args.reassign,
        check_every: args.check_every.unwrap_or(0),
        family: if args.hotp { Family::HotpKey } else { Family::Nfc },
        ..BatchTerms::default()
    }
}

/// Whether the seeds go to a server.
#[cfg(feature = "servers")]
fn hands_over(args: &BatchArgs) -> bool {
    args.hand_over.is_some()
}

#[cfg(not(feature = "servers"))]
fn hands_over(_: &BatchArgs) -> bool {
    false
}

/// Checks before anything is read.
fn check_usage(global: &Global, args: &BatchArgs, output: &Output) -> Result<(), Failure> {
    if args.identity.is_some() && !hands_over(args) {
        return Err(unused("--identity", "no seed is opened in a batch"));
    }
    if args.force && args.to.is_empty() && args.slips.is_none() {
        return Err(Failure::usage(
            "--force does nothing: no file is written",
            "add --to FORMAT=FILE, or drop --force",
        ));
    }
    if args.check_every.is_some() && (!prompt::has_person() || output.is_json()) {
        return Err(Failure::usage(
            "--check-every asks for codes, and there is no terminal to ask at",
            "drop it, and check some tokens with tokentap verify",
        ));
    }
    if !global.dry_run {
        let is_own = args.slips.as_deref().is_some_and(slip::is_own);
        slip::check(args.slips.as_ref(), args.force || is_own)?;
    }
    Ok(())
}

/// Writes the slips of a batch that is finished once more, where they are wanted.
fn write_slips_again(args: &BatchArgs, done: &BatchRecord, books: &Books, output: &Output) -> Result<(), Failure> {
    if let Some(path) = &args.slips {
        summary::write_slips(path, done.id, None, books, args.force || slip::is_own(path))?;
        output.note(&format!("the slips are in {}", describe::path(path)));
    }
    Ok(())
}

fn say_finished(name: &str, counts: Counts, output: &Output) {
    output.report(&BatchEvent::Summary(BatchSummary::finished(name, counts)));
}

/// Hands over what is burned of a batch that is finished and is not at the server yet, as after a run that was cut.
#[cfg(feature = "servers")]
fn hand_over_the_rest(to_server: Option<hand_over::ToServer>, batch: BatchId, output: &Output) -> Ran {
    let Some(to_server) = to_server else { return Ok(Exit::Done) };
    // No request is cut off by Ctrl-C.
    interrupt::begin_work();
    let is_all_there = to_server.begin(batch, None)?.finish(&BTreeSet::new(), output);
    Ok(if is_all_there { Exit::Done } else { Exit::Undone })
}
