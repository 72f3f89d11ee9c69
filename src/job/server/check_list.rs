//! What of a list could not go to a server, found before the first of its seeds is burned.

use super::Work;
use super::hindrance::Hindrance;
use super::plan::{HandOverTerms, Planner, delivery_of};
use crate::inventory::{Delivery, DeliveryStep, SlotKey};
use crate::seedfile::Row;
use crate::server::ServerError;

/// A row as it will be once it is burned; its place is its number in the list.
pub struct ListedRow {
    /// The row.
    pub row: Row,
    /// The list names its token.
    pub is_named: bool,
}

/// What stands in the way, and the numbers of the rows that it concerns.
pub type HinderedRows = Vec<(Hindrance, Vec<u64>)>;

/// Finds the rows of a list that the server could not be given: users whom it does not know for certain, profiles that it does not take,
/// and serials of which it has a token already that did not go there from here.
///
/// # Errors
/// The server's, where it cannot be asked at all.
pub fn check_list(work: &Work<'_>, rows: impl Iterator<Item = ListedRow>) -> Result<HinderedRows, ServerError> {
    // Signed in also where there is nothing to look up.
    work.server.standing()?;
    let mut planner = Planner::new(work, HandOverTerms::default());
    let mut hindered = HinderedRows::new();
    for listed in rows {
        match check_row(work, &mut planner, &listed) {
            Ok(()) => {}
            Err(Hindrance::Server(error)) => return Err(error),
            Err(why) => {
                let number = listed.row.place.line;
                match hindered.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, numbers)) => numbers.push(number),
                    None => hindered.push((why, vec![number])),
                }
            }
        }
    }
    Ok(hindered)
}

fn check_row(work: &Work<'_>, planner: &mut Planner<'_, '_>, listed: &ListedRow) -> Result<(), Hindrance> {
    let ListedRow { row, is_named } = listed;
    if let Some(why) = work.server.refuses(row) {
        return Err(Hindrance::Unusable(why));
    }
    if let Some(name) = &row.user {
        planner.user(name)?;
    }
    let Some(serial) = row.serial.as_ref().filter(|_| *is_named) else { return Ok(()) };
    let known = delivery_of(work, &SlotKey::only(serial.clone()))?;
    let is_on_its_way = |one: &Delivery| one.step.is_there() || one.step == DeliveryStep::Sent;
    // The same seed, which went there from here: a batch that is run again finds it.
    if known.as_ref().is_some_and(|one| is_on_its_way(one) && one.seed == work.books.fingerprint_key().of(&row.seed)) {
        return Ok(());
    }
    let is_older = known.is_some_and(|one| one.step.is_there());
    match work.server.tokens(serial).map_err(Hindrance::Server)?.as_slice() {
        [] => Ok(()),
        [there] => Err(Hindrance::Taken { user: there.user.clone(), is_older }),
        several => Err(Hindrance::Several(several.len())),
    }
}
