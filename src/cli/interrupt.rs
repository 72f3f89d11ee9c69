//! Ctrl-C: a wait ends, a write does not.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::output::Output;
use crate::job::{Exit, Failure};

static ASKED: AtomicBool = AtomicBool::new(false);

/// A token is in reach: Ctrl-C is then noted and asked for, so that no write is cut off.
static WORKING: AtomicBool = AtomicBool::new(false);

/// Where several tokens follow each other: those that are being written. Ctrl-C is then noted once, and the second one
/// ends the program.
static IN_HAND: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// What to say if Ctrl-C comes while a prompt waits: state and next.
static PROMPT: Mutex<Option<(String, String)>> = Mutex::new(None);

/// Takes over Ctrl-C (and, on Unix, the signals that ask a program to end).
pub fn install(json: bool) {
    // Without a handler Ctrl-C ends the program at once, which is worse but no reason to refuse all work.
    let _ = ctrlc::set_handler(move || {
        let prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_writing =
            IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|held| !held.is_empty());
        if (prompt.is_none() || is_writing) && WORKING.load(Ordering::SeqCst) {
            let again = ASKED.swap(true, Ordering::SeqCst);
            let in_hand = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match in_hand {
                Some(serials) if again => end(json, Some((unknown(&serials), RESUME.to_owned()))),
                _ => return,
            }
        }
        end(json, prompt);
    });
}

/// What to do when a run was stopped at once.
const RESUME: &str = "run the same command again: it goes on where it was";

fn unknown(serials: &[String]) -> String {
    match serials {
        [] => "no token was in hand".to_owned(),
        _ => format!("unknown, because it was being written: {}", serials.join(", ")),
    }
}

/// Says what an interrupted program leaves behind, and ends it.
fn end(json: bool, said: Option<(String, String)>) -> ! {
    restore_terminal();
    let (state, next) =
        said.unwrap_or_else(|| ("no token was touched".to_owned(), "run the same command again".to_owned()));
    if !json {
        let _ = writeln!(std::io::stderr());
    }
    Output::new(json, "tokentap").failure(&Failure::new("interrupted", Exit::Interrupted, "interrupted", state, next));
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

/// From here on several tokens follow each other: the first Ctrl-C is noted, the second ends the program.
pub fn begin_run() {
    *IN_HAND.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    begin_work();
}

/// A token is being written from here on …
pub fn in_hand(serial: &str) {
    if let Some(serials) = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        serials.push(serial.to_owned());
    }
}

/// … until here.
pub fn let_go(serial: &str) {
    if let Some(serials) = IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        serials.retain(|held| held != serial);
    }
}

/// From here on Ctrl-C is only noted: [`asked`] tells of it.
pub fn begin_work() {
    WORKING.store(true, Ordering::SeqCst);
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Runs a prompt during which Ctrl-C ends the program with these words.
pub fn during_prompt<T>(state: &str, next: &str, prompt: impl FnOnce() -> T) -> T {
    remember_terminal();
    let set = |to| *PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = to;
    set(Some((state.to_owned(), next.to_owned())));
    let answer = prompt();
    set(None);
    answer
}

/// How the terminal was before a prompt.
#[cfg(unix)]
static TERMINAL: Mutex<Option<rustix::termios::Termios>> = Mutex::new(None);

#[cfg(unix)]
fn remember_terminal() {
    let modes = std::fs::File::open("/dev/tty").ok().and_then(|terminal| rustix::termios::tcgetattr(terminal).ok());
    *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = modes;
}

/// A hidden prompt has switched off echo, lines and signals; nobody else will switch them on again.
#[cfg(unix)]
fn restore_terminal() {
    use rustix::termios::{OptionalActions, tcsetattr};
    if let Some(modes) = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        && let Ok(terminal) = std::fs::File::open("/dev/tty")
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, modes);
    }
}

#[cfg(not(unix))]
fn remember_terminal() {}

#[cfg(not(unix))]
fn restore_terminal() {}
