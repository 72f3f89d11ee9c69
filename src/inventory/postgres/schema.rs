//! The tables on the server, and the steps that lead to them. One program at a time takes them, under a lock of the server's.

use super::roles;
use super::session::{Session, Trouble};

/// The steps: each is taken once, in its order, and never changed.
const STEPS: [&str; 4] = [FIRST, SERVERS, DEVICES, DEVICE_KEYS];

/// The lock under which steps are taken.
const STEPS_LOCK: i64 = 0x746F_6B65_6E74_6170;

/// The class of the locks that running programs hold, one each by its number.
pub const PROGRAMS: i32 = 0x746F_6B65;

const FIRST: &str = "
CREATE TABLE meta (name text PRIMARY KEY, value bytea NOT NULL);

-- The number of each program's last transaction: what tells whether one is kept whose commit was not answered.
CREATE TABLE marks (program integer PRIMARY KEY, number bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())
    WITH (fillfactor = 50);

-- Whether a program runs that has this number: it holds a lock as long as its connection lasts.
CREATE FUNCTION is_running(program integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1953459045 AND objid = program::oid
        AND objsubid = 2 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
$$;

-- What no program of this kind ever writes is not taken: one record that cannot be read would stop every list.
CREATE FUNCTION is_moment(value bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value BETWEEN -62135596800000 AND 253402300799999
$$;
CREATE FUNCTION is_fingerprint(value bytea) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT octet_length(value) = 16 $$;
CREATE FUNCTION is_place(value integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT value BETWEEN 0 AND 65535 $$;
CREATE FUNCTION is_hash(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT value IN ('SHA1', 'SHA256') $$;
CREATE FUNCTION is_deed(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value IN ('info', 'sync', 'config', 'burn', 'verify', 'assign', 'forget', 'import', 'export', 'init', 'prune')
$$;

CREATE TABLE tokens (
    serial text COLLATE \"C\" NOT NULL,
    slot integer NOT NULL CHECK (is_place(slot)),
    model text,
    emulated boolean NOT NULL,
    \"user\" text,
    hash text CHECK (is_hash(hash)),
    step_s integer CHECK (step_s > 0),
    display_s integer CHECK (display_s IN (15, 30, 60, 120)),
    first_seen bigint NOT NULL CHECK (is_moment(first_seen)),
    last_seen bigint NOT NULL CHECK (is_moment(last_seen)),
    drift_s double precision, resolution_s double precision,
    synced bigint CHECK (is_moment(synced)),
    burned bigint CHECK (is_moment(burned)),
    seed bytea CHECK (is_fingerprint(seed)),
    sealed bytea,
    erased bigint CHECK (is_moment(erased)),
    erased_seed bytea CHECK (is_fingerprint(erased_seed)),
    clock_stopped bigint CHECK (is_moment(clock_stopped)),
    pending_job bigint,
    pending_deed text CHECK (is_deed(pending_deed)),
    pending_at bigint CHECK (is_moment(pending_at)),
    pending_hash text CHECK (is_hash(pending_hash)),
    pending_step_s integer CHECK (pending_step_s > 0),
    pending_display_s integer CHECK (pending_display_s IN (15, 30, 60, 120)),
    pending_seed bytea CHECK (is_fingerprint(pending_seed)),
    pending_sealed bytea,
    PRIMARY KEY (serial, slot)
);
CREATE INDEX tokens_by_seed ON tokens (seed) WHERE seed IS NOT NULL;
CREATE INDEX tokens_by_pending_seed ON tokens (pending_seed) WHERE pending_seed IS NOT NULL;

-- Seeds of earlier burns of unknown end, which the token may hold instead of the one that its record names.
CREATE TABLE candidates (
    serial text COLLATE \"C\" NOT NULL,
    slot integer NOT NULL CHECK (is_place(slot)),
    seed bytea NOT NULL CHECK (is_fingerprint(seed)),
    sealed bytea,
    number bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (serial, slot, seed)
);
CREATE INDEX candidates_by_seed ON candidates (seed);

-- The slot that holds, or may hold, a seed: no seed is here twice.
CREATE TABLE holders (
    seed bytea PRIMARY KEY CHECK (is_fingerprint(seed)),
    serial text COLLATE \"C\" NOT NULL,
    slot integer NOT NULL CHECK (is_place(slot))
);
CREATE INDEX holders_by_token ON holders (serial, slot);

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL CHECK (is_moment(at)),
    server_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    job bigint NOT NULL,
    desk text NOT NULL, operator text NOT NULL, reader text,
    login text NOT NULL DEFAULT session_user,
    serial text COLLATE \"C\", slot integer NOT NULL CHECK (is_place(slot)),
    deed text NOT NULL CHECK (is_deed(deed)),
    outcome text NOT NULL
        CHECK (outcome IN ('begun', 'done', 'within', 'right', 'wrong', 'refused', 'failed', 'unknown')),
    before_s double precision, before_resolution_s double precision,
    after_s double precision, after_resolution_s double precision,
    state text, detail text
);
CREATE INDEX events_by_serial ON events (serial, at);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_job ON events (job);

-- Only `inventory prune` removes any, which says so in its own transaction, and only the owner may.
CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('tokentap.prunes', true) = 'yes' THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'an event is never changed or removed';
END
$$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_stay();
CREATE TRIGGER events_last BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_stay();

-- Keys that a token refused and has accepted none since, by fingerprint.
CREATE TABLE refused_keys (
    serial text COLLATE \"C\" NOT NULL,
    key bytea NOT NULL CHECK (is_fingerprint(key)),
    at bigint NOT NULL CHECK (is_moment(at)),
    PRIMARY KEY (serial, key)
);

-- The job at work with a device, and the program that works at it.
CREATE TABLE leases (
    serial text COLLATE \"C\" PRIMARY KEY,
    job bigint NOT NULL,
    owner integer NOT NULL,
    since bigint NOT NULL CHECK (is_moment(since))
);

CREATE TABLE batches (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    content bytea NOT NULL,
    begun bigint NOT NULL CHECK (is_moment(begun)),
    closed bigint CHECK (is_moment(closed))
);
CREATE INDEX batches_by_content ON batches (content);
CREATE UNIQUE INDEX batches_open ON batches (content) WHERE closed IS NULL;
CREATE INDEX batches_by_name ON batches (name);

CREATE TABLE batch_rows (
    batch bigint NOT NULL REFERENCES batches (id),
    number bigint NOT NULL,
    state text NOT NULL
        CHECK (state IN ('planned', 'assigned', 'burning', 'burned', 'checked', 'failed', 'unknown')),
    serial text COLLATE \"C\",
    is_named boolean NOT NULL,
    \"user\" text,
    seed bytea CHECK (is_fingerprint(seed)),
    error text,
    PRIMARY KEY (batch, number)
);
CREATE UNIQUE INDEX batch_rows_by_serial ON batch_rows (batch, serial) WHERE serial IS NOT NULL;
CREATE INDEX batch_rows_by_seed ON batch_rows (batch, seed) WHERE seed IS NOT NULL;
CREATE INDEX batch_rows_planned ON batch_rows (batch, number) WHERE state = 'planned' AND NOT is_named;

-- Rows in the hands of programs, each until a time by the server's clock. The program's number is the fence: a row that went to
-- another hand is not begun by the first one.
CREATE TABLE claims (
    batch bigint NOT NULL,
    number bigint NOT NULL,
    owner integer NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (batch, number)
);

-- Who works here: each computer and user of the database, as it was when a program on it began last.
CREATE TABLE desks (
    name text NOT NULL,
    login text NOT NULL DEFAULT session_user,
    operator text NOT NULL,
    version text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    clock_s double precision NOT NULL,
    program integer NOT NULL,
    PRIMARY KEY (name, login)
);

-- Every token that a row was ever about to be burned onto.
CREATE TABLE dealt (
    batch bigint NOT NULL,
    number bigint NOT NULL,
    serial text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (batch, number, serial)
);

-- Gives a new inventory the key of another one's fingerprints, before that is copied into it. A desk may, while nothing is on record
-- and nobody else is there.
CREATE FUNCTION adopt(key bytea, program integer) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, tokentap, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM tokens) OR EXISTS (SELECT 1 FROM events WHERE deed <> 'init') OR EXISTS (SELECT 1 FROM batches) THEN
        RETURN 'records';
    END IF;
    IF EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1953459045 AND objsubid = 2 AND granted
        AND objid <> program::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN
        RETURN 'others';
    END IF;
    UPDATE meta SET value = key WHERE name = 'fingerprint-key';
    RETURN 'adopted';
END
$$;

REVOKE EXECUTE ON FUNCTION adopt FROM PUBLIC;

-- What a viewer sees in the place of the tables of these names: that a seed is there, and neither it nor its fingerprint.
CREATE SCHEMA IF NOT EXISTS tokentap_shown;
CREATE FUNCTION there(value bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN value IS NOT NULL THEN decode(repeat('00', 16), 'hex') END
$$;
CREATE VIEW tokentap_shown.meta AS SELECT name, value FROM meta WHERE name IN ('schema', 'recipients');
CREATE VIEW tokentap_shown.tokens AS
    SELECT serial, slot, model, emulated, \"user\", hash, step_s, display_s, first_seen, last_seen, drift_s, resolution_s, synced,
        burned, there(seed) AS seed, there(sealed) AS sealed, erased, there(erased_seed) AS erased_seed, clock_stopped,
        pending_job, pending_deed, pending_at, pending_hash, pending_step_s, pending_display_s, there(pending_seed) AS pending_seed,
        there(pending_sealed) AS pending_sealed
    FROM tokens;
CREATE VIEW tokentap_shown.batch_rows AS
    SELECT batch, number, state, serial, is_named, \"user\", there(seed) AS seed, error FROM batch_rows;
CREATE VIEW tokentap_shown.batches AS SELECT id, name, ''::bytea AS content, begun, closed FROM batches;
";

/// Servers that seeds go to, and what went there. A server that is forgotten leaves its deliveries on record: they refer to nothing.
const SERVERS: &str = "
CREATE OR REPLACE FUNCTION is_deed(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value IN ('info', 'sync', 'config', 'burn', 'verify', 'assign', 'forget', 'import', 'export', 'init', 'prune',
        'server', 'hand-over', 'mend', 'pull')
$$;

-- Whoever can add one here has the seeds of all desks sent there: only the owner can.
CREATE TABLE servers (
    name text COLLATE \"C\" PRIMARY KEY,
    settings text NOT NULL,
    credential bytea,
    added bigint NOT NULL CHECK (is_moment(added))
);

CREATE TABLE deliveries (
    server text COLLATE \"C\" NOT NULL,
    serial text COLLATE \"C\" NOT NULL,
    slot integer NOT NULL CHECK (is_place(slot)),
    seed bytea NOT NULL CHECK (is_fingerprint(seed)),
    step text NOT NULL CHECK (step IN ('sent', 'created', 'assigned', 'active', 'refused', 'gone')),
    id text,
    \"user\" text,
    since bigint NOT NULL CHECK (is_moment(since)),
    at bigint NOT NULL CHECK (is_moment(at)),
    unmended bigint CHECK (is_moment(unmended)),
    detail text,
    PRIMARY KEY (server, serial, slot)
);
CREATE INDEX deliveries_by_token ON deliveries (serial, slot);

-- The same as before, of an inventory that may know servers.
CREATE OR REPLACE FUNCTION adopt(key bytea, program integer) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, tokentap, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM tokens) OR EXISTS (SELECT 1 FROM events WHERE deed <> 'init') OR EXISTS (SELECT 1 FROM batches)
        OR EXISTS (SELECT 1 FROM servers) OR EXISTS (SELECT 1 FROM deliveries) THEN
        RETURN 'records';
    END IF;
    IF EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1953459045 AND objsubid = 2 AND granted
        AND objid <> program::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN
        RETURN 'others';
    END IF;
    UPDATE meta SET value = key WHERE name = 'fingerprint-key';
    RETURN 'adopted';
END
$$;

CREATE VIEW tokentap_shown.servers AS SELECT name, settings, there(credential) AS credential, added FROM servers;
CREATE VIEW tokentap_shown.deliveries AS
    SELECT server, serial, slot, there(seed) AS seed, step, id, \"user\", since, at, unmended, detail FROM deliveries;
";

/// Devices with slots: events may say that one was cleared or titled.
const DEVICES: &str = "
CREATE OR REPLACE FUNCTION is_deed(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT value IN ('info', 'sync', 'config', 'burn', 'verify', 'assign', 'forget', 'import', 'export', 'init', 'prune',
        'server', 'hand-over', 'mend', 'pull', 'clear', 'title', 'device')
$$;
";

/// Customer keys of devices, sealed.
const DEVICE_KEYS: &str = "
CREATE TABLE device_keys (
    serial text COLLATE \"C\" NOT NULL,
    key bytea NOT NULL CHECK (is_fingerprint(key)),
    sealed bytea,
    number bigint NOT NULL,
    at bigint NOT NULL CHECK (is_moment(at)),
    proved bigint CHECK (is_moment(proved)),
    refused bigint CHECK (is_moment(refused)),
    PRIMARY KEY (serial, key)
);
CREATE VIEW tokentap_shown.device_keys AS
    SELECT serial, there(key) AS key, there(sealed) AS sealed, number, at, proved, refused FROM device_keys;
";

/// The last version that this program knows.
pub fn latest() -> i64 {
    STEPS.len() as i64
}

/// The version of the schema; `None` where there is no inventory in the database.
///
/// # Errors
/// [`Trouble`].
pub fn version(from: &mut Session) -> Result<Option<i64>, Trouble> {
    let there = from.first("SELECT to_regclass('tokentap.meta') IS NOT NULL", &[])?;
    if !there.is_some_and(|row| row.get::<_, bool>(0)) {
        return Ok(None);
    }
    let found = from.first("SELECT value FROM meta WHERE name = 'schema'", &[])?;
    let bytes: Option<Vec<u8>> = found.map(|row| row.try_get(0)).transpose()?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(Some(text.and_then(|text| text.parse().ok()).unwrap_or_default()))
}

/// Keeps everybody else from opening the inventory and from taking steps, until the transaction ends.
///
/// # Errors
/// [`Trouble`].
pub fn lock(on: &mut Session) -> Result<(), Trouble> {
    on.execute("SELECT pg_advisory_xact_lock($1)", &[&STEPS_LOCK]).map(drop)
}

/// Waits until nobody changes the inventory as a whole, and keeps everybody from it until [`unlock`].
///
/// # Errors
/// [`Trouble`].
pub fn hold(on: &mut Session) -> Result<(), Trouble> {
    on.execute("SELECT pg_advisory_lock_shared($1)", &[&STEPS_LOCK]).map(drop)
}

/// Lets go of what [`hold`] holds.
///
/// # Errors
/// [`Trouble`].
pub fn unlock(on: &mut Session) -> Result<(), Trouble> {
    on.execute("SELECT pg_advisory_unlock_shared($1)", &[&STEPS_LOCK]).map(drop)
}

/// Takes the steps that the database has not had yet, all or none; a new inventory gets this key for its fingerprints.
///
/// # Errors
/// [`Trouble`].
pub fn migrate(to: &mut Session, key: &[u8]) -> Result<(), Trouble> {
    to.batch("BEGIN")?;
    lock(to)?;
    let had = version(to)?;
    if had.is_none() {
        to.batch("CREATE SCHEMA IF NOT EXISTS tokentap")?;
    }
    let taken = usize::try_from(had.unwrap_or_default()).unwrap_or_default();
    if taken > STEPS.len() {
        // Not even the rights are touched.
        return Ok(());
    }
    for step in STEPS.iter().skip(taken) {
        to.batch(step)?;
    }
    if taken < STEPS.len() {
        let set =
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        to.execute(set, &[&"schema", &latest().to_string().as_bytes()])?;
    }
    if had.is_none() {
        to.execute("INSERT INTO meta (name, value) VALUES ('fingerprint-key', $1)", &[&key])?;
    }
    roles::grant(to)?;
    to.batch("COMMIT")
}
