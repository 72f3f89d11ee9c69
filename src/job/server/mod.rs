//! What is done at an authentication server: seeds handed over, codes accepted again, and what the server believes read back.
//!
//! Every request that changes something there is on record before it is sent, and what became of it afterwards: the journal of
//! deliveries. A request whose end is not known is settled by a look, never by sending it again.

mod after_sync;
mod check_list;
mod codes;
mod compare;
mod hand_over;
mod hindrance;
mod journal;
mod marks;
mod mend;
mod mended_by_hand;
mod plan;
mod pull;
mod ready;
mod resync;

pub use after_sync::{AfterSync, ByHand, Mender, after_sync, seed_for_codes};
pub use check_list::{HinderedRows, ListedRow, check_list};
pub use codes::codes_before;
pub use compare::{Difference, compare};
pub use hand_over::{Handed, hand_over};
pub use hindrance::Hindrance;
pub(super) use marks::Marks;
pub use marks::{catch_up, expecting, is_clock_settled, is_moved_far, leave_open, may_need_mending};
pub use mend::{MendTerms, Mended, mend};
pub use mended_by_hand::mended_by_hand;
pub use plan::{Doing, HandOverTerms, Planned, PlannedOrNot, plan};
pub use pull::{Pulled, pull};
pub use ready::Ready;
pub use resync::{resync, servers_with};

use std::time::Duration;

use crate::inventory::{Deed, Event, Inventory, Outcome, SlotKey, Station};
use crate::server::{AuthServer, ServerError};
use crate::time::HostClock;

/// A server that is worked with, and everything around it.
pub struct Work<'a> {
    /// The inventory.
    pub books: &'a dyn Inventory,
    /// The server's name there.
    pub name: &'a str,
    /// The server.
    pub server: &'a dyn AuthServer,
    /// The host's clock.
    pub clock: &'a dyn HostClock,
    /// Where and by whom.
    pub station: &'a Station,
    /// The user's remark on everything that is recorded.
    pub remark: Option<&'a str>,
    /// Waits; `false` where somebody wants the program to end.
    pub pause: &'a dyn Fn(Duration) -> bool,
}

/// How often a code is made anew for a server that asked for a pause.
const CODES_ANEW: u32 = 3;

/// The longest pause after which that is done.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Work<'_> {
    /// Sends a request with a code in it: after a pause that the server asks for, with the code of then.
    ///
    /// # Errors
    /// The server's.
    fn with_code<T>(&self, send: &dyn Fn() -> Result<T, ServerError>) -> Result<T, ServerError> {
        for _ in 0..CODES_ANEW {
            match send() {
                Err(ServerError::Busy { host, pause }) => {
                    let span = pause.unwrap_or(Duration::from_secs(2));
                    if span > LONGEST_PAUSE || !(self.pause)(span) {
                        return Err(ServerError::Busy { host, pause });
                    }
                }
                other => return other,
            }
        }
        send()
    }

    /// An event of now about a token at the server.
    fn event(&self, key: &SlotKey, job: i64, deed: Deed, outcome: Outcome, detail: String) -> Event {
        let detail = match self.remark {
            Some(remark) => format!("{remark}; {detail}"),
            None => detail,
        };
        Event {
            at: self.clock.now().wall,
            job,
            station: self.station.clone(),
            serial: Some(key.serial.clone()),
            slot: key.slot,
            deed,
            outcome,
            before: None,
            after: None,
            state: None,
            detail: Some(detail),
        }
    }
}
