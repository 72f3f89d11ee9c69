PRAGMA application_id = 1953459060;
PRAGMA user_version = 1;
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    serial TEXT PRIMARY KEY,
    model TEXT,
    emulated INTEGER NOT NULL DEFAULT 0,
    user TEXT,
    hash TEXT, step_s INTEGER, display_s INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    drift_s REAL, resolution_s REAL,
    synced INTEGER, burned INTEGER,
    seed BLOB, sealed BLOB,
    pending_job INTEGER, pending_deed TEXT, pending_at INTEGER,
    pending_hash TEXT, pending_step_s INTEGER, pending_display_s INTEGER,
    pending_seed BLOB, pending_sealed BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_seed ON tokens (seed) WHERE seed IS NOT NULL;
CREATE INDEX tokens_by_pending_seed ON tokens (pending_seed) WHERE pending_seed IS NOT NULL;

-- Seeds of earlier burns of unknown end, which the token may hold instead of the one that stands with it.
CREATE TABLE candidates (
    serial TEXT NOT NULL,
    seed BLOB NOT NULL,
    sealed BLOB,
    PRIMARY KEY (serial, seed)
) STRICT, WITHOUT ROWID;
CREATE INDEX candidates_by_seed ON candidates (seed);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    job INTEGER NOT NULL,
    desk TEXT NOT NULL, operator TEXT NOT NULL, reader TEXT,
    serial TEXT,
    deed TEXT NOT NULL, outcome TEXT NOT NULL,
    before_s REAL, before_resolution_s REAL,
    after_s REAL, after_resolution_s REAL,
    state TEXT, detail TEXT
) STRICT;
CREATE INDEX events_by_serial ON events (serial, at);
CREATE INDEX events_by_time ON events (at);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;
INSERT INTO meta VALUES ('fingerprint-key', X'A71BE20DA73D65204B2B1B7081FB544F60C65FD5F411FE802E399D1A79F56671');
INSERT INTO tokens (serial, first_seen, last_seen, seed) VALUES ('A', 1000, 1000, X'11111111111111111111111111111111');
INSERT INTO events (at, job, desk, operator, serial, deed, outcome, detail) VALUES (1000, 1, 'desk', 'ana', 'A', 'burn', 'done', 'first');
