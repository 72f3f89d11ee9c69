//! Tokens and events in their tables.

use rusqlite::{Connection, Error, OptionalExtension, Row, ToSql, named_params, params};

use super::columns::{damaged, fingerprint, measured, ms, optional_time, profile, time, word};
use super::{Stopped, holders, keys, marks, sums};
use crate::inventory::{
    Deed, Event, EventFilter, Fingerprint, InventoryError, Measured, Outcome, Pending, PendingChange, SeedChange,
    Station, TokenChange, TokenFilter, TokenRecord,
};
use crate::time::UnixTime;
use crate::token::Profile;

/// Appends an event.
pub fn add_event(to: &Connection, event: &Event) -> Result<(), Error> {
    let mut insert = to.prepare_cached(
        "INSERT INTO events (at, job, desk, operator, reader, serial, deed, outcome, before_s, before_resolution_s,
             after_s, after_resolution_s, state, detail, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let measured = |measured: Option<Measured>| {
        (measured.map(|measured| measured.drift_s), measured.map(|measured| measured.resolution_s))
    };
    let ((before, before_resolution), (after, after_resolution)) = (measured(event.before), measured(event.after));
    let values: [&dyn ToSql; 14] = [
        &ms(event.at),
        &event.job,
        &event.station.desk,
        &event.station.operator,
        &event.station.reader,
        &event.serial,
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
pub fn change(to: &Connection, change: &TokenChange, at: UnixTime) -> Result<(), Stopped> {
    let now = ms(at);
    let seen = change.seen.map(ms);
    let mut put = to.prepare_cached(
        "INSERT INTO tokens (serial, model, emulated, user, hash, step_s, display_s, first_seen, last_seen, drift_s,
             resolution_s, synced)
         VALUES (:serial, :model, :emulated, :user, :hash, :step, :display, coalesce(:seen, :now), coalesce(:seen, :now),
             :drift, :resolution, :synced)
         ON CONFLICT (serial) DO UPDATE SET
             model = coalesce(excluded.model, model), emulated = max(emulated, excluded.emulated),
             user = CASE WHEN :unassigned THEN NULL ELSE coalesce(excluded.user, user) END,
             hash = coalesce(excluded.hash, hash),
             step_s = coalesce(excluded.step_s, step_s), display_s = coalesce(excluded.display_s, display_s),
             last_seen = coalesce(:seen, last_seen), drift_s = coalesce(excluded.drift_s, drift_s),
             resolution_s = coalesce(excluded.resolution_s, resolution_s), synced = coalesce(excluded.synced, synced)",
    )?;
    put.execute(named_params! {
        ":serial": change.serial,
        ":model": change.model,
        ":emulated": change.emulated,
        ":user": change.user,
        ":unassigned": change.unassigned,
        ":hash": change.profile.map(|profile| profile.hash().to_string()),
        ":step": change.profile.map(|profile| profile.step().seconds()),
        ":display": change.profile.map(|profile| profile.display().seconds()),
        ":seen": seen,
        ":now": now,
        ":drift": change.drift.map(|measured| measured.drift_s),
        ":resolution": change.drift.map(|measured| measured.resolution_s),
        ":synced": change.synced.then_some(now),
    })?;
    keys::change(to, &change.serial, change.key, at)?;
    marks::clock(to, &change.serial, change.clock, at)?;
    if let SeedChange::Is { seed, replaces, .. } = &change.seed {
        check_import(to, &change.serial, seed, *replaces)?;
    }
    change_seed(to, &change.serial, &change.seed, now)?;
    if !matches!(change.seed, SeedChange::Keep | SeedChange::Is { .. }) {
        to.prepare_cached("DELETE FROM candidates WHERE serial = ?1")?.execute([&change.serial])?;
    }
    match &change.pending {
        PendingChange::Keep => {}
        PendingChange::Over => set_pending(to, &change.serial, None)?,
        PendingChange::Begins(pending) => {
            // The seed of an earlier job of unknown end may be on the token still.
            let earlier = get_changing(to, &change.serial)?.and_then(|token| token.pending);
            if let Some(Pending { seed: Some(seed), sealed, .. }) = earlier.filter(|old| old.seed != pending.seed) {
                add_candidate(to, &change.serial, &seed, sealed.as_deref())?;
            }
            set_pending(to, &change.serial, Some(pending))?;
        }
        PendingChange::Restored(pending) => {
            to.prepare_cached("DELETE FROM candidates WHERE serial = ?1 AND seed IS ?2")?
                .execute(params![change.serial, pending.seed.as_ref().map(Fingerprint::as_bytes)])?;
            set_pending(to, &change.serial, Some(pending))?;
        }
    }
    sums::TOKENS.stamp(to, &[&change.serial])?;
    if change.seed == SeedChange::Keep && change.pending == PendingChange::Keep {
        return Ok(());
    }
    Ok(holders::settle(to, &change.serial)?)
}

/// Whether a seed from a file may be taken as that of a token.
fn check_import(to: &Connection, serial: &str, seed: &Fingerprint, replaces: bool) -> Result<(), Stopped> {
    let token = get_changing(to, serial)?;
    let others = token.map(|token| [token.seed, token.pending.and_then(|pending| pending.seed)]);
    if !replaces && others.is_some_and(|others| others.iter().flatten().any(|known| known != seed)) {
        return Err(Stopped::Rows(InventoryError::OtherSeed(serial.to_owned())));
    }
    holders::hold(to, seed, serial, replaces)
}

/// Keeps a seed as one that a token may hold beside the one that stands with it.
pub fn add_candidate(to: &Connection, serial: &str, seed: &Fingerprint, sealed: Option<&[u8]>) -> Result<(), Error> {
    to.prepare_cached("INSERT OR IGNORE INTO candidates (serial, seed, sealed) VALUES (?1, ?2, ?3)")?
        .execute(params![serial, seed.as_bytes(), sealed])?;
    sums::CANDIDATES.stamp(to, &[&serial, &seed.as_bytes()])
}

fn change_seed(to: &Connection, serial: &str, seed: &SeedChange, now: i64) -> Result<(), Error> {
    if *seed != SeedChange::Keep {
        let held = get_changing(to, serial)?.and_then(|token| token.seed);
        marks::seed(to, serial, held.as_ref(), seed, now)?;
    }
    let changed = match seed {
        SeedChange::Keep => return Ok(()),
        SeedChange::Is { seed, sealed, .. } => to
            .prepare_cached("UPDATE tokens SET seed = ?2, sealed = ?3 WHERE serial = ?1")?
            .execute(params![serial, seed.as_bytes(), sealed]),
        SeedChange::Burned { seed, sealed } => to
            .prepare_cached(
                "UPDATE tokens SET seed = ?3, sealed = ?4, burned = ?2, erased = NULL WHERE serial = ?1",
            )?
            .execute(params![serial, now, seed.as_bytes(), sealed]),
        SeedChange::Erased => to
            .prepare_cached("UPDATE tokens SET seed = NULL, sealed = NULL, erased = ?2 WHERE serial = ?1")?
            .execute(params![serial, now]),
        SeedChange::Lost => {
            to.prepare_cached("UPDATE tokens SET erased = ?2 WHERE serial = ?1")?.execute(params![serial, now])
        }
        SeedChange::Forgotten => to
            .prepare_cached(
                "UPDATE tokens SET seed = NULL, sealed = NULL, pending_seed = NULL, pending_sealed = NULL WHERE serial = ?1",
            )?
            .execute([serial]),
    };
    changed.map(drop)
}

fn set_pending(to: &Connection, serial: &str, pending: Option<&Pending>) -> Result<(), Error> {
    let written = pending.and_then(|pending| pending.profile);
    to.prepare_cached(
        "UPDATE tokens SET pending_job = :job, pending_deed = :deed, pending_at = :at, pending_hash = :hash,
             pending_step_s = :step, pending_display_s = :display, pending_seed = :seed, pending_sealed = :sealed
         WHERE serial = :serial",
    )?
    .execute(named_params! {
        ":serial": serial,
        ":job": pending.map(|pending| pending.job),
        ":deed": pending.map(|pending| pending.deed.word()),
        ":at": pending.map(|pending| ms(pending.at)),
        ":hash": written.map(|profile: Profile| profile.hash().to_string()),
        ":step": written.map(|profile| profile.step().seconds()),
        ":display": written.map(|profile| profile.display().seconds()),
        ":seed": pending.and_then(|pending| pending.seed.as_ref()).map(Fingerprint::as_bytes),
        ":sealed": pending.and_then(|pending| pending.sealed.as_ref()),
    })
    .map(drop)
}

/// What is known of a token.
///
/// # Errors
/// `SQLite`'s; a record whose checksum is not its own is one, and not "nothing known".
pub fn get(from: &Connection, serial: &str) -> Result<Option<TokenRecord>, Error> {
    match sums::TOKENS.is_right(from, &[&serial])? {
        None => return Ok(None),
        Some(true) => {}
        Some(false) => return Err(damaged("a token's record does not have its own checksum")),
    }
    marks::check(from, serial)?;
    get_changing(from, serial)
}

/// The record of a token in the middle of a change, when its checksum is still that of before.
fn get_changing(from: &Connection, serial: &str) -> Result<Option<TokenRecord>, Error> {
    let select = format!("SELECT *, {} FROM tokens WHERE serial = ?1", marks::COLUMNS);
    from.prepare_cached(&select)?.query_row([serial], token).optional()
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
         ORDER BY serial LIMIT :limit",
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
        serial: row.get("serial")?,
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
        deed: word(row, "deed", Deed::of_word)?,
        outcome: word(row, "outcome", Outcome::of_word)?,
        before: measured(row, "before_s", "before_resolution_s")?,
        after: measured(row, "after_s", "after_resolution_s")?,
        state: row.get("state")?,
        detail: row.get("detail")?,
    })
}
