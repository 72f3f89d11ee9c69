//! Tokens and events in their tables.

use rusqlite::{Connection, Error, Row, ToSql, named_params, params};

use super::columns::{damaged, fingerprint, measured, ms, optional_time, profile, time, word};
use super::{Stopped, holders, keys, marks, sums};
use crate::device::Profile;
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
    let is_there = "SELECT 1 FROM candidates WHERE serial = ?1 AND slot = ?2 AND seed = ?3";
    match to.prepare_cached(is_there)?.exists(params![key.serial, key.slot, seed.as_bytes()])? {
        true => Ok(()),
        false => sums::CANDIDATES.put(to, &[&key.serial, &key.slot, &seed.as_bytes(), &sealed]),
    }
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
pub fn put(to: &Connection, earlier: Option<&TokenLife>, later: &TokenLife) -> Result<(), Error> {
    let key = &later.record.key;
    put_record(to, &later.record)?;
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
    let profile = |profile: Option<Profile>| {
        let hash = profile.map(|profile| profile.hash().to_string());
        (hash, profile.map(|profile| profile.step().seconds()), profile.map(|profile| profile.display().seconds()))
    };
    let pending = record.pending.as_ref();
    let ((hash, step_s, display_s), (pending_hash, pending_step_s, pending_display_s)) =
        (profile(record.profile), profile(pending.and_then(|pending| pending.profile)));
    // In the order of the columns that the checksum covers.
    let values: [&dyn ToSql; 25] = [
        &record.key.serial,
        &record.key.slot,
        &record.model,
        &record.emulated,
        &record.user,
        &hash,
        &step_s,
        &display_s,
        &ms(record.first_seen),
        &ms(record.last_seen),
        &record.drift.map(|measured| measured.drift_s),
        &record.drift.map(|measured| measured.resolution_s),
        &record.synced.map(ms),
        &record.burned.map(ms),
        &record.seed.as_ref().map(Fingerprint::as_bytes),
        &record.sealed,
        &pending.map(|pending| pending.job),
        &pending.map(|pending| pending.deed.word()),
        &pending.map(|pending| ms(pending.at)),
        &pending_hash,
        &pending_step_s,
        &pending_display_s,
        &pending.and_then(|pending| pending.seed.as_ref()).map(Fingerprint::as_bytes),
        &pending.and_then(|pending| pending.sealed.as_ref()),
        &record.erased.map(ms),
    ];
    sums::TOKENS.put(to, &values)
}

/// The record of a token.
///
/// # Errors
/// `SQLite`'s; a record whose checksum is not its own is one, and not "nothing known".
pub fn get(from: &Connection, key: &SlotKey) -> Result<Option<TokenRecord>, Error> {
    let select = format!(
        "SELECT {}, sum, {} FROM tokens WHERE serial = ?1 AND slot = ?2",
        sums::TOKENS.columns(),
        marks::COLUMNS
    );
    let mut select = from.prepare_cached(&select)?;
    let mut rows = select.query(params![key.serial, key.slot])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    if !sums::TOKENS.is_right(row)? {
        return Err(damaged("a token's record does not have its own checksum"));
    }
    marks::check(key, row)?;
    token(row).map(Some)
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
             AND (:slot IS NULL OR slot = :slot) AND (:deed IS NULL OR deed = :deed)
             AND (:detail IS NULL OR instr(lower(detail), lower(:detail)) > 0)
             AND (:over IS NULL OR abs(before_s) > :over)
         ORDER BY at DESC, id DESC LIMIT :limit"
    ))?;
    let found = select.query_map(
        named_params! {
            ":serial": filter.serial,
            ":slot": filter.slot,
            ":since": filter.since.map_or(i64::MIN, ms),
            ":outcome": filter.outcome.map(Outcome::word),
            ":deed": filter.deed.map(Deed::word),
            ":detail": filter.detail,
            ":over": filter.drift_over,
            ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
        },
        event,
    )?;
    found.into_iter().try_for_each(|event| event.map(&mut *visit))
}

/// The event in a row.
pub fn event(row: &Row<'_>) -> Result<Event, Error> {
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
