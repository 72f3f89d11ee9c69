//! `tokentap emulate`: a token in software on pcscd's virtual reader.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::args::EmulateArgs;
use super::describe::{self};
use super::output::Output;
use super::secret::token_key;
use super::{Ran, emulated_device, interrupt};
use crate::device::token2::secure::FACTORY_KEY;
use crate::device::{ClockWrite, families::model_of};
use crate::emulator::{
    CardState, EmulatedLink, Fault, FaultKind, Latency, MAX_SERIAL, StateFile, TokenClock, USUAL_SERIAL, vpcd,
};
use crate::job::{Exit, Failure, Problem, Remedy, TokenState};
use crate::report::{DisplayReport, EmulatedReport, EmulatedToken};
use crate::time::{HostClock, SystemClock, unix_ns};

pub fn run(args: &EmulateArgs, output: &Output) -> Ran {
    if let Some(state) = emulated_device::device(args)? {
        return emulated_device::run(args, state, output);
    }
    let clock = SystemClock::new();
    let fresh = fresh(args, &clock)?;
    let half = Duration::try_from_secs_f64(args.latency / 2000.0)
        .map_err(|_| Failure::usage("--latency is not a number of milliseconds", "use one from 0 upwards"))?;
    let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
    let file = args.state.as_ref().map(StateFile::new);
    let state_failed = |error: crate::emulator::StateError| {
        Failure::file(error.to_string(), "name a file that tokentap emulate made, or one that is not there yet")
    };
    if args.create {
        if let Some(path) = args.state.as_ref().filter(|path| path.exists()) {
            return Err(Failure::file(
                format!("{} exists already", describe::path(path)),
                "remove it, or name another file",
            ));
        }
        if let Some(file) = &file {
            file.save(&fresh).map_err(state_failed)?;
        }
        output.report(&EmulatedReport { token: EmulatedToken::of(&fresh), connected: None });
        return Ok(Exit::Done);
    }
    if args.press {
        let loaded = file.as_ref().map(StateFile::load).transpose().map_err(state_failed)?.flatten();
        let Some(state) = loaded else {
            return Err(Failure::file(
                "there is no such state file",
                "make it with tokentap emulate --create --state FILE",
            ));
        };
        let (token, display) = (EmulatedToken::of(&state), display(&state, &clock));
        output.report(&DisplayReport { token, display });
        return Ok(Exit::Done);
    }
    let token = match file {
        Some(file) => {
            let state = match file.load().map_err(state_failed)? {
                Some(_) if makes_token(args) => {
                    return Err(Failure::usage(
                        "the state file is there already, and says what the token is like",
                        "remove --serial, --drift and the like, or name a new file",
                    ));
                }
                Some(state) => state,
                None => {
                    file.save(&fresh).map_err(state_failed)?;
                    fresh
                }
            };
            EmulatedLink::kept(file, state, shared)
        }
        None => EmulatedLink::new(fresh, shared),
    };
    let token = token.with_latency(Latency { there: half, back: half }).with_faults(faults(args));
    serve(args, token, &clock, output)
}

fn serve(args: &EmulateArgs, mut token: EmulatedLink, clock: &SystemClock, output: &Output) -> Ran {
    let stream = vpcd::connect(args.connect).map_err(|error| {
        let problem = Problem::NoVirtualReader { address: args.connect.to_string(), detail: error.to_string() };
        Failure::new(problem, TokenState::NotReached, Remedy::StartVirtualReader)
    })?;
    let state = Arc::new(Mutex::new(token.card().state().clone()));
    interrupt::begin_work();
    vpcd::close_when(&stream, interrupt::asked);
    if args.show && !output.is_json() {
        show_display(Arc::clone(&state), clock.clone());
    }
    let connected = Some(args.connect.to_string());
    output.report(&EmulatedReport { token: EmulatedToken::of(token.card().state()), connected });
    let served = vpcd::serve(&mut token, stream, |token| {
        state.lock().unwrap_or_else(PoisonError::into_inner).clone_from(token.card().state());
    });
    served.map_err(|error| {
        let next = "start it again; its state is as the last answered command left it";
        Failure::new(Problem::Emulator(error.to_string()), TokenState::LeftReader, next)
    })?;
    Ok(Exit::Done)
}

/// Whether the arguments say what a new token is to be like.
fn makes_token(args: &EmulateArgs) -> bool {
    args.serial.is_some()
        || args.restricted
        || args.drift.is_some()
        || args.ppm.is_some()
        || args.free_running
        || args.token_key.is_some()
        || args.lock_after.is_some()
}

fn fresh(args: &EmulateArgs, clock: &SystemClock) -> Result<CardState, Failure> {
    let usual = if args.restricted { "86596220000001" } else { USUAL_SERIAL };
    let serial = args.serial.as_deref().unwrap_or(usual);
    if !(1..=MAX_SERIAL).contains(&serial.len()) || !serial.is_ascii() {
        return Err(Failure::usage("--serial is not a serial", "use 1 to 246 ASCII characters"));
    }
    let (drift, ppm) = (args.drift.unwrap_or(0.0), args.ppm.unwrap_or(0.0));
    if !(drift.is_finite() && drift.abs() < 1e9 && ppm.is_finite() && ppm.abs() <= 1e6) {
        return Err(Failure::usage(
            "--drift or --ppm is out of bounds",
            "use seconds, and parts per million up to 1000000",
        ));
    }
    let restricted =
        args.restricted || model_of(serial).is_some_and(|model| model.can.clock_write() == ClockWrite::ErasesSeed);
    let token_clock = TokenClock::new(unix_ns(clock.now().wall), drift, ppm, args.free_running);
    let mut state = CardState::new(serial, restricted, token_clock);
    state.lock_after = args.lock_after;
    if args.token_key.is_some() {
        state.key = HEXLOWER.encode(token_key(args.token_key.as_deref())?.bytes(&FACTORY_KEY));
    }
    Ok(state)
}

fn faults(args: &EmulateArgs) -> Vec<Fault> {
    let before = args.leave_before.map(|at| Fault { at, kind: FaultKind::LeaveBefore });
    let after = args.leave_after.map(|at| Fault { at, kind: FaultKind::LeaveAfter });
    before.into_iter().chain(after).collect()
}

fn display(state: &CardState, clock: &SystemClock) -> String {
    state.display(unix_ns(clock.now().wall)).unwrap_or_else(|| "------".to_owned())
}

/// Shows the display whenever it changes, until the program ends.
fn show_display(state: Arc<Mutex<CardState>>, clock: SystemClock) {
    std::thread::spawn(move || {
        let mut shown = String::new();
        loop {
            let now = display(&state.lock().unwrap_or_else(PoisonError::into_inner), &clock);
            if now != shown {
                let _ = writeln!(std::io::stdout(), "display {now}");
                shown = now;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}
