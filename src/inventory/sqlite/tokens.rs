//! Tokens and events in their tables.

use rusqlite::{Connection, Error, OptionalExtension, Row, ToSql, named_params, params};

use super::columns::{damaged, fingerprint, measured, ms, optional_time, profile, time, word};
use super::{Stopped, holders, keys, marks, sums};
use crate::inventory::{
    Candidate, Deed, Event, EventFilter, Fingerprint, Measured, Outcome, Pending, SeedChange, SlotKey, Station,
    TokenChange, TokenFilter, TokenLife, TokenRecord,
};
use crate::time::UnixTime;

/// Appends an event.
pub fn add_event(to: &Connection, event: &Event) -> Result<(), Error> {
    let mut insert = to.prepare_cached(
        "INSERT INTO events (at, job, desk, operator, reader, serial, slot, deed, outcome, before_s,
             before_resolution_s, after_s, after_resolution_s, state, detail, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    let measured = |measured: Option<Measured>| {
        (measured.map(|measured| measured.drift_s), measured.map(|measured| measured.resolution_s))
    };
    let ((before, before_resolution), (after, after_resolution)) = (measured(event.before), measured(event.after));
    let values: [&dyn ToSql; 15] = [
        &ms(event.at),
        &event.job,
        &event.station.desk,
        &event.station.operator,
        &event.station.reader,
        &event.serial,
        &event.slot,
        &event.deed.word(),
        &event.outcome.word(),
        &before,
        &before_resolution,
        &after,
        &after_resolution,
        &event.state,
        &event.detail,
    ];
    // Summed here, not read back: an event is never changed.
    let sum = sums::of_params(&values)?;
    let with_sum: Vec<&dyn ToSql> = values.into_iter().chain([&sum as &dyn ToSql]).collect();
    insert.execute(with_sum.as_slice()).map(drop)
}

/// Changes what is known of a token; one that was not known is from now on.
///
/// # Errors
/// `SQLite`'s, damage of the token's record among them: it is not made right by writing over it. Those of
/// [`TokenLife::after`], and [`InventoryError::Held`](crate::inventory::InventoryError::Held).
pub fn change(to: &Connection, change: &TokenChange, at: UnixTime) -> Result<(), Stopped> {
    change_known(to, life(to, &change.key)?, change, at)
}

/// The same, of a token that was read in this transaction already.
///
/// # Errors
/// Those of [`change`].
pub fn change_known(
    to: &Connection,
    earlier: Option<TokenLife>,
    change: &TokenChange,
    at: UnixTime,
) -> Result<(), Stopped> {
    let later = TokenLife::after(earlier.clone(), change, at).map_err(Stopped::Rows)?;
    if let SeedChange::Is { seed, replaces, .. } = &change.seed {
        holders::hold(to, seed, &change.key, *replaces)?;
    }
    keys::change(to, &change.key.serial, change.refused, at)?;
    Ok(put(to, earlier.as_ref(), &later)?)
}

/// Keeps a seed as one that a token may hold beside the one that stands with it. The record is not read for it: where that is
/// damaged, the seed may be on the token all the same.
///
/// # Errors
/// `SQLite`'s.
pub fn add_candidate(to: &Connection, key: &SlotKey, seed: &Fingerprint, sealed: Option<&[u8]>) -> Result<(), Error> {
    put_candidate(to, key, seed, sealed)?;
    holders::settle(to, key)
}

fn put_candidate(to: &Connection, key: &SlotKey, seed: &Fingerprint, sealed: Option<&[u8]>) -> Result<(), Error> {
    to.prepare_cached("INSERT OR IGNORE INTO candidates (serial, slot, seed, sealed) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key.serial, key.slot, seed.as_bytes(), sealed])?;
    sums::CANDIDATES.stamp(to, &[&key.serial, &key.slot, &seed.as_bytes()])
}

/// Everything that is kept of a token.
///
/// # Errors
/// Those of [`get`].
pub fn life(from: &Connection, key: &SlotKey) -> Result<Option<TokenLife>, Error> {
    let Some(record) = get(from, key)? else { return Ok(None) };
    let mut select = from.prepare_cached("SELECT seed, sealed FROM candidates WHERE serial = ?1 AND slot = ?2")?;
    let candidates = select.query_map(params![key.serial, key.slot], |row| {
        let seed = fingerprint(row, "seed")?.ok_or_else(|| damaged("a seed that a token may hold is none"))?;
        Ok(Candidate { seed, sealed: row.get("sealed")? })
    })?;
    Ok(Some(TokenLife { record, candidates: candidates.collect::<Result<_, _>>()? }))
}

/// Puts what is known of a token by now in the place of what was known.
fn put(to: &Connection, earlier: Option<&TokenLife>, later: &TokenLife) -> Result<(), Error> {
    let key = &later.record.key;
    put_record(to, &later.record)?;
    sums::TOKENS.stamp(to, &[&key.serial, &key.slot])?;
    marks::put(to, earlier.map(|earlier| &earlier.record), &later.record)?;
    let known = earlier.map_or(&[] as &[Candidate], |earlier| &earlier.candidates);
    for gone in known.iter().filter(|old| !later.candidates.contains(old)) {
        to.prepare_cached("DELETE FROM candidates WHERE serial = ?1 AND slot = ?2 AND seed = ?3")?.execute(params![
            key.serial,
            key.slot,
            gone.seed.as_bytes()
        ])?;
    }
    for new in later.candidates.iter().filter(|new| !known.contains(new)) {
        put_candidate(to, key, &new.seed, new.sealed.as_deref())?;
    }
    let had: Vec<Fingerprint> = earlier.into_iter().flat_map(TokenLife::seeds).collect();
    if later.seeds().eq(had) { Ok(()) } else { holders::settle(to, key) }
}

fn put_record(to: &Connection, record: &TokenRecord) -> Result<(), Error> {
    let profile = record.profile;
    let pending = record.pending.as_ref();
    let written = pending.and_then(|pending| pending.profile);
    to.prepare_cached(
        "INSERT INTO tokens (serial, slot, model, emulated, user, hash, step_s, display_s, first_seen, last_seen, drift_s,
             resolution_s, synced, burned, seed, sealed, erased, pending_job, pending_deed, pending_at, pending_hash,
             pending_step_s, pending_display_s, pending_seed, pending_sealed)
         VALUES (:serial, :slot, :model, :emulated, :user, :hash, :step, :display, :first_seen, :last_seen, :drift, :resolution,
             :synced, :burned, :seed, :sealed, :erased, :pending_job, :pending_deed, :pending_at, :pending_hash,
             :pending_step, :pending_display, :pending_seed, :pending_sealed)
         ON CONFLICT (serial, slot) DO UPDATE SET
             model = excluded.model, emulated = excluded.emulated, user = excluded.user, hash = excluded.hash,
             step_s = excluded.step_s, display_s = excluded.display_s, first_seen = excluded.first_seen,
             last_seen = excluded.last_seen, drift_s = excluded.drift_s, resolution_s = excluded.resolution_s,
             synced = excluded.synced, burned = excluded.burned, seed = excluded.seed, sealed = excluded.sealed,
             erased = excluded.erased, pending_job = excluded.pending_job, pending_deed = excluded.pending_deed,
             pending_at = excluded.pending_at, pending_hash = excluded.pending_hash,
             pending_step_s = excluded.pending_step_s, pending_display_s = excluded.pending_display_s,
             pending_seed = excluded.pending_seed, pending_sealed = excluded.pending_sealed",
    )?
    .execute(named_params! {
        ":serial": record.key.serial,
        ":slot": record.key.slot,
        ":model": record.model,
        ":emulated": record.emulated,
        ":user": record.user,
        ":hash": profile.map(|profile| profile.hash().to_string()),
        ":step": profile.map(|profile| profile.step().seconds()),
        ":display": profile.map(|profile| profile.display().seconds()),
        ":first_seen": ms(record.first_seen),
        ":last_seen": ms(record.last_seen),
        ":drift": record.drift.map(|measured| measured.drift_s),
        ":resolution": record.drift.map(|measured| measured.resolution_s),
        ":synced": record.synced.map(ms),
        ":burned": record.burned.map(ms),
        ":seed": record.seed.as_ref().map(Fingerprint::as_bytes),
        ":sealed": record.sealed,
        ":erased": record.erased.map(ms),
        ":pending_job": pending.map(|pending| pending.job),
        ":pending_deed": pending.map(|pending| pending.deed.word()),
        ":pending_at": pending.map(|pending| ms(pending.at)),
        ":pending_hash": written.map(|profile| profile.hash().to_string()),
        ":pending_step": written.map(|profile| profile.step().seconds()),
        ":pending_display": written.map(|profile| profile.display().seconds()),
        ":pending_seed": pending.and_then(|pending| pending.seed.as_ref()).map(Fingerprint::as_bytes),
        ":pending_sealed": pending.and_then(|pending| pending.sealed.as_ref()),
    })
    .map(drop)
}

/// What is known of a token.
///
/// # Errors
/// `SQLite`'s; a record whose checksum is not its own is one, and not "nothing known".
pub fn get(from: &Connection, key: &SlotKey) -> Result<Option<TokenRecord>, Error> {
    match sums::TOKENS.is_right(from, &[&key.serial, &key.slot])? {
        None => return Ok(None),
        Some(true) => {}
        Some(false) => return Err(damaged("a token's record does not have its own checksum")),
    }
    marks::check(from, key)?;
    let select = format!("SELECT *, {} FROM tokens WHERE serial = ?1 AND slot = ?2", marks::COLUMNS);
    from.prepare_cached(&select)?.query_row(params![key.serial, key.slot], token).optional()
}

/// Tokens by serial.
pub fn visit(
    from: &Connection,
    filter: &TokenFilter,
    limit: u64,
    visit: &mut dyn FnMut(TokenRecord),
) -> Result<(), Error> {
    let mut select = from.prepare_cached(&format!(
        "SELECT *, {} FROM tokens
         WHERE (:serial IS NULL OR serial = :serial) AND (:since IS NULL OR last_seen >= :since)
             AND (:before IS NULL OR last_seen < :before)
             AND (:synced_before IS NULL OR coalesce(synced, 0) < :synced_before)
             AND (:over IS NULL OR abs(drift_s) > :over)
             AND (NOT :sealed OR sealed IS NOT NULL OR pending_sealed IS NOT NULL)
             AND (NOT :pending OR pending_job IS NOT NULL)
         ORDER BY serial, slot LIMIT :limit",
        marks::COLUMNS
    ))?;
    let found = select.query_map(
        named_params! {
            ":serial": filter.serial,
            ":since": filter.since.map(ms),
            ":before": filter.before.map(ms),
            ":synced_before": filter.synced_before.map(ms),
            ":over": filter.drift_over,
            ":sealed": filter.sealed,
            ":pending": filter.pending,
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        },
        token,
    )?;
    found.into_iter().try_for_each(|token| token.map(&mut *visit))
}

fn token(row: &Row<'_>) -> Result<TokenRecord, Error> {
    let pending = match row.get("pending_job")? {
        None => None,
        Some(job) => Some(Pending {
            job,
            deed: word(row, "pending_deed", Deed::of_word)?,
            at: time(row, "pending_at")?,
            profile: profile(row, "pending_")?,
            seed: fingerprint(row, "pending_seed")?,
            sealed: row.get("pending_sealed")?,
        }),
    };
    Ok(TokenRecord {
        key: SlotKey { serial: row.get("serial")?, slot: row.get("slot")? },
        model: row.get("model")?,
        emulated: row.get("emulated")?,
        user: row.get("user")?,
        profile: profile(row, "")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        drift: measured(row, "drift_s", "resolution_s")?,
        synced: optional_time(row, "synced")?,
        burned: optional_time(row, "burned")?,
        seed: fingerprint(row, "seed")?,
        sealed: row.get("sealed")?,
        erased: optional_time(row, "erased")?,
        erased_seed: fingerprint(row, "erased_seed")?,
        clock_stopped: optional_time(row, "clock_stopped")?,
        pending,
    })
}

/// Events, newest first.
pub fn visit_events(
    from: &Connection,
    filter: &EventFilter,
    limit: u64,
    visit: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    // One statement for each way in, so that an index leads there.
    let by = match filter.serial {
        Some(_) => "serial = :serial AND at >= :since",
        None => ":serial IS NULL AND at >= :since",
    };
    let mut select = from.prepare_cached(&format!(
        "SELECT * FROM events WHERE {by} AND (:outcome IS NULL OR outcome = :outcome)
             AND (:detail IS NULL OR instr(lower(detail), lower(:detail)) > 0)
             AND (:over IS NULL OR abs(before_s) > :over)
         ORDER BY at DESC, id DESC LIMIT :limit"
    ))?;
    let found = select.query_map(
        named_params! {
            ":serial": filter.serial,
            ":since": filter.since.map_or(i64::MIN, ms),
            ":outcome": filter.outcome.map(Outcome::word),
            ":detail": filter.detail,
            ":over": filter.drift_over,
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        },
        event,
    )?;
    found.into_iter().try_for_each(|event| event.map(&mut *visit))
}

fn event(row: &Row<'_>) -> Result<Event, Error> {
    Ok(Event {
        at: time(row, "at")?,
        job: row.get("job")?,
        station: Station { desk: row.get("desk")?, operator: row.get("operator")?, reader: row.get("reader")? },
        serial: row.get("serial")?,
        slot: row.get("slot")?,
        deed: word(row, "deed", Deed::of_word)?,
        outcome: word(row, "outcome", Outcome::of_word)?,
        before: measured(row, "before_s", "before_resolution_s")?,
        after: measured(row, "after_s", "after_resolution_s")?,
        state: row.get("state")?,
        detail: row.get("detail")?,
    })
}
