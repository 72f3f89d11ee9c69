//! `tokentap hand-over`: burned seeds to a server, and to their users.

use super::args::{Global, HandOverArgs};
use super::inventory::{existing, failed};
use super::output::Output;
use super::record::identity;
use super::server::open::{self, server_failure};
use super::{Ran, interrupt};
use crate::inventory::{
    Delivery, DeliveryFilter, DeliveryStep, Inventory, RowState, SlotKey, TokenFilter, TokenRecord,
};
use crate::job::server::{HandOverTerms, Handed, Hindrance, PlannedOrNot, Work, hand_over, plan};
use crate::job::{Exit, Failure, Problem, TokenState, find};
use crate::report::{Audience, HandOverReport, HandedToken};
use crate::words::first_of;

/// How many tokens are named that go to nobody.
const NAMED: usize = 5;

/// A token that may be handed over, if it is known.
type Wanted = (SlotKey, Option<TokenRecord>);

pub fn run(global: &Global, args: &HandOverArgs, output: &Output) -> Ran {
    let store = existing(global, output)?;
    let inventory = store.inventory();
    let wanted = wanted(inventory, args)?;
    let Some(identity) = identity(args.server.identity.as_deref())? else {
        return Err(Failure::usage("the seeds are sealed", "name the identity that opens them with --identity FILE"));
    };
    let opened = open::open(&store, &args.server.name, Some(&identity))?;
    let terms = HandOverTerms { replaces: args.replace, unassigned: args.unassigned, again: args.again };
    opened.work(global.remark.as_deref(), inventory, |work| {
        let planned =
            plan(work, &identity, wanted.clone(), terms).map_err(|error| server_failure(&args.server.name, error))?;
        if global.dry_run {
            let tokens = planned.iter().map(|(key, one)| HandedToken::planned(&args.server.name, key, one)).collect();
            let report = HandOverReport::of(&args.server.name, true, tokens);
            output.report(&report);
            return Ok(if report.undone == 0 { Exit::Done } else { Exit::Undone });
        }
        check_problems(&planned, args)?;
        note_nobodys(&planned, args, output);
        // Until here Ctrl-C ends the program at once: nothing was sent.
        interrupt::begin_work();
        carry_out(work, planned, args, output)
    })
}

/// Names everything that stands in the way before anything is sent.
fn check_problems(planned: &[PlannedOrNot], args: &HandOverArgs) -> Result<(), Failure> {
    let hindered: Vec<&PlannedOrNot> = planned.iter().filter(|(_, one)| one.is_err()).collect();
    if args.skip_problems || hindered.is_empty() {
        return Ok(());
    }
    if let [(key, Err(why))] = planned {
        return Err(open::hindered(&args.server.name, Some(key), why.clone()).in_state(TokenState::NothingChanged));
    }
    let line = |(key, one): &&PlannedOrNot| HandedToken::planned(&args.server.name, key, one).line();
    let details = hindered.iter().map(line).collect();
    let problem = Problem::NotHandedOver { undone: hindered.len(), of: planned.len() };
    let next = "correct what is named, or hand over the others with --skip-problems";
    Err(Failure::new(problem, TokenState::NothingChanged, next).with_details(details))
}

/// Says which tokens go there without a user: whoever expects to sign in with one cannot.
fn note_nobodys(planned: &[PlannedOrNot], args: &HandOverArgs, output: &Output) {
    let is_nobodys = |(_, one): &&PlannedOrNot| one.as_ref().is_ok_and(|planned| planned.user.is_none());
    let nobodys: Vec<String> = planned.iter().filter(is_nobodys).map(|(key, _)| key.to_string()).collect();
    if !args.unassigned && !nobodys.is_empty() {
        output.note(&format!(
            "no user is on record for {}: assigned to nobody there; assign them (tokentap inventory assign SERIAL USER), and hand \
             them over again",
            first_of(&nobodys, NAMED)
        ));
    }
}

fn carry_out(work: &Work<'_>, planned: Vec<PlannedOrNot>, args: &HandOverArgs, output: &Output) -> Ran {
    let mut tokens = Vec::with_capacity(planned.len());
    let mut left = planned.len();
    for (key, one) in planned {
        if interrupt::asked() {
            break;
        }
        left -= 1;
        let done = match one {
            Ok(planned) => hand_over(work, &planned),
            Err(why) => Err(why),
        };
        let token = HandedToken::done(&args.server.name, &key, &done, Audience::Terminal);
        output.text(&token.line());
        tokens.push(token);
        if stops_all(&done) {
            break;
        }
    }
    let report = HandOverReport { lines_shown: true, left, ..HandOverReport::of(&args.server.name, false, tokens) };
    output.report(&report);
    match (interrupt::asked(), report.undone + report.left) {
        (true, _) => Err(Failure::new(Problem::Interrupted, TokenState::HandedOverOnRecord, interrupt::RESUME)),
        (false, 0) => Ok(Exit::Done),
        (false, _) => Ok(Exit::Undone),
    }
}

/// Whether the next token would meet the same.
fn stops_all(done: &Result<Handed, Hindrance>) -> bool {
    match done {
        Err(Hindrance::Server(error)) => error.stops_all(),
        Err(Hindrance::Inventory(_)) => true,
        _ => false,
    }
}

/// The tokens that the arguments mean, by serial.
fn wanted(inventory: &dyn Inventory, args: &HandOverArgs) -> Result<Vec<Wanted>, Failure> {
    let known = |key: SlotKey| -> Result<Wanted, Failure> { Ok((key.clone(), inventory.token(&key).map_err(failed)?)) };
    let mut wanted: Vec<Wanted> = Vec::new();
    if let Some(batch) = args.batch {
        let mut keys = Vec::new();
        let states = [RowState::Burned, RowState::Checked];
        let mut visit = |row: crate::inventory::RowRecord| keys.extend(row.serial.map(SlotKey::only));
        inventory.visit_rows(batch, &states, &mut visit).map_err(failed)?;
        if keys.is_empty() {
            return Err(Failure::usage(
                format!("batch {batch} has burned no token, or there is no batch with this number"),
                "tokentap inventory batches lists them",
            ));
        }
        wanted = keys.into_iter().map(known).collect::<Result<_, _>>()?;
    } else if args.all {
        let there = there(inventory, &args.server.name)?;
        let mut visit = |token: TokenRecord| {
            let is_pending = token.pending.as_ref().is_some_and(|pending| pending.seed.is_some());
            let is_burned = token.burned.is_some() && token.seed.is_some() && token.erased.is_none() && !is_pending;
            let is_there = there.iter().any(|one| one.key == token.key && Some(one.seed) == token.seed);
            if is_burned && token.sealed.is_some() && !is_there {
                wanted.push((token.key.clone(), Some(token)));
            }
        };
        inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut visit).map_err(failed)?;
    } else if args.serial.is_empty() {
        return Err(Failure::usage(
            "nothing says which tokens go there",
            "use --batch N, --serial SERIAL or --all (with --dry-run it only shows the plan)",
        ));
    } else {
        for text in &args.serial {
            let token = find::one(inventory, text)?;
            wanted.push((token.key.clone(), Some(token)));
        }
    }
    wanted.sort_by(|one, other| one.0.cmp(&other.0));
    wanted.dedup_by(|one, other| one.0 == other.0);
    Ok(wanted)
}

/// What is at a server with nothing left to do.
fn there(inventory: &dyn Inventory, server: &str) -> Result<Vec<Delivery>, Failure> {
    let filter = DeliveryFilter { server: Some(server.to_owned()), serial: None };
    let mut deliveries = inventory.deliveries(&filter).map_err(failed)?;
    // Whether anything is left of those that have not come so far, the plan tells.
    deliveries.retain(|one| one.step == DeliveryStep::Active && one.detail.is_none());
    // But for those that were given to somebody here since.
    let mut left = Vec::with_capacity(deliveries.len());
    for one in deliveries {
        let is_nobodys_there = one.user.is_none();
        let is_somebodys = || inventory.token(&one.key).map(|token| token.is_some_and(|token| token.user.is_some()));
        if !(is_nobodys_there && is_somebodys().map_err(failed)?) {
            left.push(one);
        }
    }
    Ok(left)
}
