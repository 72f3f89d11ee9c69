//! Retention: events that are older than they need to be.

use super::bounds::PATIENCE;
use super::columns::ms;
use super::session::{Session, Trouble};
use super::{roles, tokens};
use crate::inventory::Event;
use crate::time::UnixTime;

/// Removes the events from before a time, in the transaction in which `event` says so. The last code of each token that was judged
/// stays: what is advised for the token depends on it. So does whatever says to whom seeds were sealed, and what was removed.
pub fn prune(to: &mut Session, before: UnixTime, event: &Event) -> Result<u64, Trouble> {
    roles::be_owner(to)?;
    to.batch("SET LOCAL tokentap.prunes = 'yes'; SET LOCAL statement_timeout = 0")?;
    to.within(PATIENCE);
    let gone = to.execute(
        "DELETE FROM events AS e WHERE at < $1 AND deed NOT IN ('init', 'prune') AND NOT (deed = 'verify' AND NOT EXISTS (
             SELECT 1 FROM events AS later WHERE later.serial = e.serial AND later.deed = 'verify'
                 AND (later.at, later.id) > (e.at, e.id)))",
        &[&ms(before)],
    );
    to.as_usual();
    let gone = gone?;
    let many = crate::words::counted(gone, "event");
    let detail = format!("{many} from before {} removed", before.format("%Y-%m-%d %H:%M:%S UTC"));
    let detail = event.detail.as_ref().map_or(detail.clone(), |remark| format!("{remark}; {detail}"));
    tokens::add_event(to, &Event { detail: Some(detail), ..event.clone() })?;
    Ok(gone)
}
