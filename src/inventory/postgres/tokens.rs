//! Tokens and events in their tables on the server.

use tokio_postgres::Row;

use super::columns::{fingerprint, measured, ms, odd, optional_time, profile, slot, time, word};
use super::holders;
use super::session::{Session, Trouble};
use crate::device::Profile;
use crate::inventory::{
    Candidate, Deed, Event, EventFilter, Fingerprint, KeyChange, Measured, Outcome, Pending, SeedChange, SlotKey,
    Station, TokenChange, TokenFilter, TokenLife, TokenRecord,
};
use crate::time::UnixTime;

/// Appends an event.
pub fn add_event(to: &mut Session, event: &Event) -> Result<(), Trouble> {
    let measured = |measured: Option<Measured>| {
        (measured.map(|measured| measured.drift_s), measured.map(|measured| measured.resolution_s))
    };
    let ((before, before_resolution), (after, after_resolution)) = (measured(event.before), measured(event.after));
    to.execute(
        "INSERT INTO events (at, job, desk, operator, reader, serial, slot, deed, outcome, before_s, before_resolution_s, after_s,
             after_resolution_s, state, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &[
            &ms(event.at),
            &event.job,
            &event.station.desk,
            &event.station.operator,
            &event.station.reader,
            &event.serial,
            &i32::from(event.slot),
            &event.deed.word(),
            &event.outcome.word(),
            &before,
            &before_resolution,
            &after,
            &after_resolution,
            &event.state,
            &event.detail,
        ],
    )
    .map(drop)
}

/// Keeps every other desk off the records of a device until the transaction ends; also where it has none yet.
pub fn lock(to: &mut Session, serial: &str) -> Result<(), Trouble> {
    to.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 8659))", &[&serial]).map(drop)
}

/// Changes what is known of a token; one that was not known is from now on.
///
/// # Errors
/// Those of [`TokenLife::after`], and [`InventoryError::Held`](crate::inventory::InventoryError::Held).
pub fn change(to: &mut Session, change: &TokenChange, at: UnixTime) -> Result<(), Trouble> {
    let earlier = life(to, &change.key)?;
    change_known(to, earlier, change, at)
}

/// The same, of a token that was read in this transaction already.
///
/// # Errors
/// Those of [`change`].
pub fn change_known(
    to: &mut Session,
    earlier: Option<TokenLife>,
    change: &TokenChange,
    at: UnixTime,
) -> Result<(), Trouble> {
    let later = TokenLife::after(earlier.clone(), change, at).map_err(Trouble::Rows)?;
    if let SeedChange::Is { seed, replaces, .. } = &change.seed {
        holders::hold(to, seed, &change.key, *replaces)?;
    }
    change_key(to, &change.key.serial, change.refused, at)?;
    put(to, earlier.as_ref(), &later)
}

/// Puts on record what a token said of a key.
fn change_key(to: &mut Session, serial: &str, change: KeyChange, at: UnixTime) -> Result<(), Trouble> {
    match change {
        KeyChange::Keep => Ok(()),
        KeyChange::Refused(key) => to
            .execute(
                "INSERT INTO refused_keys (serial, key, at) VALUES ($1, $2, $3)
                 ON CONFLICT (serial, key) DO UPDATE SET at = excluded.at",
                &[&serial, &key.as_bytes(), &ms(at)],
            )
            .map(drop),
        KeyChange::Accepted => to.execute("DELETE FROM refused_keys WHERE serial = $1", &[&serial]).map(drop),
    }
}

/// When a token last refused a key, if it accepted none since.
pub fn key_refused(from: &mut Session, serial: &str, key: &Fingerprint) -> Result<Option<UnixTime>, Trouble> {
    let found =
        from.first("SELECT at FROM refused_keys WHERE serial = $1 AND key = $2", &[&serial, &key.as_bytes()])?;
    found.map(|row| time(&row, "at")).transpose()
}

/// Keeps a seed as one that a token may hold beside the one that its record names.
pub fn add_candidate(
    to: &mut Session,
    key: &SlotKey,
    seed: &Fingerprint,
    sealed: Option<&[u8]>,
) -> Result<(), Trouble> {
    put_candidate(to, key, seed, sealed)?;
    holders::settle(to, key)
}

fn put_candidate(to: &mut Session, key: &SlotKey, seed: &Fingerprint, sealed: Option<&[u8]>) -> Result<(), Trouble> {
    to.execute(
        "INSERT INTO candidates (serial, slot, seed, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        &[&key.serial, &i32::from(key.slot), &seed.as_bytes(), &sealed],
    )
    .map(drop)
}

/// Everything that is kept of a token.
pub fn life(from: &mut Session, key: &SlotKey) -> Result<Option<TokenLife>, Trouble> {
    let Some(record) = get(from, key)? else { return Ok(None) };
    with_candidates(from, record).map(Some)
}

/// The same of a record that was read already.
pub fn with_candidates(from: &mut Session, record: TokenRecord) -> Result<TokenLife, Trouble> {
    let found = from.rows(
        "SELECT seed, sealed FROM candidates WHERE serial = $1 AND slot = $2 ORDER BY seed",
        &[&record.key.serial, &i32::from(record.key.slot)],
    )?;
    let candidate = |row: &Row| {
        let seed = fingerprint(row, "seed")?.ok_or_else(|| odd("seed"))?;
        Ok::<_, Trouble>(Candidate { seed, sealed: row.try_get("sealed")? })
    };
    let candidates = found.iter().map(candidate).collect::<Result<_, _>>()?;
    Ok(TokenLife { record, candidates })
}

/// Puts a token that is not there yet; who holds which seed is settled by the caller.
pub fn put_alone(to: &mut Session, life: &TokenLife) -> Result<(), Trouble> {
    put_record(to, &life.record)?;
    life.candidates
        .iter()
        .try_for_each(|candidate| put_candidate(to, &life.record.key, &candidate.seed, candidate.sealed.as_deref()))
}

/// Puts what is known of a token by now in the place of what was known.
fn put(to: &mut Session, earlier: Option<&TokenLife>, later: &TokenLife) -> Result<(), Trouble> {
    let key = &later.record.key;
    put_record(to, &later.record)?;
    let known = earlier.map_or(&[] as &[Candidate], |earlier| &earlier.candidates);
    for gone in known.iter().filter(|old| !later.candidates.contains(old)) {
        to.execute(
            "DELETE FROM candidates WHERE serial = $1 AND slot = $2 AND seed = $3",
            &[&key.serial, &i32::from(key.slot), &gone.seed.as_bytes()],
        )?;
    }
    for new in later.candidates.iter().filter(|new| !known.contains(new)) {
        put_candidate(to, key, &new.seed, new.sealed.as_deref())?;
    }
    let had: Vec<Fingerprint> = earlier.into_iter().flat_map(TokenLife::seeds).collect();
    if later.seeds().eq(had) { Ok(()) } else { holders::settle(to, key) }
}

/// The columns of a token's record after its key, in their order.
const COLUMNS: [&str; 25] = [
    "model",
    "emulated",
    "\"user\"",
    "hash",
    "step_s",
    "display_s",
    "first_seen",
    "last_seen",
    "drift_s",
    "resolution_s",
    "synced",
    "burned",
    "seed",
    "sealed",
    "erased",
    "erased_seed",
    "clock_stopped",
    "pending_job",
    "pending_deed",
    "pending_at",
    "pending_hash",
    "pending_step_s",
    "pending_display_s",
    "pending_seed",
    "pending_sealed",
];

fn put_record(to: &mut Session, record: &TokenRecord) -> Result<(), Trouble> {
    let profile = |profile: Option<Profile>| {
        let hash = profile.map(|profile| profile.hash().to_string());
        let seconds = |seconds: u32| i32::try_from(seconds).unwrap_or(i32::MAX);
        let step = profile.map(|profile| seconds(profile.step().seconds()));
        (hash, step, profile.map(|profile| seconds(profile.display().seconds())))
    };
    let pending = record.pending.as_ref();
    let ((hash, step_s, display_s), (pending_hash, pending_step_s, pending_display_s)) =
        (profile(record.profile), profile(pending.and_then(|pending| pending.profile)));
    let numbers: Vec<String> = (1..=COLUMNS.len() + 2).map(|number| format!("${number}")).collect();
    let set: Vec<String> = COLUMNS.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let sql = format!(
        "INSERT INTO tokens (serial, slot, {}) VALUES ({}) ON CONFLICT (serial, slot) DO UPDATE SET {}",
        COLUMNS.join(", "),
        numbers.join(", "),
        set.join(", ")
    );
    to.execute(
        &sql,
        &[
            &record.key.serial,
            &i32::from(record.key.slot),
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
            &record.erased.map(ms),
            &record.erased_seed.as_ref().map(Fingerprint::as_bytes),
            &record.clock_stopped.map(ms),
            &pending.map(|pending| pending.job),
            &pending.map(|pending| pending.deed.word()),
            &pending.map(|pending| ms(pending.at)),
            &pending_hash,
            &pending_step_s,
            &pending_display_s,
            &pending.and_then(|pending| pending.seed.as_ref()).map(Fingerprint::as_bytes),
            &pending.and_then(|pending| pending.sealed.as_ref()),
        ],
    )
    .map(drop)
}

/// The record of a token.
pub fn get(from: &mut Session, key: &SlotKey) -> Result<Option<TokenRecord>, Trouble> {
    let found =
        from.first("SELECT * FROM tokens WHERE serial = $1 AND slot = $2", &[&key.serial, &i32::from(key.slot)])?;
    found.as_ref().map(token).transpose()
}

/// Tokens by serial.
pub fn visit(
    from: &mut Session,
    filter: &TokenFilter,
    limit: u64,
    visit: &mut dyn FnMut(TokenRecord),
) -> Result<(), Trouble> {
    let found = from.rows(
        "SELECT * FROM tokens
         WHERE ($1::text IS NULL OR serial = $1) AND ($2::bigint IS NULL OR last_seen >= $2)
             AND ($3::bigint IS NULL OR last_seen < $3) AND ($4::bigint IS NULL OR coalesce(synced, 0) < $4)
             AND ($5::double precision IS NULL OR abs(drift_s) > $5)
             AND (NOT $6 OR sealed IS NOT NULL OR pending_sealed IS NOT NULL) AND (NOT $7 OR pending_job IS NOT NULL)
         ORDER BY serial, slot LIMIT $8",
        &[
            &filter.serial,
            &filter.since.map(ms),
            &filter.before.map(ms),
            &filter.synced_before.map(ms),
            &filter.drift_over,
            &filter.sealed,
            &filter.pending,
            &i64::try_from(limit).unwrap_or(i64::MAX),
        ],
    )?;
    found.iter().try_for_each(|row| token(row).map(&mut *visit))
}

/// The token in a row.
pub fn token(row: &Row) -> Result<TokenRecord, Trouble> {
    let pending = match row.try_get::<_, Option<i64>>("pending_job")? {
        None => None,
        Some(job) => Some(Pending {
            job,
            deed: word(row, "pending_deed", Deed::of_word)?,
            at: time(row, "pending_at")?,
            profile: profile(row, "pending_")?,
            seed: fingerprint(row, "pending_seed")?,
            sealed: row.try_get("pending_sealed")?,
        }),
    };
    Ok(TokenRecord {
        key: SlotKey { serial: row.try_get("serial")?, slot: slot(row, "slot")? },
        model: row.try_get("model")?,
        emulated: row.try_get("emulated")?,
        user: row.try_get("user")?,
        profile: profile(row, "")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        drift: measured(row, "drift_s", "resolution_s")?,
        synced: optional_time(row, "synced")?,
        burned: optional_time(row, "burned")?,
        seed: fingerprint(row, "seed")?,
        sealed: row.try_get("sealed")?,
        erased: optional_time(row, "erased")?,
        erased_seed: fingerprint(row, "erased_seed")?,
        clock_stopped: optional_time(row, "clock_stopped")?,
        pending,
    })
}

/// Events, newest first.
pub fn visit_events(
    from: &mut Session,
    filter: &EventFilter,
    limit: u64,
    visit: &mut dyn FnMut(Event),
) -> Result<(), Trouble> {
    // One statement for each way in, so that an index leads there.
    let by = match filter.serial {
        Some(_) => "serial = $1 AND at >= $2",
        None => "$1::text IS NULL AND at >= $2",
    };
    let sql = format!(
        "SELECT * FROM events WHERE {by} AND ($3::text IS NULL OR outcome = $3) AND ($4::text IS NULL OR deed = $4)
             AND ($5::text IS NULL OR position(lower($5) in lower(detail)) > 0)
             AND ($6::double precision IS NULL OR abs(before_s) > $6)
             AND ($8::integer IS NULL OR slot = $8)
         ORDER BY at DESC, id DESC LIMIT $7"
    );
    let found = from.rows(
        &sql,
        &[
            &filter.serial,
            &filter.since.map_or(i64::MIN, ms),
            &filter.outcome.map(Outcome::word),
            &filter.deed.map(Deed::word),
            &filter.detail,
            &filter.drift_over,
            &i64::try_from(limit).unwrap_or(i64::MAX),
            &filter.slot.map(i32::from),
        ],
    )?;
    found.iter().try_for_each(|row| event(row).map(&mut *visit))
}

/// The event in a row.
pub fn event(row: &Row) -> Result<Event, Trouble> {
    let station =
        Station { desk: row.try_get("desk")?, operator: row.try_get("operator")?, reader: row.try_get("reader")? };
    Ok(Event {
        at: time(row, "at")?,
        job: row.try_get("job")?,
        station,
        serial: row.try_get("serial")?,
        slot: slot(row, "slot")?,
        deed: word(row, "deed", Deed::of_word)?,
        outcome: word(row, "outcome", Outcome::of_word)?,
        before: measured(row, "before_s", "before_resolution_s")?,
        after: measured(row, "after_s", "after_resolution_s")?,
        state: row.try_get("state")?,
        detail: row.try_get("detail")?,
    })
}
