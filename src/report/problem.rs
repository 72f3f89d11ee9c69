//! Problems in words: what happened, without advice.

use chrono::TimeDelta;

use super::hindrance::hindrance_fact;
use super::server_error::server_fact;
use super::verdict::verdict_words;
use crate::clock::check_plausible;
use crate::device::{Info, Profile, Step};
use crate::iso7816::{StatusKind, StatusWord};
use crate::job::{BrokenLink, ClockProblem, KeptKey, Mistaken, Owned, Problem, Refusal, Restriction, Stranger};
use crate::link::LinkFault;
use crate::plain::plain;
use crate::time::{HostDoubt, UnixTime, seconds};
use crate::words::{counted, local, utc_seconds};

/// A problem in words.
#[must_use]
pub fn fact(problem: &Problem) -> String {
    match problem {
        Problem::Internal(place) => format!("tokentap has failed: an error in the program itself, at {place}"),
        Problem::Usage(words) | Problem::File(words) => words.clone(),
        Problem::Emulator(detail) => format!("the emulated token failed: {detail}"),
        Problem::NoVirtualReader { address, detail } => format!("no virtual reader listens on {address}: {detail}"),
        Problem::Reader(error) => error.to_string(),
        Problem::Interrupted => "interrupted".to_owned(),
        Problem::Inventory(error) => error.to_string(),
        Problem::ProfileUnread(error) => {
            format!("{error}; it may know this token's profile (hash, time step)")
        }
        Problem::InventoryDamaged { path, count } => {
            let are = if *count == 1 { "is" } else { "are" };
            format!("{} {are} wrong with the inventory {path}", counted(*count as u64, "thing"))
        }
        Problem::HostClock(clock) => clock_fact(clock),
        Problem::Link(broken) => link_fact(broken),
        Problem::NotAwake(status, token) => {
            let why = "it is not awake yet, too cold, or was lifted too soon";
            format!("could not read the token: {why} ({status}){}", of(token.as_ref()))
        }
        Problem::NotAToken(stranger) => stranger_fact(stranger),
        Problem::BadReply(detail, token) => {
            format!("the card on the reader does not answer like a token: {detail}{}", of(token.as_ref()))
        }
        Problem::Garbled { step, detail, token } => {
            format!("the answer to \"{step}\" makes no sense: {detail} ({token})")
        }
        Problem::WrongToken(mistaken) => mistaken_fact(mistaken),
        Problem::TokenSwapped { found, token } => {
            format!("another token came onto the reader during the writes: {found}, after {token}")
        }
        Problem::Refused(refusal) => refusal_fact(refusal),
        Problem::NoClock(info) => format!("{info} has no clock to set: it counts button presses"),
        Problem::UnknownModel(serial) => format!("unknown model: no known serial prefix matches {serial}"),
        Problem::Restricted(why, token) => restricted_fact(why, token),
        Problem::CustomerKey(why, token) => format!("{} ({token})", kept_key_fact(why)),
        Problem::NoSeed { token, why: None } => format!("the inventory has no seed of {token}"),
        Problem::NoSeed { token, why: Some(error) } => format!("{error} ({token})"),
        Problem::WrongSeal(error, token) => format!("{error} ({token})"),
        Problem::WrongSeals(words) => words.clone(),
        Problem::SeedOnRecord(of) | Problem::SeedMismatch(of) => {
            format!("the inventory has another seed of this token: {}", owned(of))
        }
        Problem::NotSpare(of) => format!("this is no spare token, by the inventory: {}", owned(of)),
        Problem::OwnerOnRecord { token, owner, user } => {
            format!("{token} belongs to {}, and would be given to {}", plain(owner), plain(user))
        }
        Problem::ProfileMismatch { stated, had, of } => format!(
            "the seed states {}, and the inventory has {} for this token: {}",
            hash_and_step(*stated),
            hash_and_step(*had),
            owned(of)
        ),
        Problem::ProfileNotCarried { detail, token } => format!("{detail}{}", of(token.as_ref())),
        Problem::UnknownProfile { deed, at, token } => format!(
            "the profile of this token is unknown: \"{}\" was started at {}, and how it ended is not recorded ({token})",
            deed.word(),
            utc_seconds(*at)
        ),
        Problem::SlotFilled(_)
        | Problem::ClearsSeed(_)
        | Problem::SlotDiffers { .. }
        | Problem::WrongCounter { .. } => of_slot(problem),
        Problem::LeftAlone => "it gets no row of this batch".to_owned(),
        Problem::Drift(after, token) => format!("the token's clock is {after} right after it was set ({token})"),
        Problem::ClockStopped(token) => {
            format!("the token's clock has stopped: it showed the same second for more than a second ({token})")
        }
        Problem::WrongCode { verdict, window_s, token } => format!("{} ({token})", verdict_words(verdict, *window_s)),
        Problem::Server(_)
        | Problem::AtServer { .. }
        | Problem::RowsNotForServer { .. }
        | Problem::NotHandedOver { .. } => at_server(problem),
        Problem::SeveralFit { typed, count } => format!("{typed} matches {}", counted(*count as u64, "token")),
        Problem::BatchChanged { .. } | Problem::BatchContradicted { .. } => of_batch(problem),
    }
}

/// A customer key that the inventory keeps, and that is not tried.
fn kept_key_fact(why: &KeptKey) -> String {
    match why {
        KeptKey::Sealed => "it has a customer key of its own, which the inventory keeps sealed".to_owned(),
        KeptKey::Unopened(error) => format!("its customer key was not opened: {error}"),
        KeptKey::InDoubt(at) => {
            format!(
                "it was about to get another customer key at {}, and whether it has it is not known",
                utc_seconds(*at)
            )
        }
        KeptKey::Refused => "it does not have the customer key that the inventory keeps".to_owned(),
        KeptKey::Another(at) => {
            format!("the inventory keeps another customer key of it, which it accepted at {}", utc_seconds(*at))
        }
        KeptKey::None => "the inventory keeps no customer key of it that could be opened".to_owned(),
    }
}

/// A slot that is not as it should be.
fn of_slot(problem: &Problem) -> String {
    match problem {
        Problem::SlotFilled(token) => {
            let says = token.slot.as_ref().and_then(|slot| slot.has_seed).is_some();
            let what = if says { "it holds a seed already" } else { "it does not say whether it holds a seed" };
            format!("{what}{}, and nothing of it is on record ({token})", titled(token))
        }
        Problem::ClearsSeed(of) => {
            format!(
                "the seed there would be taken out{}, its codes with it, and the copy of it that the inventory may keep: {}",
                titled(&of.token),
                owned(of)
            )
        }
        Problem::SlotDiffers { what, token } => {
            format!("the slot shows another {what} than was written to it ({token})")
        }
        Problem::WrongCounter { token, look_ahead } => format!(
            "no match: the codes are no two in a row of the seed that was burned, from counter 0 to {look_ahead} ({token})"
        ),
        _ => String::new(),
    }
}

/// A batch that is not what its file or its record says.
fn of_batch(problem: &Problem) -> String {
    match problem {
        Problem::BatchChanged { name, begun } => {
            format!("a batch of {name} has been open since {}, with other rows", begun.format("%Y-%m-%d %H:%M UTC"))
        }
        Problem::BatchContradicted { row, serial, on_record } => {
            let inventory = match on_record {
                Some(known) => format!("the inventory has it on {known}"),
                None => "the inventory has another row for that token".to_owned(),
            };
            format!("the .part file has row {row} on the token {serial}, and {inventory}")
        }
        _ => String::new(),
    }
}

/// What was not done at an authentication server.
fn at_server(problem: &Problem) -> String {
    match problem {
        Problem::Server(error) => server_fact(error),
        Problem::AtServer { serial: Some(serial), why } => format!("{serial}: {}", hindrance_fact(why)),
        Problem::AtServer { serial: None, why } => hindrance_fact(why),
        Problem::RowsNotForServer { server, count } => {
            format!("{} of the list cannot be handed over to {server}", counted(*count as u64, "row"))
        }
        Problem::NotHandedOver { undone, of } => {
            format!("{undone} of {} cannot be handed over; nothing was sent", counted(*of as u64, "token"))
        }
        _ => String::new(),
    }
}

/// The title of the slot in hand, where it has one.
fn titled(token: &Info) -> String {
    let title = token.slot.as_ref().and_then(|slot| slot.title.as_ref()).filter(|title| !title.is_empty());
    title.map(|title| format!(", titled {}", plain(title))).unwrap_or_default()
}

/// A token in parentheses, if it is known.
fn of(token: Option<&Info>) -> String {
    token.map(|token| format!(" ({token})")).unwrap_or_default()
}

/// A token, its user, and when it was burned.
fn owned(of: &Owned) -> String {
    let user = of.user.as_ref().map(|user| format!(" of {}", plain(user))).unwrap_or_default();
    let burned = of.burned.map(|at| format!(", burned {}", local(at))).unwrap_or_default();
    format!("{}{user}{burned}", of.token)
}

fn hash_and_step(profile: Profile) -> String {
    format!("{}, {} s", profile.hash(), profile.step().seconds())
}

fn clock_fact(problem: &ClockProblem) -> String {
    let jumped = |by: &TimeDelta| format!("the host's clock jumped by {:.3} s", seconds(*by));
    match problem {
        ClockProblem::Implausible(error) => error.to_string(),
        ClockProblem::Distrusted(distrust) => distrust.to_string(),
        ClockProblem::Unvouched { warning, shows } => {
            format!("{warning}: it shows {shows}, and every token would be set by it")
        }
        ClockProblem::JumpedInWait(by) => format!("{} while waiting for the token", jumped(by)),
        ClockProblem::Withheld(HostDoubt::Jumped(by), token) => {
            format!("{} before the token's was written{}", jumped(by), of(token.as_ref()))
        }
        ClockProblem::Withheld(HostDoubt::Implausible(at), token) => {
            let why = implausible(*at);
            format!("{why}{}", of(token.as_ref()))
        }
        ClockProblem::JumpedWithin(by, token) => format!("{} while the token was written ({token})", jumped(by)),
        ClockProblem::SameHours { earlier, hours, serial } => {
            let way = if *hours < 0 { "slow" } else { "fast" };
            let hours = counted(hours.unsigned_abs(), "whole hour");
            format!(
                "two tokens in a row are {hours} {way}, {earlier} and {serial}: the host's clock may be wrong by that much"
            )
        }
    }
}

fn implausible(at: UnixTime) -> String {
    match check_plausible(at) {
        Err(error) => error.to_string(),
        Ok(_) => format!("the host's clock showed {}", utc_seconds(at)),
    }
}

fn link_fact(broken: &BrokenLink) -> String {
    let BrokenLink { fault, step, detail, token } = broken;
    let who = of(token.as_ref());
    let what = match step {
        Step::Info => "it was read",
        Step::Hold | Step::Challenge | Step::Answer => "anything was written",
        Step::Config => "its clock was written",
        Step::Seed => "its seed was written",
        Step::Slot => "its slot was read",
        Step::Title => "its title was written",
        Step::Clear => "its slot was cleared",
        Step::Device => "it was changed",
    };
    match fault {
        LinkFault::LeftBefore => format!("the token left the reader before {what}{who}"),
        LinkFault::Removed | LinkFault::NoAnswer if *step == Step::Info => {
            format!("could not read the token: it was lifted too soon, or is not awake yet{who} ({detail})")
        }
        LinkFault::Removed => format!("the token left the reader before it answered \"{step}\"{who} ({detail})"),
        LinkFault::NoAnswer => format!("the answer to \"{step}\" did not come through{who} ({detail})"),
        LinkFault::Reset => format!("another program reset the token before {what}{who}"),
        LinkFault::TimedOut => format!("the token did not answer \"{step}\": {detail}{who}"),
        LinkFault::ReaderGone => format!("the reader or its service went away before {what}: {detail}{who}"),
        LinkFault::ServiceHangs => format!("{detail} at \"{step}\"{who}"),
        LinkFault::Busy => detail.clone(),
        LinkFault::Interrupted => "interrupted".to_owned(),
        LinkFault::Other => format!("the link to the token failed at \"{step}\": {detail}{who}"),
    }
}

fn stranger_fact(stranger: &Stranger) -> String {
    match stranger {
        Stranger::SecurityKey => "a security key (FIDO or OATH) is on the reader, not a programmable token".to_owned(),
        Stranger::Refuses(status) => format!("the card on the reader is not a programmable token (get info: {status})"),
    }
}

fn mistaken_fact(mistaken: &Mistaken) -> String {
    match mistaken {
        Mistaken::Expected { found, expected } => {
            let the_token = if found.can.plugs_in { "" } else { "the token " };
            format!("this is {the_token}{found}, not {expected}")
        }
        Mistaken::Changed { found, token } => {
            format!("another token is on the reader than before: {found}{}", of(token.as_ref()))
        }
        Mistaken::NoRow(token) => format!("no row of the seed file has the serial of this token ({token})"),
    }
}

fn refusal_fact(refusal: &Refusal) -> String {
    let left = |status: &StatusWord| match status.kind() {
        StatusKind::TriesLeft(tries) => format!("; {} left", counted(tries.into(), "attempt")),
        // A device that tells them in the whole byte: more than 15 are none that a device has.
        StatusKind::Warning(tries @ 1..=15) => format!("; {} left", counted(tries.into(), "attempt")),
        _ => String::new(),
    };
    match refusal {
        Refusal::KeyOnRecord(at, token) => {
            let at = utc_seconds(*at);
            format!("this token refused the key on {at}, by the inventory; it was not asked again ({token})")
        }
        Refusal::Key(status, token) => {
            let why = match status.kind() {
                StatusKind::TriesLeft(0) | StatusKind::Warning(0) => "it is locked",
                _ => "it has another key, or it is locked",
            };
            format!("the token refused the key with {status}: {why}{}{}", left(status), of(token.as_ref()))
        }
        Refusal::BetweenTheTwo(status, token) => {
            let why = "something came between its challenge and the answer";
            format!("the token refused \"{}\" with {status}: {why}{}", Step::Answer, of(token.as_ref()))
        }
        Refusal::NotAuthenticated(step, status, token) => {
            let why = "it no longer counts as authenticated, or the MAC is wrong";
            format!("the token refused \"{step}\" with {status}: {why}{}", of(token.as_ref()))
        }
        Refusal::Data(step, status, token) => {
            format!("the token does not accept the data of \"{step}\" ({status}){}", of(token.as_ref()))
        }
        Refusal::KeyboardOff(token) => {
            format!("the key takes no seed while its keyboard is switched off{}", of(token.as_ref()))
        }
        Refusal::CodePin(status, token) => {
            format!("the key has a PIN for codes, and nothing is written without it ({status}){}", of(token.as_ref()))
        }
        Refusal::NoSlot(status, token) => format!("the device has no such slot ({status}){}", of(token.as_ref())),
        Refusal::Other(step, status, token) if status.is_denial() => {
            format!("the token refused \"{step}\" with {status}{}{}", left(status), of(token.as_ref()))
        }
        Refusal::Other(step, status, token) => {
            format!("the token answered \"{step}\" with the unknown status {status}{}", of(token.as_ref()))
        }
    }
}

fn restricted_fact(why: &Restriction, token: &Info) -> String {
    let why = match why {
        Restriction::Erases => format!("setting the clock of this model, {}, erases its seed", token.model_name()),
        Restriction::MayErase => "setting the clock of an unknown model may erase its seed".to_owned(),
        Restriction::ErasesSealed => {
            "setting the clock of this model erases its seed, which the inventory keeps sealed".to_owned()
        }
        Restriction::Sealed => "its seed is sealed".to_owned(),
        Restriction::NotKept => "the inventory has no seed of this token".to_owned(),
        Restriction::Unopened(error) => error.to_string(),
        Restriction::Unusable(detail) => detail.clone(),
    };
    format!("{why} ({token})")
}

/// The question whether to go on in spite of a problem.
#[must_use]
pub fn question(problem: &Problem) -> String {
    let fact = fact(problem);
    match problem {
        Problem::SeedOnRecord(_) => format!("{fact}. The new seed would replace it; the server needs it too."),
        Problem::ProfileMismatch { .. } => format!("{fact}. What the seed states would be written."),
        Problem::HostClock(ClockProblem::SameHours { .. }) => format!("{fact}. Is the host's clock right?"),
        _ => format!("{fact}."),
    }
}
