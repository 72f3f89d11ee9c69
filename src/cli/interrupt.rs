//! Ctrl-C: a wait ends, a write does not.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::job::Exit;

static ASKED: AtomicBool = AtomicBool::new(false);

/// What to say if Ctrl-C comes while a prompt waits: state and next.
static PROMPT: Mutex<Option<(String, String)>> = Mutex::new(None);

/// Takes over Ctrl-C (and, on Unix, the signals that ask a program to end).
pub fn install() {
    // Without a handler Ctrl-C ends the program at once, which is worse but no reason to refuse all work.
    let _ = ctrlc::set_handler(|| {
        let prompt = PROMPT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((state, next)) = prompt {
            restore_terminal();
            let _ = writeln!(std::io::stderr(), "\nerror: interrupted\n state: {state}\n next: {next}");
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
        ASKED.store(true, Ordering::SeqCst);
    });
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Runs a prompt during which Ctrl-C ends the program with these words.
pub fn during_prompt<T>(state: &str, next: &str, prompt: impl FnOnce() -> T) -> T {
    let set = |to| *PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = to;
    set(Some((state.to_owned(), next.to_owned())));
    let answer = prompt();
    set(None);
    answer
}

/// A hidden prompt has switched the echo off; nobody else will switch it on again.
#[cfg(unix)]
fn restore_terminal() {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    if let Ok(terminal) = std::fs::File::open("/dev/tty")
        && let Ok(mut modes) = tcgetattr(&terminal)
    {
        modes.local_modes |= LocalModes::ECHO;
        let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
    }
}

#[cfg(not(unix))]
fn restore_terminal() {}
