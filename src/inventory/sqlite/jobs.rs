//! Jobs on tokens: one at a time for each token, each with its own seed from its beginning to its end.

use rusqlite::{Connection, Error, OptionalExtension, params};

use super::columns::{ms, time};
use super::owner::Owner;
use super::{Stopped, batches, holders, tokens};
use crate::inventory::{Begin, Begun, Entry, InventoryError, SeedChange, TokenRecord};
use crate::time::UnixTime;

/// Begins a job: see [`crate::inventory::Inventory::begin`]. `recipients` are those of this transaction.
pub fn begin(to: &Connection, begin: &Begin<'_>, owner: &mut Owner, recipients: &[String]) -> Result<Begun, Stopped> {
    let key = &begin.token.key;
    let serial = key.serial.as_str();
    let me = owner.number().map_err(Stopped::Owner)?;
    leave_lost(to, me, owner)?;
    check_free(to, serial, owner)?;
    let life = tokens::life(to, key)?;
    let earlier = life.as_ref().map(|life| life.record.clone());
    if !TokenRecord::is_same_basis(earlier.as_ref(), begin.basis) {
        return Err(Stopped::Rows(InventoryError::Changed(key.clone())));
    }
    let sealed = match begin.seed {
        Some(_) => (begin.seal)(recipients).map_err(Stopped::Rows)?,
        None => None,
    };
    let change = begin.change(earlier.as_ref(), sealed.clone());
    if let Some(seed) = &begin.seed {
        holders::hold(to, seed, key, begin.may_share(earlier.as_ref()))?;
    }
    if let Some(row) = &begin.row {
        batches::change_row(to, row)?;
    }
    tokens::add_event(to, &begin.event)?;
    tokens::change_known(to, life, &change, begin.event.at)?;
    to.prepare_cached("INSERT OR REPLACE INTO leases (serial, job, owner, since) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![serial, begin.job, me, ms(begin.event.at)])?;
    Ok(Begun { earlier, sealed })
}

/// Ends a job: see [`crate::inventory::Inventory::end`]. Whether the record of the token was still this job's.
pub fn end(to: &Connection, job: i64, entry: &Entry) -> Result<bool, Stopped> {
    let Some(change) = &entry.token else {
        keep(to, entry)?;
        return Ok(true);
    };
    let lease = lease_of(to, &change.key.serial)?;
    if lease.is_some_and(|lease| lease.job == job) {
        keep(to, entry)?;
        to.prepare_cached("DELETE FROM leases WHERE serial = ?1")?.execute([&change.key.serial])?;
        return Ok(true);
    }
    tokens::add_event(to, &entry.event)?;
    if let SeedChange::Burned { seed, sealed } = &change.seed {
        tokens::add_candidate(to, &change.key, seed, sealed.as_deref())?;
    }
    // The row may be this job's all the same.
    match entry.row.as_ref().map(|row| batches::change_row(to, row)) {
        None | Some(Ok(()) | Err(Stopped::Rows(_))) => Ok(false),
        Some(Err(stopped)) => Err(stopped),
    }
}

/// Keeps an entry.
pub fn keep(to: &Connection, entry: &Entry) -> Result<(), Stopped> {
    tokens::add_event(to, &entry.event)?;
    if let Some(change) = &entry.token {
        tokens::change(to, change, entry.event.at)?;
    }
    if let Some(change) = &entry.row {
        batches::change_row(to, change)?;
    }
    Ok(())
}

/// Keeps an entry about the record of a token: not while a job is at work with it, and with no seed that another holds.
pub fn keep_apart(to: &Connection, entry: &Entry, owner: &Owner) -> Result<(), Stopped> {
    if let Some(change) = entry.token.as_ref().filter(|change| change.touches_job()) {
        check_free(to, &change.key.serial, owner)?;
    }
    keep(to, entry)
}

/// Lets go of the tokens of jobs of this program that have ended and whose end could not be recorded.
fn leave_lost(to: &Connection, me: i64, owner: &Owner) -> Result<(), Error> {
    let mut select = to.prepare_cached("SELECT serial, job FROM leases WHERE owner = ?1")?;
    let own = select.query_map([me], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    for lease in own.collect::<Result<Vec<_>, _>>()? {
        if !owner.works_at(me, lease.1) {
            to.prepare_cached("DELETE FROM leases WHERE serial = ?1 AND owner = ?2")?.execute(params![lease.0, me])?;
        }
    }
    Ok(())
}

/// A job at work with a token.
struct Lease {
    job: i64,
    owner: i64,
    since: UnixTime,
}

fn lease_of(from: &Connection, serial: &str) -> Result<Option<Lease>, Error> {
    from.prepare_cached("SELECT job, owner, since FROM leases WHERE serial = ?1")?
        .query_row([serial], |row| Ok(Lease { job: row.get(0)?, owner: row.get(1)?, since: time(row, "since")? }))
        .optional()
}

/// Since when a job is at work with a token. What a program left that has ended is nobody's.
pub fn at_work(from: &Connection, serial: &str, owner: &Owner) -> Result<Option<UnixTime>, Error> {
    let lease = lease_of(from, serial)?;
    Ok(lease.filter(|lease| owner.works_at(lease.owner, lease.job)).map(|lease| lease.since))
}

/// Whether no job is at work with a token.
fn check_free(from: &Connection, serial: &str, owner: &Owner) -> Result<(), Stopped> {
    match at_work(from, serial, owner)? {
        Some(since) => Err(Stopped::Rows(InventoryError::InUse { serial: serial.to_owned(), since })),
        None => Ok(()),
    }
}
