//! `tokentap emulate` for the devices with slots: a Molto2, or a FIDO2 key.

use std::sync::Arc;
use std::time::Duration;

use super::args::EmulateArgs;
use super::describe;
use super::output::Output;
use super::{Ran, interrupt};
use crate::emulator::{
    AnyState, Emulated, EmulatedKey, EmulatedLink, EmulatedMolto2, Fault, FaultKind, KeyState, Latency, MoltoState,
    StateError, StateFile, TokenClock, vpcd,
};
use crate::job::{Exit, Failure, Problem, Remedy, TokenState};
use crate::report::{DisplayReport, EmulatedReport, EmulatedToken};
use crate::time::{HostClock, SystemClock, unix_ns};

/// The serial of an emulated Molto2 of which nothing else is said.
const MOLTO_SERIAL: &str = "826658719844499";

/// The same of an emulated key.
const KEY_SERIAL: &str = "66103012345678";

/// The device that the arguments are about, if it is no NFC token: that of the state file, or a new one.
///
/// # Errors
/// A failure of the state file.
pub fn device(args: &EmulateArgs) -> Result<Option<AnyState>, Failure> {
    let clock = SystemClock::new();
    let file = args.state.as_ref().filter(|path| path.exists()).map(StateFile::new);
    match file.map(|file| file.load_any()).transpose().map_err(failed)?.flatten() {
        Some(AnyState::Nfc(_)) => Ok(None),
        Some(state) => Ok(Some(state)),
        None => Ok(match args.family.as_str() {
            "molto2" => {
                let drift = args.drift.filter(|drift| drift.is_finite() && drift.abs() < 1e9).unwrap_or(0.0);
                let shown = TokenClock::new(unix_ns(clock.now().wall), drift, 0.0, args.free_running);
                let serial = args.serial.as_deref().unwrap_or(MOLTO_SERIAL);
                Some(AnyState::Molto2(MoltoState::new(serial, args.slots, shown)))
            }
            "hotp-key" => Some(AnyState::HotpKey(KeyState::new(args.serial.as_deref().unwrap_or(KEY_SERIAL)))),
            _ => None,
        }),
    }
}

fn failed(error: StateError) -> Failure {
    Failure::file(error.to_string(), "name a file that tokentap emulate made, or one that is not there yet")
}

/// Makes a device, shows what it shows, or plugs it in.
///
/// # Errors
/// A failure of the state file or of the virtual reader.
pub fn run(args: &EmulateArgs, state: AnyState, output: &Output) -> Ran {
    match state {
        AnyState::Molto2(state) => run_one::<EmulatedMolto2>(args, state, "molto2", output),
        AnyState::HotpKey(state) => run_one::<EmulatedKey>(args, state, "hotp-key", output),
        AnyState::Nfc(_) => Ok(Exit::Done),
    }
}

fn run_one<C: Shows>(args: &EmulateArgs, state: C::State, family: &'static str, output: &Output) -> Ran {
    let clock: Arc<dyn HostClock> = Arc::new(SystemClock::new());
    let token = EmulatedToken::of_device(C::serial(&state), family);
    let file = args.state.as_ref().map(StateFile::new);
    if args.create {
        if let Some(path) = args.state.as_ref().filter(|path| path.exists()) {
            let fact = format!("{} exists already", describe::path(path));
            return Err(Failure::file(fact, "remove it, or name another file"));
        }
        file.map_or(Ok(()), |file| file.save(&state)).map_err(failed)?;
        output.report(&EmulatedReport { token, connected: None });
        return Ok(Exit::Done);
    }
    if args.press || args.touch {
        let mut device = C::switched_on(state, clock);
        let display = device.shown(args.slot).unwrap_or_else(|| "------".to_owned());
        file.map_or(Ok(()), |file| file.save(device.state())).map_err(failed)?;
        output.report(&DisplayReport { token, display });
        return Ok(Exit::Done);
    }
    let half = Duration::try_from_secs_f64(args.latency / 2000.0)
        .map_err(|_| Failure::usage("--latency is not a number of milliseconds", "use one from 0 upwards"))?;
    let faults = [(args.leave_before, FaultKind::LeaveBefore), (args.leave_after, FaultKind::LeaveAfter)];
    let faults = faults.into_iter().filter_map(|(at, kind)| Some(Fault { at: at?, kind })).collect();
    let mut link = match file {
        Some(file) => {
            file.save(&state).map_err(failed)?;
            EmulatedLink::<C>::kept(file, state, clock)
        }
        None => EmulatedLink::<C>::new(state, clock),
    }
    .with_latency(Latency { there: half, back: half })
    .with_faults(faults);
    let stream = vpcd::connect(args.connect).map_err(|error| {
        let problem = Problem::NoVirtualReader { address: args.connect.to_string(), detail: error.to_string() };
        Failure::new(problem, TokenState::NotReached, Remedy::StartVirtualReader)
    })?;
    interrupt::begin_work();
    vpcd::close_when(&stream, interrupt::asked);
    output.report(&EmulatedReport { token, connected: Some(args.connect.to_string()) });
    vpcd::serve(&mut link, stream, |_| ()).map_err(|error| {
        let next = "start it again; its state is as the last answered command left it";
        Failure::new(Problem::Emulator(error.to_string()), TokenState::LeftReader, next)
    })?;
    Ok(Exit::Done)
}

/// What a person sees of an emulated device.
trait Shows: Emulated {
    /// Its serial.
    fn serial(state: &Self::State) -> &str;

    /// What a slot shows, or what the device types when it is touched.
    fn shown(&mut self, slot: usize) -> Option<String>;
}

impl Shows for EmulatedMolto2 {
    fn serial(state: &MoltoState) -> &str {
        &state.serial
    }

    fn shown(&mut self, slot: usize) -> Option<String> {
        self.display(slot)
    }
}

impl Shows for EmulatedKey {
    fn serial(state: &KeyState) -> &str {
        &state.serial
    }

    fn shown(&mut self, _: usize) -> Option<String> {
        self.touch().map(|typed| typed.trim_end().to_owned())
    }
}
