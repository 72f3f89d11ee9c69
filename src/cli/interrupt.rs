//! Ctrl-C: a wait ends, a write does not, and a second one always ends the program.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use crate::job::{Again, Exit, Failure, Problem, Remedy, Stop, TokenState, locked};

/// Ctrl-C in this program: its one run, and the terminal that a prompt would leave changed.
#[derive(Default)]
struct Interrupts {
    stop: Stop,
    /// A token is in reach: Ctrl-C is then noted once and asked for, so that no write is cut off.
    is_working: AtomicBool,
    /// The state and the remedy if Ctrl-C comes while a prompt waits.
    prompt: Mutex<Option<(TokenState, Remedy)>>,
    /// The program was started at a terminal.
    at_terminal: AtomicBool,
}

/// A process has one Ctrl-C, and this program one run.
static PROGRAM: LazyLock<Interrupts> = LazyLock::new(Interrupts::default);

/// The handle that Ctrl-C asks to stop.
pub fn stop() -> &'static Stop {
    &PROGRAM.stop
}

/// Takes over Ctrl-C (and, on Unix, the signals that ask a program to end or tell that its terminal is gone). `tell` reports what an
/// interrupted program leaves behind.
pub fn install(tell: impl Fn(&Failure) + Send + 'static) {
    PROGRAM.at_terminal.store(has_terminal(), Ordering::SeqCst);
    // Without a handler Ctrl-C ends the program at once, which is worse but no reason to refuse all work.
    let _ = ctrlc::set_handler(move || {
        let Interrupts { stop, is_working, prompt, .. } = &*PROGRAM;
        let prompt = locked(prompt).clone();
        if is_working.load(Ordering::SeqCst) && (prompt.is_none() || stop.has_in_hand()) {
            // A terminal that goes away sends more than one signal, and nobody is there to press Ctrl-C twice.
            if !stop.ask() || is_terminal_gone() {
                return;
            }
            end(&tell, Some((stop.state(), RESUME.into())));
        }
        end(&tell, prompt);
    });
    #[cfg(windows)]
    super::closing::install(ends_by_itself);
}

/// Asks the run to stop, as the first Ctrl-C does; whether the program then ends by itself, when what is in hand is done.
#[cfg(windows)]
fn ends_by_itself() -> bool {
    let Interrupts { stop, is_working, prompt, .. } = &*PROGRAM;
    let ends = is_working.load(Ordering::SeqCst) && (locked(prompt).is_none() || stop.has_in_hand());
    if ends {
        stop.ask();
    }
    ends
}

/// The remedy when a run was stopped at once.
pub const RESUME: &str = "run the same command again: it continues where it was";

/// Says what an interrupted program leaves behind, and ends it.
fn end(tell: &impl Fn(&Failure), said: Option<(TokenState, Remedy)>) -> ! {
    restore_terminal();
    let (state, remedy) = said.unwrap_or((TokenState::NotReached, Again::Same.into()));
    tell(&Failure::new(Problem::Interrupted, state, remedy));
    std::process::exit(i32::from(Exit::Interrupted as u8));
}

/// From here on the first Ctrl-C is only noted: [`asked`] tells of it.
pub fn begin_work() {
    PROGRAM.is_working.store(true, Ordering::SeqCst);
}

/// Whether Ctrl-C was pressed, or the terminal is gone.
pub fn asked() -> bool {
    PROGRAM.stop.is_asked()
}

/// Takes note that nobody sees the screen any more: as if Ctrl-C had been pressed.
pub fn screen_is_lost() {
    PROGRAM.stop.ask();
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
    let set = |to| *locked(&PROGRAM.prompt) = to;
    set(Some((state, remedy)));
    let answer = prompt();
    set(None);
    answer
}

/// Whether the terminal that the program was started at has gone away.
fn is_terminal_gone() -> bool {
    PROGRAM.at_terminal.load(Ordering::SeqCst) && !has_terminal()
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
    *locked(&TERMINAL) = modes;
}

/// A hidden prompt has switched off echo, lines and signals; nobody else will switch them on again.
#[cfg(unix)]
fn restore_terminal() {
    use rustix::termios::{OptionalActions, tcsetattr};
    if let Some(modes) = locked(&TERMINAL).as_ref()
        && let Ok(terminal) = std::fs::File::open("/dev/tty")
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, modes);
    }
}

#[cfg(not(unix))]
fn remember_terminal() {}

#[cfg(not(unix))]
fn restore_terminal() {}
