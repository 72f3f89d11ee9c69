//! The reader that a command works at: found, waited for, connected to.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::Global;
use super::host::Host;
use super::output::{Output, note};
use super::secret::Given;
use super::{describe, interrupt, prompt};
use crate::emulator::{CardState, EmulatedLink, StateFile, TokenClock, USUAL_SERIAL};
use crate::job::{self, Failure, Guard};
use crate::link::{Link, Trace};
use crate::reader::{Bounds, Patience, PcscLink, ReaderError, Selector, Slot, Slots, is_virtual};
use crate::seedfile::Row;
use crate::time::{HostClock, SystemClock, unix_ns};
use crate::token::Serial;

/// How long a command waits for a token where a person can lay one down.
const WAIT_AT_TERMINAL: Duration = Duration::from_secs(30);

/// A token in reach.
pub struct Station {
    /// The link to it.
    pub link: Box<dyn Link>,
    /// The reader's name.
    pub reader: String,
    /// No real token.
    pub emulated: bool,
}

/// The reader that a command will work at, opened when it is needed: for a row of a seed file, or for the job.
pub struct Desk<'a> {
    global: &'a Global,
    /// The host's clock.
    pub host: &'a Host,
    output: &'a Output,
    open: Option<Station>,
}

impl<'a> Desk<'a> {
    /// Nothing is opened yet.
    pub fn new(global: &'a Global, host: &'a Host, output: &'a Output) -> Self {
        Self { global, host, output, open: None }
    }

    /// The row for the token on the reader. It is read for that only where its serial has to pick the row.
    ///
    /// # Errors
    /// A failure of the reader or the token, or that no row is the token's.
    pub fn row_for(&mut self, given: Given) -> Result<Row, Failure> {
        if let Given::One(row) = given {
            return Ok(*row);
        }
        let mut station = open(self.global, &self.host.system, self.output)?;
        let info = job::identify(&mut station.link)?;
        self.open = Some(station);
        given.for_token(&info)
    }

    /// The reader with its token.
    ///
    /// # Errors
    /// A failure of the reader.
    pub fn station(self) -> Result<Station, Failure> {
        let station = match self.open {
            Some(station) => station,
            None => open(self.global, &self.host.system, self.output)?,
        };
        self.host.check_steady()?;
        Ok(station)
    }
}

/// Finds the reader, waits for a token, and connects to it.
///
/// # Errors
/// A failure of the reader, or of the emulated token's file.
pub fn open(global: &Global, clock: &SystemClock, output: &Output) -> Result<Station, Failure> {
    // Also where nothing is waited for: a rehearsal must not hide a slip.
    wait_seconds(global)?;
    let station = match global.reader.as_deref() {
        Some("emulated") => emulated(None, clock)?,
        Some(reader) => match reader.strip_prefix("emulated:") {
            Some(file) => emulated(Some(file), clock)?,
            None => on_reader(global, Selector::Named(reader.to_owned()), output)?,
        },
        None => on_reader(global, Selector::Any, output)?,
    };
    interrupt::begin_work();
    if global.verbose {
        output.note(&format!("using {}", describe::plain(&station.reader)));
    }
    Ok(if global.trace {
        Station { link: Box::new(Trace::new(station.link, std::io::stderr())), ..station }
    } else {
        station
    })
}

/// The longest serial that is taken from the command line, and so may be repeated: what is longer may be a secret. Those of
/// the tokens have 14 digits.
const LONGEST_TYPED: usize = 20;

/// What the arguments say of the token.
///
/// # Errors
/// A usage failure for a serial that no token can have.
pub fn guard(global: &Global, allow_unknown_model: bool) -> Result<Guard, Failure> {
    let expect_serial = match &global.expect_serial {
        None => None,
        Some(text) => {
            Some(Serial::new(text).filter(|serial| serial.as_str().len() <= LONGEST_TYPED).ok_or_else(|| {
                Failure::usage("--expect-serial is not a serial", "give the digits on the back of the token")
            })?)
        }
    };
    Ok(Guard { expect_serial, allow_unknown_model })
}

/// The state of a new emulated token: one whose clock is as far off as the token in the README.
pub fn fresh_emulated(clock: &dyn HostClock) -> CardState {
    let now = unix_ns(clock.now().wall);
    CardState::new(USUAL_SERIAL, false, TokenClock::new(now, -97.25, 0.0, false))
}

fn emulated(file: Option<&str>, clock: &SystemClock) -> Result<Station, Failure> {
    let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
    let next = "make the token first: tokentap emulate --create --state FILE";
    let link = match file {
        None => EmulatedLink::new(fresh_emulated(clock), shared),
        Some(file) => {
            let state = StateFile::new(file).load().map_err(|error| Failure::file(error.to_string(), next))?;
            let name = Path::new(file);
            let state = state.ok_or_else(|| {
                Failure::file(format!("there is no emulated token in {}", describe::path(name)), next)
            })?;
            EmulatedLink::kept(StateFile::new(file), state, shared)
        }
    };
    let reader = file.map_or_else(|| "emulated".to_owned(), |file| format!("emulated:{file}"));
    Ok(Station { link: Box::new(link), reader, emulated: true })
}

fn on_reader(global: &Global, selector: Selector, output: &Output) -> Result<Station, Failure> {
    let wait = match wait_seconds(global)? {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None if std::io::stdin().is_terminal() => WAIT_AT_TERMINAL,
        None => Duration::ZERO,
    };
    interrupt::begin_work();
    let deadline = (!wait.is_zero()).then(|| Instant::now() + wait);
    let mut slots = Slots::open(&Bounds::until(deadline, &interrupt::asked))?;
    let mut tell = |mute: Option<&str>| match mute {
        Some(reader) => output.note(&format!("{}; {}", ReaderError::Mute(reader.to_owned()), "switch the token on")),
        None => output.note("waiting for a token: switch it on and lay it on the reader"),
    };
    let slot = match slots.wait_for_token(&selector, wait, &mut tell, &interrupt::asked) {
        Err(ReaderError::Several(readers)) if prompt::has_person() && !output.is_json() => {
            choose(&mut slots, &readers)?
        }
        found => found?,
    };
    let patience = Patience {
        // --wait is a bound on everything before the first contact.
        within: Bounds::until(deadline.filter(|_| global.wait.is_some()), &interrupt::asked).within,
        finishes: false,
        on_hang: Box::new(|| note("waiting for another program that uses the reader")),
        interrupted: Box::new(interrupt::asked),
    };
    let link = PcscLink::connect(slots.service(), &slot.name, patience)?;
    Ok(Station { link: Box::new(link), emulated: is_virtual(&slot.name), reader: slot.name })
}

/// `--wait`, or what stands in for it; an empty variable counts as none.
pub fn wait_seconds(global: &Global) -> Result<Option<u32>, Failure> {
    match global.wait.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let fact = format!("--wait or TOKENTAP_WAIT is not a number of seconds: {}", describe::given(text));
            Failure::usage(fact, "give a whole number, such as 30")
        }),
    }
}

/// Asks which of several tokens is meant.
fn choose(slots: &mut Slots, readers: &[String]) -> Result<Slot, Failure> {
    let list: Vec<String> =
        (1..).zip(readers).map(|(number, reader)| format!("  {number}  {}\n", describe::plain(reader))).collect();
    let question = format!("Several readers hold a card:\n{}Which one (number)? ", list.concat());
    let answer = prompt::line(&question, "no token was touched", "run the same command again");
    let reader = answer
        .and_then(|answer| answer.parse::<usize>().ok())
        .and_then(|number| readers.get(number.wrapping_sub(1)))
        .ok_or_else(|| Failure::from(ReaderError::Several(readers.to_vec())))?;
    let selector = Selector::Named(reader.clone());
    Ok(slots.wait_for_token(&selector, Duration::ZERO, &mut |_| {}, &interrupt::asked)?)
}
