//! The desk's words for the page.

use crate::job::{Failure, ProfileWish};
use crate::report::{self, Audience};
use crate::web::PlaceState;

/// A stated profile in words.
pub fn wish_words(wish: ProfileWish) -> String {
    let hash = wish.hash.map(|hash| hash.to_string()).unwrap_or_default();
    format!("{hash}, {} s", wish.step.map(|step| step.seconds()).unwrap_or_default())
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
    format!("{}; next: {}", report::fact(&failure.problem), report::next_at(failure, Audience::Page))
}
