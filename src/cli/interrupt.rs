//! Ctrl-C: a wait ends, a write does not, and a second one always ends the program.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::output::Output;
use crate::job::{Again, Exit, Failure, Problem, Remedy, TokenState};

static ASKED: AtomicBool = AtomicBool::new(false);

/// A token is in reach: Ctrl-C is then noted once and asked for, so that no write is cut off.
static WORKING: AtomicBool = AtomicBool::new(false);

/// The tokens that are being written.
static IN_HAND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The state and the remedy if Ctrl-C comes while a prompt waits.
static PROMPT: Mutex<Option<(TokenState, Remedy)>> = Mutex::new(None);

/// The program was started at a terminal.
static AT_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Takes over Ctrl-C (and, on Unix, the signals that ask a program to end or tell that its terminal is gone).
pub fn install(json: bool) {
    AT_TERMINAL.store(has_terminal(), Ordering::SeqCst);
    // Without a handler Ctrl-C ends the program at once, which is worse but no reason to refuse all work.
    let _ = ctrlc::set_handler(move || {
        let prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if WORKING.load(Ordering::SeqCst) && (prompt.is_none() || !held().is_empty()) {
            // A terminal that goes away sends more than one signal, and nobody is there to press Ctrl-C twice.
            if !ASKED.swap(true, Ordering::SeqCst) || is_terminal_gone() {
                return;
            }
            end(json, Some((in_hand_state(), RESUME.into())));
        }
        end(json, prompt);
    });
}

/// What to do when a run was stopped at once.
pub const RESUME: &str = "run the same command again: it continues where it was";

fn held() -> Vec<String> {
    IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The state of the tokens when the program ends at once.
pub fn in_hand_state() -> TokenState {
    TokenState::InHand(held())
}

/// Says what an interrupted program leaves behind, and ends it.
fn end(json: bool, said: Option<(TokenState, Remedy)>) -> ! {
    restore_terminal();
    let (state, remedy) = said.unwrap_or((TokenState::NotReached, Again::Same.into()));
    if !json {
        let _ = writeln!(std::io::stderr());
    }
    Output::new(json, "tokentap").failure(&Failure::new(Problem::Interrupted, state, remedy));
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

/// A token is being written from here on …
pub fn in_hand(serial: &str) {
    IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).push(serial.to_owned());
}

/// … until here.
pub fn let_go(serial: &str) {
    IN_HAND.lock().unwrap_or_else(PoisonError::into_inner).retain(|held| held != serial);
}

/// From here on the first Ctrl-C is only noted: [`asked`] tells of it.
pub fn begin_work() {
    WORKING.store(true, Ordering::SeqCst);
}

/// Whether Ctrl-C was pressed, or the terminal is gone.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Takes note that nobody sees the screen any more: as if Ctrl-C had been pressed.
pub fn screen_is_lost() {
    ASKED.store(true, Ordering::SeqCst);
}

/// Takes note that a report was lost: where that is because the terminal is gone, nobody sees the screen any more.
pub fn output_is_lost() {
    if is_terminal_gone() {
        screen_is_lost();
    }
}

/// Runs a prompt during which Ctrl-C ends the program with this state and remedy.
pub fn during_prompt<T>(state: TokenState, remedy: Remedy, prompt: impl FnOnce() -> T) -> T {
    remember_terminal();
    let set = |to| *PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = to;
    set(Some((state, remedy)));
    let answer = prompt();
    set(None);
    answer
}

/// Whether the terminal that the program was started at has gone away.
fn is_terminal_gone() -> bool {
    AT_TERMINAL.load(Ordering::SeqCst) && !has_terminal()
}

#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

#[cfg(not(unix))]
fn has_terminal() -> bool {
    true
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
