//! Questions at a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use zeroize::Zeroizing;

use super::interrupt::during_prompt;
use crate::job::{Again, Failure, Problem, Remedy, TokenState};
use crate::plain::plain_lines;

/// Whether a person sits at standard input and sees standard error.
pub fn has_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a secret without showing it.
///
/// # Errors
/// When the terminal cannot be read.
pub fn secret(question: &str) -> Result<Zeroizing<String>, Failure> {
    let is_interrupt = |error: &io::Error| error.kind() == io::ErrorKind::Interrupted;
    let answer = during_prompt(TokenState::NotReached, Again::Same.into(), || {
        // At Ctrl-C the handler is about to say so and to end the program.
        rpassword::prompt_password(question).inspect_err(|error| {
            if is_interrupt(error) {
                std::thread::park_timeout(Duration::from_secs(2));
            }
        })
    });
    if answer.as_ref().is_err_and(is_interrupt) {
        return Err(Failure::new(Problem::Interrupted, TokenState::NotReached, Again::Same));
    }
    answer.map(Zeroizing::new).map_err(|error| {
        Failure::file(
            format!("the terminal cannot be read: {error}"),
            "run it at a terminal, or name a file with what is asked for",
        )
    })
}

/// Asks whether to go on with something that cannot be undone: only "yes" is.
pub fn confirms(fact: &str) -> bool {
    let ask = |question: &str| line(question, TokenState::NothingChanged, Again::Same);
    match ask(&format!("{fact}\nType yes to go on: ")).as_deref() {
        Some("y" | "Y" | "YES" | "Yes") => ask("Type the whole word yes to go on: ").as_deref() == Some("yes"),
        answer => answer == Some("yes"),
    }
}

/// Asks a question; `None` for an empty answer or the end of input. `state` is what Ctrl-C then says of the token.
pub fn line(question: &str, state: TokenState, remedy: impl Into<Remedy>) -> Option<String> {
    let mut answer = String::new();
    let read = during_prompt(state, remedy.into(), || {
        let mut to = io::stderr();
        write!(to, "{}", plain_lines(question)).and_then(|()| to.flush())?;
        io::stdin().read_line(&mut answer)
    });
    let answer = answer.trim();
    (read.is_ok() && !answer.is_empty()).then(|| answer.to_owned())
}
