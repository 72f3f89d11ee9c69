//! From what somebody has at hand to a token: its serial with or without blanks, its last digits, its user's name or a part of it.

use super::failure::{Failure, unopened};
use super::problem::Problem;
use super::remedy::{SlotRemedy, TokenRemedy};
use super::state::TokenState;
use crate::inventory::{Inventory, SlotKey, TokenFilter, TokenRecord};
use crate::plain::{given, plain};

/// How many digits of a serial are enough to look for it.
const FEWEST_DIGITS: usize = 4;

/// How many hits are listed.
const LISTED: usize = 20;

/// The tokens that a text fits, by serial. The nearest way in that fits any token is the only one: the whole serial, its last
/// digits, the whole user, a part of the user. Case makes no difference.
///
/// # Errors
/// A failure of the inventory.
pub fn all(inventory: &dyn Inventory, text: &str) -> Result<Vec<TokenRecord>, Failure> {
    let (whole, slot) = SlotKey::of_text(text.trim());
    let serial: String = whole.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    for exact in [whole, serial.as_str()] {
        let mut slots = Vec::new();
        let filter = TokenFilter { serial: Some(exact.to_owned()), ..TokenFilter::default() };
        let mut keep = |token: TokenRecord| slots.push(token);
        inventory.visit_tokens(&filter, u64::MAX, &mut keep).map_err(|error| unopened(&error))?;
        slots.retain(|token| slot.is_none_or(|slot| token.key.slot == slot));
        if !slots.is_empty() {
            return Ok(slots);
        }
    }
    let is_digits = serial.len() >= FEWEST_DIGITS && serial.bytes().all(|byte| byte.is_ascii_digit());
    let user = text.trim().to_lowercase();
    let of = |token: &TokenRecord| token.user.as_ref().map(|user| user.to_lowercase()).unwrap_or_default();
    let ways: [&dyn Fn(&TokenRecord) -> bool; 3] = [
        &|token| is_digits && token.key.serial.ends_with(&serial) && slot.is_none_or(|slot| token.key.slot == slot),
        &|token| !user.is_empty() && of(token) == user,
        &|token| !user.is_empty() && of(token).contains(&user),
    ];
    let mut hits: [Vec<TokenRecord>; 3] = Default::default();
    let mut sort = |token: TokenRecord| {
        let way = ways.iter().zip(&mut hits).find(|(fits, _)| fits(&token));
        if let Some((_, hits)) = way {
            hits.push(token);
        }
    };
    inventory.visit_tokens(&TokenFilter::default(), u64::MAX, &mut sort).map_err(|error| unopened(&error))?;
    Ok(hits.into_iter().find(|hits| !hits.is_empty()).unwrap_or_default())
}

/// The one token that a text fits.
///
/// # Errors
/// A usage failure where there is none, or several, which it lists.
pub fn one(inventory: &dyn Inventory, text: &str) -> Result<TokenRecord, Failure> {
    let mut hits = all(inventory, text)?;
    if hits.len() > 1 {
        let problem = Problem::SeveralFit { typed: given(text), count: hits.len() };
        let is_one_device = hits
            .windows(2)
            .all(|pair| pair.first().map(|one| &one.key.serial) == pair.last().map(|one| &one.key.serial));
        let remedy = if is_one_device { TokenRemedy::Slot(SlotRemedy::UseSlot) } else { TokenRemedy::UseSerial };
        let mut failure = Failure::new(problem, TokenState::NotReached, remedy);
        failure.details = hits.iter().take(LISTED).map(line).collect();
        if hits.len() > LISTED {
            failure.details.push(format!("... and {} more", hits.len() - LISTED));
        }
        return Err(failure);
    }
    hits.pop()
        .ok_or_else(|| Failure::usage(format!("no token in the inventory matches {}", given(text)), TokenRemedy::Find))
}

/// A token in a line: serial, model, user.
fn line(token: &TokenRecord) -> String {
    let user = token.user.as_deref().map(|user| format!("  {}", plain(user))).unwrap_or_default();
    format!("  {}  {}{user}", token.name(), token.model.as_deref().unwrap_or("unknown model"))
}
