//! Jobs on tokens: one at a time for each token, whatever desk it is at.

use std::collections::HashSet;

use super::columns::{ms, time};
use super::session::{Session, Trouble};
use super::{batches, holders, tokens};
use crate::inventory::outbox::Waiting;
use crate::inventory::{BatchId, Begin, Begun, Entry, InventoryError, SeedChange, TokenRecord};
use crate::time::UnixTime;

/// This program, as an owner of jobs.
#[derive(Default, Clone)]
pub struct Owner {
    /// Its number on the server.
    pub number: i32,
    /// The jobs that it works at.
    pub jobs: HashSet<i64>,
    /// The rows that it let go of while the server was away.
    pub let_go: HashSet<(BatchId, u64)>,
}

/// Begins a job: see [`crate::inventory::Inventory::begin`]. `recipients` are those of this transaction.
pub fn begin(to: &mut Session, begin: &Begin<'_>, owner: &Owner, recipients: &[String]) -> Result<Begun, Trouble> {
    let key = &begin.token.key;
    let serial = key.serial.as_str();
    tokens::lock(to, serial)?;
    leave_lost(to, owner)?;
    check_free(to, serial, owner)?;
    let life = tokens::life(to, key)?;
    let earlier = life.as_ref().map(|life| life.record.clone());
    if !TokenRecord::is_same_basis(earlier.as_ref(), begin.basis) {
        return Err(Trouble::Rows(InventoryError::Changed(key.clone())));
    }
    let sealed = match begin.seed {
        Some(_) => (begin.seal)(recipients).map_err(Trouble::Rows)?,
        None => None,
    };
    let change = begin.change(earlier.as_ref(), sealed.clone());
    if let Some(seed) = &begin.seed {
        holders::hold(to, seed, key, begin.may_share(earlier.as_ref()))?;
    }
    if let Some(row) = &begin.row {
        batches::check_in_hand(to, row, owner.number)?;
        batches::change_row(to, row)?;
    }
    tokens::add_event(to, &begin.event)?;
    tokens::change_known(to, life, &change, begin.event.at)?;
    to.execute(
        "INSERT INTO leases (serial, job, owner, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (serial) DO UPDATE SET job = excluded.job, owner = excluded.owner, since = excluded.since",
        &[&serial, &begin.job, &owner.number, &ms(begin.event.at)],
    )?;
    Ok(Begun { earlier, sealed })
}

/// Ends a job: see [`crate::inventory::Inventory::end`]. Whether the record of the token was still this job's.
pub fn end(to: &mut Session, job: i64, entry: &Entry) -> Result<bool, Trouble> {
    let Some(change) = &entry.token else {
        keep(to, entry)?;
        return Ok(true);
    };
    tokens::lock(to, &change.key.serial)?;
    let lease = lease_of(to, &change.key.serial)?;
    if lease.is_some_and(|lease| lease.job == job) {
        keep(to, entry)?;
        to.execute("DELETE FROM leases WHERE serial = $1", &[&change.key.serial])?;
        return Ok(true);
    }
    tokens::add_event(to, &entry.event)?;
    if let SeedChange::Burned { seed, sealed } = &change.seed {
        tokens::add_candidate(to, &change.key, seed, sealed.as_deref())?;
    }
    // The row may be this job's all the same.
    match entry.row.as_ref().map(|row| batches::change_row(to, row)) {
        None | Some(Ok(()) | Err(Trouble::Rows(_))) => Ok(false),
        Some(Err(trouble)) => Err(trouble),
    }
}

/// Keeps an entry.
fn keep(to: &mut Session, entry: &Entry) -> Result<(), Trouble> {
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
pub fn keep_apart(to: &mut Session, entry: &Entry, owner: &Owner) -> Result<(), Trouble> {
    if let Some(change) = &entry.token {
        tokens::lock(to, &change.key.serial)?;
        if change.touches_job() {
            check_free(to, &change.key.serial, owner)?;
        }
    }
    keep(to, entry)
}

/// Lets go of the tokens of jobs of this program that have ended and whose end could not be recorded.
fn leave_lost(to: &mut Session, owner: &Owner) -> Result<(), Trouble> {
    let own = to.rows("SELECT serial, job FROM leases WHERE owner = $1", &[&owner.number])?;
    for lease in own {
        let (serial, job): (String, i64) = (lease.try_get("serial")?, lease.try_get("job")?);
        if !owner.jobs.contains(&job) {
            to.execute("DELETE FROM leases WHERE serial = $1 AND owner = $2", &[&serial, &owner.number])?;
        }
    }
    Ok(())
}

/// A job at work with a token.
struct Lease {
    job: i64,
    owner: i32,
    since: UnixTime,
    is_running: bool,
}

fn lease_of(from: &mut Session, serial: &str) -> Result<Option<Lease>, Trouble> {
    let sql = "SELECT job, owner, since, is_running(owner) AS runs FROM leases WHERE serial = $1";
    let Some(row) = from.first(sql, &[&serial])? else { return Ok(None) };
    let (job, owner, is_running) = (row.try_get("job")?, row.try_get("owner")?, row.try_get("runs")?);
    Ok(Some(Lease { job, owner, since: time(&row, "since")?, is_running }))
}

/// Since when a job is at work with a token. What a program left that has ended is nobody's.
pub fn at_work(from: &mut Session, serial: &str, owner: &Owner) -> Result<Option<UnixTime>, Trouble> {
    let works = |lease: &Lease| match lease.owner == owner.number {
        true => owner.jobs.contains(&lease.job),
        false => lease.is_running,
    };
    Ok(lease_of(from, serial)?.filter(works).map(|lease| lease.since))
}

/// Whether this job is the one at work with a device.
pub fn is_at_work(from: &mut Session, job: i64, serial: &str) -> Result<bool, Trouble> {
    Ok(lease_of(from, serial)?.is_some_and(|lease| lease.job == job))
}

/// Keeps what waited for the server, unless it is on record already: a record is told by its job and how that ended. What is known of
/// the token by now may be newer; then the event alone is kept.
pub fn replay(to: &mut Session, waiting: &Waiting) -> Result<(), Trouble> {
    let entry = waiting.entry();
    let event = &entry.event;
    // Also until a transaction is over that was sent before, and was not answered.
    tokens::lock(to, event.serial.as_deref().unwrap_or_default())?;
    let sql = "SELECT 1 FROM events WHERE job = $1 AND outcome = $2 AND at = $3 AND serial IS NOT DISTINCT FROM $4";
    if to.first(sql, &[&event.job, &event.outcome.word(), &ms(event.at), &event.serial])?.is_some() {
        return Ok(());
    }
    let Some(change) = &entry.token else { return keep(to, entry) };
    let begun_there = match waiting {
        Waiting::End(job, _) => lease_of(to, &change.key.serial)?.is_some_and(|lease| lease.job == *job),
        Waiting::Begin(_) | Waiting::Seen(_) => false,
    };
    if begun_there {
        return end(to, event.job, entry).map(drop);
    }
    let known = tokens::life(to, &change.key)?.map(|life| life.record);
    // The last write, by whatever clock it was dated; a mere sight of the token takes nothing back.
    let written = known.as_ref().and_then(|known| {
        let pending = known.pending.as_ref().filter(|pending| pending.job != event.job).map(|pending| pending.at);
        [known.synced, known.burned, known.erased, pending].into_iter().flatten().max()
    });
    let is_newer = written.is_some_and(|written| written > event.at);
    let pending = known.and_then(|known| known.pending);
    let is_own = pending.as_ref().is_some_and(|pending| pending.job == event.job);
    match waiting {
        // A job that another one has overtaken says what the token may hold, and changes nothing else.
        Waiting::End(job, _) if !is_own => end(to, *job, entry).map(drop),
        Waiting::Begin(_) if is_newer || pending.is_some() => keep(to, &Entry::of(event.clone())),
        Waiting::Seen(_) if is_newer => keep(to, &Entry::of(event.clone())),
        _ => keep(to, entry),
    }
}

/// Whether no job is at work with a token.
fn check_free(from: &mut Session, serial: &str, owner: &Owner) -> Result<(), Trouble> {
    match at_work(from, serial, owner)? {
        Some(since) => Err(Trouble::Rows(InventoryError::InUse { serial: serial.to_owned(), since })),
        None => Ok(()),
    }
}
