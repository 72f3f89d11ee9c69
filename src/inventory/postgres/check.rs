//! What is wrong with an inventory on a server, beyond what the server looks after itself: its files and their checksums.

use super::bounds::PATIENCE;
use super::session::{Session, Trouble};
use super::{Postgres, explained, holders, whole};
use crate::inventory::doubts::doubts;
use crate::inventory::{InventoryError, Kept, Piece};

/// The most findings that are put into words.
const MAX_FINDINGS: usize = 20;

/// Counts of what must not be, each with its words; `{named}` stands for [`holders::NAMED`].
const COUNTS: [(&str, &str); 5] = [
    (
        "SELECT 2 - count(*) FROM pg_trigger WHERE tgrelid = 'tokentap.events'::regclass AND tgenabled = 'O'
             AND tgname IN ('events_stay', 'events_last')",
        "triggers that keep events as they are, and are missing or switched off",
    ),
    (
        "SELECT count(DISTINCT seed) FROM ({named}) AS named WHERE seed NOT IN (SELECT seed FROM holders)",
        "seeds of tokens that have no holder",
    ),
    (
        "SELECT count(*) FROM holders AS held WHERE NOT EXISTS (SELECT 1 FROM ({named}) AS named
             WHERE named.seed = held.seed AND named.serial = held.serial AND named.slot = held.slot)",
        "seeds that are assigned to tokens without them",
    ),
    (
        "SELECT coalesce(sum(last - many), 0)::bigint FROM (
             SELECT max(number) AS last, count(*) AS many FROM batch_rows GROUP BY batch) AS rows",
        "rows of batches that are missing",
    ),
    (
        "SELECT count(*) FROM batch_rows WHERE state IN ('burned', 'checked') AND (serial IS NULL OR seed IS NULL)",
        "rows that are done, and have no token or seed",
    ),
];

impl Postgres {
    /// Everything that is wrong with the inventory, in words, as far as it can be found without the identity.
    ///
    /// # Errors
    /// [`InventoryError`]: the server is away, or this user may not look.
    pub fn findings(&self) -> Kept<Vec<String>> {
        let explain = |trouble| explained(&self.address, trouble);
        let mut session = Session::connect(&self.address).map_err(explain)?;
        let mut found = counted(&mut session).map_err(explain)?;
        let read = whole::visit_at_one_moment(&mut session, &mut |piece| {
            if let Piece::Token(life) = piece {
                found.extend(doubts(&life.record));
            }
            Ok(())
        });
        match read.map_err(explain) {
            Ok(()) => {}
            Err(InventoryError::Unfit { detail, .. }) => found.push(detail),
            Err(error) => return Err(error),
        }
        found.truncate(MAX_FINDINGS);
        Ok(found)
    }
}

fn counted(from: &mut Session) -> Result<Vec<String>, Trouble> {
    let mut found = Vec::new();
    from.batch("SET statement_timeout = 0")?;
    from.within(PATIENCE);
    for (sql, what) in COUNTS {
        let count: i64 = from
            .first(&sql.replace("{named}", holders::NAMED), &[])?
            .map(|row| row.try_get(0))
            .transpose()?
            .unwrap_or_default();
        if count != 0 {
            found.push(format!("{what}: {count}"));
        }
    }
    from.as_usual();
    Ok(found)
}
