//! The reader that a command works at: found, waited for, connected to.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::output::Output;
use super::{interrupt, prompt};
use crate::emulator::{CardState, EmulatedLink, StateFile, TokenClock};
use crate::job::{Failure, Guard};
use crate::link::{Link, Trace};
use crate::reader::{Patience, PcscLink, ReaderError, Selector, Slot, Slots, is_virtual};
use crate::time::{HostClock, SystemClock, nanoseconds};
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

/// Finds the reader, waits for a token, and connects to it.
///
/// # Errors
/// A failure of the reader, or of the emulated token's file.
pub fn open(global: &Global, clock: &SystemClock, output: &Output) -> Result<Station, Failure> {
    let station = match global.reader.as_deref() {
        Some("emulated") => emulated(None, clock)?,
        Some(reader) => match reader.strip_prefix("emulated:") {
            Some(file) => emulated(Some(file), clock)?,
            None => on_reader(global, Selector::Named(reader.to_owned()), output)?,
        },
        None => on_reader(global, Selector::Any, output)?,
    };
    if global.verbose {
        output.note(&format!("using {}", station.reader));
    }
    Ok(if global.trace {
        Station { link: Box::new(Trace::new(station.link, std::io::stderr())), ..station }
    } else {
        station
    })
}

/// What the arguments say of the token.
///
/// # Errors
/// A usage failure for a serial that no token can have.
pub fn guard(global: &Global, allow_unknown_model: bool) -> Result<Guard, Failure> {
    let expect_serial = match &global.expect_serial {
        None => None,
        Some(text) => Some(Serial::new(text).ok_or_else(|| {
            Failure::usage("--expect-serial is no serial", "give the digits on the back of the token")
        })?),
    };
    Ok(Guard { expect_serial, allow_unknown_model })
}

/// The state of a new emulated token: one whose clock is as far off as the token in the README.
pub fn fresh_emulated(clock: &dyn HostClock) -> CardState {
    let now = nanoseconds(clock.now().wall - chrono::DateTime::UNIX_EPOCH);
    CardState::new("86596120000001", false, TokenClock::new(now, -97.25, 0.0, false))
}

fn emulated(file: Option<&str>, clock: &SystemClock) -> Result<Station, Failure> {
    let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
    let fresh = fresh_emulated(clock);
    let link = match file {
        None => EmulatedLink::new(fresh, shared),
        Some(file) => EmulatedLink::in_file(StateFile::new(file), fresh, shared).map_err(|error| {
            Failure::file(
                error.to_string(),
                "name a file that tokentap emulate --create made, or one that is not there yet",
            )
        })?,
    };
    let reader = file.map_or_else(|| "emulated".to_owned(), |file| format!("emulated:{file}"));
    Ok(Station { link: Box::new(link), reader, emulated: true })
}

fn on_reader(global: &Global, selector: Selector, output: &Output) -> Result<Station, Failure> {
    let wait = match global.wait {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None if std::io::stdin().is_terminal() => WAIT_AT_TERMINAL,
        None => Duration::ZERO,
    };
    let mut slots = Slots::open()?;
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
        on_hang: Box::new(|| eprintln!("note: waiting for another program that uses the reader")),
        interrupted: Box::new(interrupt::asked),
    };
    let link = PcscLink::connect(slots.context(), &slot.name, patience)?;
    Ok(Station { link: Box::new(link), emulated: is_virtual(&slot.name), reader: slot.name })
}

/// Asks which of several tokens is meant.
fn choose(slots: &mut Slots, readers: &[String]) -> Result<Slot, Failure> {
    eprintln!("Several readers hold a card:");
    for (index, reader) in readers.iter().enumerate() {
        eprintln!("  {}  {reader}", index + 1);
    }
    let answer = prompt::line("Which one (number)? ", "no token was touched", "run the same command again");
    let reader = answer
        .and_then(|answer| answer.parse::<usize>().ok())
        .and_then(|number| readers.get(number.wrapping_sub(1)))
        .ok_or_else(|| Failure::from(ReaderError::Several(readers.to_vec())))?;
    let selector = Selector::Named(reader.clone());
    Ok(slots.wait_for_token(&selector, Duration::ZERO, &mut |_| {}, &interrupt::asked)?)
}
