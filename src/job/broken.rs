//! The failure that follows from an exchange that went wrong, for every place where a job can break.

use super::clock_problem::ClockProblem;
use super::failure::Failure;
use super::plan::WritePlan;
use super::problem::{BrokenLink, Mistaken, Problem, Stranger};
use super::refusal::Refusal;
use super::remedy::{Again, Remedy, SlotRemedy, TokenRemedy};
use super::state::{Kept, TokenState};
use crate::device::CapabilityError;
use crate::device::{Device, DeviceError, Info, Other, Progress, Reason, Step};
use crate::iso7816::{StatusKind, StatusWord};
use crate::link::{LinkError, LinkFault};
use crate::reader::ReaderError;

/// The failure of a job that only reads, or has not written yet.
pub fn reading_failed(error: &DeviceError, device: &mut dyn Device, info: Option<&Info>, again: &Again) -> Failure {
    let token = info.cloned();
    let (again, of_reading) = (again.clone(), again);
    let failed = |problem, remedy: TokenRemedy| Failure::new(problem, TokenState::Untouched, remedy);
    let failure = match &error.reason {
        Reason::Link(broken) => link_failure(broken, error.step, token, TokenState::Untouched, again),
        Reason::Refused(status) if error.step == Step::Info && status.says_nothing() => {
            failed(Problem::NotAwake(*status, token), TokenRemedy::WakeUp(again))
        }
        Reason::Refused(status) if error.step == Step::Info && info.is_none() => not_a_token(*status, device),
        Reason::Refused(status) => refusal(error.step, *status, token, TokenState::Untouched, again),
        Reason::Malformed(detail) => failed(Problem::BadReply(detail.clone(), token), TokenRemedy::LayAlone),
        Reason::SerialChanged(serial) => {
            let mistaken = Mistaken::Changed { found: serial.clone(), token };
            failed(Problem::WrongToken(mistaken), TokenRemedy::LeaveOne)
        }
        Reason::Beyond(error) => beyond(error),
        Reason::Withheld(doubt) => {
            let problem = ClockProblem::Withheld(*doubt, token);
            failed(Problem::HostClock(problem), TokenRemedy::KeepHostClock(again))
        }
    };
    let failure = Failure { serial: info.map(|info| info.serial.clone()), ..failure };
    if device.is_plugged_in() { as_plugged_in(failure, of_reading) } else { failure }
}

/// The failure of a job in the middle of writing.
pub fn writing_failed(error: &DeviceError, info: &Info, progress: Progress, plan: &WritePlan) -> Failure {
    let (token, again) = (info.clone(), plan.again.clone());
    let of = Kept::of(info);
    let state = TokenState::Partial { progress, effect: info.clock_write(), has_seed: plan.seed.is_some(), of };
    let failure = match &error.reason {
        Reason::Link(broken) => link_failure(broken, error.step, Some(token), state, again),
        Reason::Refused(status) => refusal(error.step, *status, Some(token), state, again),
        Reason::Malformed(detail) => {
            let problem = Problem::Garbled { step: error.step, detail: detail.clone(), token };
            Failure::new(problem, state, TokenRemedy::LayBack(again))
        }
        Reason::SerialChanged(found) => {
            let remedy = TokenRemedy::Swap { found: found.clone(), token: info.serial.clone(), again };
            Failure::new(Problem::TokenSwapped { found: found.clone(), token }, state, remedy)
        }
        Reason::Beyond(error) => beyond(error).in_state(state),
        Reason::Withheld(doubt) => {
            let problem = ClockProblem::Withheld(*doubt, Some(token));
            Failure::new(Problem::HostClock(problem), state, TokenRemedy::KeepHostClock(again))
        }
    };
    if info.can.plugs_in { as_plugged_in(failure, &plan.again) } else { failure }
}

/// The same failure with remedies for a device that is its own reader: it is not lifted and not laid back.
fn as_plugged_in(failure: Failure, again: &Again) -> Failure {
    let back = || Remedy::Token(TokenRemedy::PlugBackIn(again.clone()));
    let remedies = failure.remedies.into_iter().map(|remedy| match remedy {
        Remedy::Token(
            TokenRemedy::LayBack(_)
            | TokenRemedy::WakeUp(_)
            | TokenRemedy::Restart(_)
            | TokenRemedy::PlugIn(_)
            | TokenRemedy::LayAlone
            | TokenRemedy::LeaveOne
            | TokenRemedy::FreeReader
            | TokenRemedy::Swap { .. },
        ) => back(),
        other => other,
    });
    Failure { remedies: remedies.collect(), ..failure }
}

/// A write beyond the device's capabilities is refused before anything is sent of it.
fn beyond(error: &CapabilityError) -> Failure {
    Failure::usage(error.to_string(), "use one that the device can hold")
}

fn link_failure(broken: &LinkError, step: Step, token: Option<Info>, state: TokenState, again: Again) -> Failure {
    let fault = broken.fault;
    let problem = Problem::Link(BrokenLink { fault, step, detail: broken.detail.clone(), token });
    let failed = |remedy: Remedy| Failure::new(problem, state, remedy);
    match fault {
        LinkFault::ReaderGone => failed(TokenRemedy::PlugIn(again).into()),
        LinkFault::ServiceHangs => failed(ReaderError::NoAnswer.remedy().into()).and(TokenRemedy::TakeOffFirst),
        LinkFault::Busy => failed(TokenRemedy::FreeReader.into()),
        LinkFault::Interrupted => failed(Remedy::Continue(again)),
        _ => failed(TokenRemedy::LayBack(again).into()),
    }
}

fn not_a_token(status: StatusWord, device: &mut dyn Device) -> Failure {
    let stranger = match device.identify_other() {
        Other::SecurityKey => Stranger::SecurityKey,
        Other::Unknown => Stranger::Refuses(status),
    };
    Failure::new(Problem::NotAToken(stranger), TokenState::Untouched, TokenRemedy::LayToken)
}

fn is_molto2(token: Option<&Info>) -> bool {
    token.is_some_and(|info| info.can.slots > 1)
}

fn counts(token: Option<&Info>) -> bool {
    token.is_some_and(|info| !info.can.has_clock())
}

fn refusal(step: Step, status: StatusWord, token: Option<Info>, state: TokenState, again: Again) -> Failure {
    let failed = |refusal, remedy: Remedy| Failure::new(Problem::Refused(refusal), state, remedy);
    match (step, status.kind()) {
        // Not a word about the key (`docs/protocol.md` §8): a wrong answer has another status.
        (Step::Answer, StatusKind::WrongData) => {
            failed(Refusal::BetweenTheTwo(status, token), TokenRemedy::Restart(again).into())
                .and(TokenRemedy::CloseOthers)
        }
        (Step::Answer, _) if status.is_denial() => {
            let remedy: Remedy = match is_molto2(token.as_ref()) {
                true => SlotRemedy::OtherCustomerKey.into(),
                false => TokenRemedy::OtherKey.into(),
            };
            failed(Refusal::Key(status, token), remedy)
        }
        (Step::Slot, _) if status.is_refusal() => {
            failed(Refusal::NoSlot(status, token), SlotRemedy::SlotThatIsThere.into())
        }
        (Step::Challenge, _) if counts(token.as_ref()) && status == StatusWord::NOT_NOW => {
            failed(Refusal::CodePin(status, token), SlotRemedy::RemoveCodePin.into())
        }
        (Step::Seed | Step::Clear, _) if counts(token.as_ref()) && status == StatusWord::NOT_NOW => {
            failed(Refusal::KeyboardOff(token), SlotRemedy::SwitchKeyboardOn.into())
        }
        (Step::Config | Step::Seed, StatusKind::Blocked) => {
            let refusal = Refusal::NotAuthenticated(step, status, token);
            failed(refusal, TokenRemedy::Restart(again).into()).and(TokenRemedy::StopAtRefusal)
        }
        (Step::Config | Step::Seed, StatusKind::WrongData | StatusKind::WrongLength) => {
            failed(Refusal::Data(step, status, token), TokenRemedy::ReportModel.into())
        }
        _ => {
            let refusal = Refusal::Other(step, status, token);
            failed(refusal, TokenRemedy::Restart(again).into()).and(TokenRemedy::ReportRefusal)
        }
    }
}
