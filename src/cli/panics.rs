//! Errors in the program itself: they end a command like every other failure, with what is known of the token.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use super::interrupt;
use super::output::Output;
use crate::job::{Exit, Failure, Problem, Remedy};

/// Where the first one happened. Its text is not kept: a library's may repeat what it was given, which may be a secret.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program; a panic in it, in any of its threads that are waited for, is reported as a failure.
pub fn caught(json: bool, run: impl FnOnce() -> u8) -> u8 {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_else(|| "an unknown place".to_owned());
        FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(place);
    }));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(exit) => exit,
        Err(_) => {
            let place = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
            let place = place.unwrap_or_else(|| "an unknown place".to_owned());
            Output::new(json, "tokentap").failure(&Failure::new(
                Problem::Internal(place),
                interrupt::stop().state(),
                Remedy::Report,
            ));
            Exit::Fault as u8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_exit_code_1() {
        let hook = std::panic::take_hook();
        let exit =
            caught(true, || std::thread::scope(|scope| scope.spawn(|| panic!("not shown")).join().map_or(7, |()| 0)));
        assert_eq!(exit, 7, "a thread's own panic is its own");
        assert_eq!(caught(true, || panic!("not shown")), 1);
        set_hook(hook);
    }
}
