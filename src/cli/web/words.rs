//! The desk's words for the page.

use crate::job::desk::{Done, Why};
use crate::job::{Failure, ProfileWish};
use crate::report;
use crate::web::PlaceState;

/// A stated profile in words.
pub fn wish_words(wish: ProfileWish) -> String {
    let hash = wish.hash.map(|hash| hash.to_string()).unwrap_or_default();
    format!("{hash}, {} s", wish.step.map(|step| step.seconds()).unwrap_or_default())
}

/// The next step where the page, or the start of the program, has another way than a command in a terminal.
pub fn next_on_page(done: &Done, is_well: bool) -> Option<&'static str> {
    match done {
        Done::Read(_, Why::UnknownProfile) => {
            Some("look up its hash and time step on its server (wrong ones stop its codes), and choose them here")
        }
        Done::Read(_, Why::Restricted) => Some(
            "resynchronise it on its server; or set it with its seed at hand, in a terminal, when this page is closed: tokentap sync --seed-file FILE",
        ),
        Done::Read(_, Why::NoAutoSync) if !is_well => {
            Some("this page only measures: close it, start tokentap web without --no-auto-sync, and lay the token back")
        }
        Done::Read(_, Why::Sealed) => Some("close this page, start tokentap web with --identity FILE, and lay it back"),
        _ => None,
    }
}

/// How a token left, for the page.
pub fn verdict(is_well: bool, may_come_back: bool) -> PlaceState {
    match (is_well, may_come_back) {
        (true, _) => PlaceState::Well,
        (false, true) => PlaceState::LayBack,
        (false, false) => PlaceState::Badly,
    }
}

/// A failure in one sentence.
pub fn words(failure: &Failure) -> String {
    format!("{}; next: {}", report::fact(&failure.problem), report::next(failure))
}
