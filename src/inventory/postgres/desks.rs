//! The desks that work with the inventory: each computer and user of the database, as it was when a program on it began last.

use super::columns::time;
use super::session::{Session, Trouble};
use crate::inventory::{BatchId, Station};
use crate::time::{HostClock, UnixTime};

/// A desk.
#[derive(Debug, Clone, PartialEq)]
pub struct DeskRecord {
    /// Its computer's name.
    pub name: String,
    /// Its user in the database.
    pub login: String,
    /// Who worked there last.
    pub operator: String,
    /// The version of its program.
    pub version: String,
    /// Since when it is known, by the server's clock.
    pub since: UnixTime,
    /// When a program began there last, by the server's clock.
    pub seen: UnixTime,
    /// Its clock minus the server's then, in seconds.
    pub clock_s: f64,
    /// Whether that program runs still.
    pub is_there: bool,
    /// The tokens that jobs are at work with there.
    pub at_work: Vec<String>,
}

/// The host's clock minus the server's, in seconds; as sure as the question and its answer took.
pub fn clock(from: &mut Session, host: &dyn HostClock) -> Result<f64, Trouble> {
    let before = host.now().wall;
    let row = from.first("SELECT extract(epoch FROM clock_timestamp())::double precision AS at", &[])?;
    let after = host.now().wall;
    let server: f64 = row.ok_or_else(|| Trouble::Odd("the server has no time".to_owned()))?.try_get("at")?;
    let seconds = |time: UnixTime| time.timestamp_micros() as f64 / 1e6;
    Ok((seconds(before) + seconds(after)) / 2.0 - server)
}

/// Puts on record who works here now.
pub fn greet(to: &mut Session, station: &Station, clock_s: f64, program: i32) -> Result<(), Trouble> {
    to.execute(
        "INSERT INTO desks (name, operator, version, clock_s, program) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name, login) DO UPDATE SET operator = excluded.operator, version = excluded.version,
             seen = clock_timestamp(), clock_s = excluded.clock_s, program = excluded.program",
        &[&station.desk, &station.operator, &env!("CARGO_PKG_VERSION"), &clock_s, &program],
    )
    .map(drop)
}

/// All desks, by name.
pub fn all(from: &mut Session) -> Result<Vec<DeskRecord>, Trouble> {
    let found = from.rows(
        "SELECT name, login, operator, version, (extract(epoch FROM since) * 1000)::bigint AS since,
             (extract(epoch FROM seen) * 1000)::bigint AS seen, clock_s, is_running(program) AS is_there,
             ARRAY(SELECT serial FROM leases WHERE owner = program AND is_running(program) ORDER BY serial) AS at_work
         FROM desks ORDER BY name, login",
        &[],
    )?;
    let desk = |row: &tokio_postgres::Row| {
        Ok(DeskRecord {
            name: row.try_get("name")?,
            login: row.try_get("login")?,
            operator: row.try_get("operator")?,
            version: row.try_get("version")?,
            since: time(row, "since")?,
            seen: time(row, "seen")?,
            clock_s: row.try_get("clock_s")?,
            is_there: row.try_get("is_there")?,
            at_work: row.try_get("at_work")?,
        })
    };
    found.iter().map(desk).collect()
}

/// The desks but this one that have rows of a batch in hand, by name, with how many each has.
pub fn at_batch(from: &mut Session, batch: BatchId, me: i32) -> Result<Vec<(String, u64)>, Trouble> {
    let found = from.rows(
        "SELECT coalesce(d.name || ' (' || d.login || ')', 'a desk') AS name, count(*) AS many
         FROM claims AS c LEFT JOIN desks AS d ON d.program = c.owner
         WHERE c.batch = $1 AND c.owner <> $2 AND c.until > clock_timestamp() AND is_running(c.owner)
         GROUP BY 1 ORDER BY 1",
        &[&batch, &me],
    )?;
    let desk = |row: &tokio_postgres::Row| {
        let many: i64 = row.try_get("many")?;
        Ok((row.try_get("name")?, many.unsigned_abs()))
    };
    found.iter().map(desk).collect()
}
