//! The reader that a command works at: found, waited for, connected to.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::Global;
use super::host::Host;
use super::output::{Output, note};
use super::record::Record;
use super::{describe, interrupt, prompt};
use crate::device::hotp_key::HotpKey;
use crate::device::molto2::Molto2;
use crate::device::token2::NfcToken;
use crate::device::{Device, Family, Serial};
use crate::emulator::{
    AnyState, Card, CardState, EmulatedKey, EmulatedLink, EmulatedMolto2, StateFile, TokenClock, USUAL_SERIAL,
};
use crate::inventory::{Deed, SlotKey};
use crate::job::{self, Again, Failure, Guard, Problem, TokenState};
use crate::link::{Link, Trace};
use crate::reader::{
    Bounds, DeviceKind, Passed, Patience, PcscLink, ReaderError, Selector, Slot, Slots, Wanted, is_virtual,
};
use crate::report;
use crate::time::{HostClock, unix_ns};

/// How long a command waits for a token where a person can lay one down.
const WAIT_AT_TERMINAL: Duration = Duration::from_secs(30);

/// How long after a failed contact the next one is tried.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// A token in reach.
pub struct InReach {
    /// The token.
    pub device: Box<dyn Device>,
    /// Its family.
    pub family: Family,
    /// The reader's name.
    pub reader: String,
    /// No real token.
    pub emulated: bool,
}

/// The reader that a command will work at, opened when it is needed: for a row of a seed file, or for the job.
pub struct Workplace<'a> {
    global: &'a Global,
    /// The host's clock.
    pub host: &'a Host,
    /// The records of tokens, for the question which of several is meant.
    record: &'a Record,
    output: &'a Output,
    open: Option<InReach>,
    /// The device that the command is for.
    wanted: Wanted,
    /// Until when a token is waited for, from the first wait on.
    deadline: Option<Instant>,
}

impl<'a> Workplace<'a> {
    /// Nothing is opened yet.
    pub fn new(global: &'a Global, host: &'a Host, record: &'a Record, output: &'a Output) -> Self {
        Self { global, host, record, output, open: None, wanted: Wanted::Token, deadline: None }
    }

    /// The same for another device than an NFC token.
    pub fn wanting(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

    /// The family of the device that is there, where the command is for several: it is opened for that, and waited for.
    ///
    /// # Errors
    /// A failure of the reader.
    pub fn family(&mut self) -> Result<Family, Failure> {
        let station = open(self, self.wait()?)?;
        let family = station.family;
        self.open = Some(station);
        Ok(family)
    }

    /// How long a device is waited for.
    fn wait(&self) -> Result<Duration, Failure> {
        Ok(match wait_seconds(self.global)? {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None if std::io::stdin().is_terminal() => WAIT_AT_TERMINAL,
            None => Duration::ZERO,
        })
    }

    /// Carries out a job at the reader; one that finds the token gone before anything was written is carried out again when it
    /// is back, as long as `--wait` lasts.
    ///
    /// # Errors
    /// A failure of the reader, which it names, or the job's.
    pub fn work<T>(mut self, job: &mut dyn FnMut(&mut InReach) -> Result<T, Failure>) -> Result<(T, InReach), Failure> {
        self.work_once(job)
    }

    /// The same, for one of several jobs: each finds the reader anew, and waits as long.
    ///
    /// # Errors
    /// As [`Self::work`].
    pub fn work_once<T>(
        &mut self,
        job: &mut dyn FnMut(&mut InReach) -> Result<T, Failure>,
    ) -> Result<(T, InReach), Failure> {
        self.deadline = None;
        let host = self.host;
        self.attempt(&mut |station| {
            host.check_steady()?;
            job(station)
        })
    }

    fn attempt<T>(&mut self, job: &mut dyn FnMut(&mut InReach) -> Result<T, Failure>) -> Result<(T, InReach), Failure> {
        let wait = self.wait()?;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + wait);
        let mut told: Option<Problem> = None;
        loop {
            let opened = match self.open.take() {
                Some(station) => Ok(station),
                None => open(self, deadline.saturating_duration_since(Instant::now())),
            };
            let (reader, failure) = match opened {
                Err(failure) => (None, failure),
                Ok(mut station) => match job(&mut station) {
                    Ok(done) => return Ok((done, station)),
                    Err(failure) => (Some(station.reader), failure),
                },
            };
            let failure = Failure { reader: reader.or(failure.reader.clone()), ..failure };
            if !failure.may_come_back || Instant::now() >= deadline || interrupt::asked() {
                return Err(failure);
            }
            // Whoever lifts it too soon again is not told twice.
            if told.as_ref() != Some(&failure.problem) {
                let (fact, state) = (report::fact(&failure.problem), report::state(&failure.state));
                let back = if self.wanted.plugged_in().is_some() { "plug it in again" } else { "lay it back" };
                self.output.note(&format!("{fact}: {state}; {back}"));
                told = Some(failure.problem);
            }
            // It may lie there still, and need a moment.
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Finds the reader, waits up to `wait` for a token, and connects to it.
///
/// # Errors
/// A failure of the reader, or of the emulated token's file.
fn open(desk: &Workplace<'_>, wait: Duration) -> Result<InReach, Failure> {
    let Workplace { global, output, wanted, .. } = desk;
    let station = match global.reader.as_deref() {
        Some("emulated") => emulated(desk, None)?,
        Some(reader) => match reader.strip_prefix("emulated:") {
            Some(file) => emulated(desk, Some(file))?,
            None => on_reader(desk, Selector::Named(reader.to_owned()), wait)?,
        },
        None => on_reader(desk, Selector::Any, wait)?,
    };
    let kind = kind_of(station.family);
    if !wanted.takes(kind) {
        return Err(match wanted.plugged_in() {
            Some(meant) => ReaderError::NotThere(meant, vec![(station.reader, kind)]),
            None => ReaderError::Device(station.reader, kind),
        }
        .into());
    }
    interrupt::begin_work();
    if global.verbose {
        output.note(&format!("using {}", describe::plain(&station.reader)));
    }
    Ok(station)
}

/// The longest serial that is taken from the command line, and so may be repeated: what is longer may be a secret. Those of
/// the tokens have 14 digits.
const LONGEST_TYPED: usize = 20;

/// The guard that the arguments are.
///
/// # Errors
/// A usage failure for a serial that no token can have.
pub fn guard(global: &Global, allow_unknown_model: bool) -> Result<Guard, Failure> {
    let expect_serial = match &global.expect_serial {
        None => None,
        Some(text) => Some(
            Serial::new(&describe::without_blanks(text))
                .filter(|serial| serial.as_str().len() <= LONGEST_TYPED)
                .ok_or_else(|| {
                    Failure::usage(
                        "--expect-serial is not a serial",
                        "use the digits on the back of the token; a slot is named apart, with --slot N",
                    )
                })?,
        ),
    };
    Ok(Guard { expect_serial, allow_unknown_model })
}

/// The state of a new emulated token: one whose clock is as far off as the token in the README.
pub fn fresh_emulated(clock: &dyn HostClock) -> CardState {
    let now = unix_ns(clock.now().wall);
    CardState::new(USUAL_SERIAL, false, TokenClock::new(now, -97.25, 0.0, false))
}

/// The emulated device of a file, which says what family it is of; without one, a new token.
fn emulated(desk: &Workplace<'_>, file: Option<&str>) -> Result<InReach, Failure> {
    let (global, clock) = (desk.global, &desk.host.system);
    let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
    let next = "make the token first: tokentap emulate --create --state FILE";
    let Some(file) = file else {
        let link = EmulatedLink::<Card>::new(fresh_emulated(clock), shared);
        let device = device(global, link, Family::Nfc);
        return Ok(InReach { device, family: Family::Nfc, reader: "emulated".to_owned(), emulated: true });
    };
    // What is there already is not to be made anew.
    let other =
        "name the file of an emulated token (tokentap emulate --create makes one); folders are for batch and desk";
    let state = StateFile::new(file).load_any().map_err(|error| Failure::file(error.to_string(), other))?;
    let name = Path::new(file);
    let state =
        state.ok_or_else(|| Failure::file(format!("there is no emulated token in {}", describe::path(name)), next))?;
    let kept = StateFile::new(file);
    let (family, device) = match state {
        AnyState::Nfc(state) => {
            (Family::Nfc, device(global, EmulatedLink::<Card>::kept(kept, state, shared), Family::Nfc))
        }
        AnyState::Molto2(state) => {
            let link = EmulatedLink::<EmulatedMolto2>::kept(kept, state, shared);
            (Family::Molto2, device(global, link, Family::Molto2))
        }
        AnyState::HotpKey(state) => {
            let link = EmulatedLink::<EmulatedKey>::kept(kept, state, shared);
            (Family::HotpKey, device(global, link, Family::HotpKey))
        }
    };
    Ok(InReach { device, family, reader: format!("emulated:{file}"), emulated: true })
}

/// The kind of device that a family is.
fn kind_of(family: Family) -> DeviceKind {
    match family {
        Family::Nfc => DeviceKind::Contactless,
        Family::Molto2 => DeviceKind::Molto2,
        Family::HotpKey => DeviceKind::Token2Key,
    }
}

/// The family of the devices of a kind: what is none of the others is spoken to as a token.
fn family_of(kind: Option<DeviceKind>) -> Family {
    match kind {
        Some(DeviceKind::Molto2) => Family::Molto2,
        Some(DeviceKind::Token2Key) => Family::HotpKey,
        _ => Family::Nfc,
    }
}

fn on_reader(desk: &Workplace<'_>, selector: Selector, wait: Duration) -> Result<InReach, Failure> {
    let Workplace { global, output, .. } = desk;
    interrupt::begin_work();
    let deadline = (!wait.is_zero()).then(|| Instant::now() + wait);
    let mut slots = Slots::open(&Bounds::until(deadline, &interrupt::asked))?;
    let mut tell = |passed: &Passed| {
        for (reader, device) in &passed.others {
            output.note(&format!("passed over: {}: {}", describe::plain(reader), device.words()));
        }
        match &passed.mute {
            Some(reader) => output.note(&format!("{}; switch the token on", ReaderError::Mute(reader.clone()))),
            None if desk.wanted.plugged_in().is_some() => output.note("waiting for the device: plug it in"),
            None => output.note("waiting for a token: switch it on and lay it on the reader"),
        }
    };
    let slot = match slots.wait_for_token(&selector, desk.wanted, wait, &mut tell, &interrupt::asked) {
        Err(ReaderError::Several(readers)) if prompt::has_person() && !output.is_json() => {
            choose(desk, &mut slots, &readers)?
        }
        found => found?,
    };
    // --wait is a bound on everything before the first contact.
    let within = Bounds::until(deadline.filter(|_| global.wait.is_some()), &interrupt::asked).within;
    let family = family_of(slot.device());
    let link = connect(&slots, &slot.name, within)?;
    Ok(InReach { device: device(global, link, family), family, emulated: is_virtual(&slot.name), reader: slot.name })
}

/// The token at the end of a link, which is traced where that is wanted.
fn device(global: &Global, link: impl Link + 'static, family: Family) -> Box<dyn Device> {
    let link: Box<dyn Link> = match global.trace {
        true => Box::new(Trace::new(link, std::io::stderr())),
        false => Box::new(link),
    };
    match family {
        Family::Nfc => Box::new(NfcToken(link)),
        Family::Molto2 => Box::new(Molto2(link)),
        Family::HotpKey => Box::new(HotpKey(link)),
    }
}

fn connect(slots: &Slots, reader: &str, within: Duration) -> Result<PcscLink, Failure> {
    let patience = Patience {
        within,
        finishes: false,
        on_hang: Box::new(|| note("no answer from the reader yet: another program may be using it")),
        interrupted: Box::new(interrupt::asked),
    };
    PcscLink::connect(slots.service(), reader, patience)
        .map_err(|error| Failure { reader: Some(reader.to_owned()), ..Failure::from(error) })
}

/// `--wait`, or what stands in for it; an empty variable counts as none.
pub fn wait_seconds(global: &Global) -> Result<Option<u32>, Failure> {
    match global.wait.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let fact = format!("--wait or TOKENTAP_WAIT is not a number of seconds: {}", describe::given(text));
            Failure::usage(fact, "use a whole number, such as 30")
        }),
    }
}

/// Asks which of several tokens is meant, with what each reader holds and whose it is.
fn choose(desk: &Workplace<'_>, slots: &mut Slots, readers: &[String]) -> Result<Slot, Failure> {
    let within = Bounds::until(None, &interrupt::asked).within;
    // Only tokens are read to be told apart: other devices are named by their readers alone.
    let held = |reader: &String| {
        if let Some(kind) = desk.wanted.plugged_in().or_else(|| DeviceKind::of_name(reader)) {
            return Ok(kind.words().to_owned());
        }
        let mut token = NfcToken(connect(slots, reader, within)?);
        let info = job::identify(&mut token, &desk.host.system)?;
        token.close();
        let known = desk.record.recorder(Deed::Info, reader, false).token(&SlotKey::only(info.serial.as_str()));
        let whose = match known {
            Ok(known) => known.map(|token| describe::whose(&token)).unwrap_or_default(),
            Err(error) => format!(" (its user could not be read: {error})"),
        };
        Ok::<_, Failure>(format!("{info}{whose}"))
    };
    let list: Vec<String> = (1..)
        .zip(readers)
        .map(|(number, reader)| {
            let what = held(reader).unwrap_or_else(|failure| report::fact(&failure.problem));
            format!("  {number}  {what}\n     on {}\n", describe::plain(reader))
        })
        .collect();
    let question = format!("Several readers hold a token:\n{}Which one (number)? ", list.concat());
    let answer = prompt::line(&question, TokenState::NotReached, Again::Same);
    let reader = answer
        .and_then(|answer| answer.parse::<usize>().ok())
        .and_then(|number| readers.get(number.wrapping_sub(1)))
        .ok_or_else(|| Failure::from(ReaderError::Several(readers.to_vec())))?;
    let selector = Selector::Named(reader.clone());
    Ok(slots.wait_for_token(&selector, desk.wanted, Duration::ZERO, &mut |_| {}, &interrupt::asked)?)
}
