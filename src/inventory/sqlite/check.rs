//! Damage to an inventory: everything that can be found without the identity.

use std::collections::BTreeMap;

use rusqlite::{Connection, Error};

use super::{batches, columns, deliveries, device_keys, fill, holders, schema, sums, tokens};
use crate::inventory::doubts::doubts;
use crate::inventory::{EventFilter, TokenFilter};

/// The most findings that are put into words.
const MAX_FINDINGS: usize = 20;

/// Everything that is wrong, in words; nothing where all is well. Nothing is changed.
///
/// # Errors
/// `SQLite`'s, where it gives up itself.
pub fn findings(on: &mut Connection) -> Result<Vec<String>, Error> {
    let mut found = integrity(on)?;
    if !found.is_empty() {
        // Rows of a damaged file may be anything.
        return Ok(found);
    }
    found.extend(schema_findings(on)?);
    for table in sums::TABLES {
        match table.wrong(on)? {
            0 => {}
            1 => found.push(format!("1 row of \"{}\" does not have its own checksum", table.name)),
            wrong => found.push(format!("{wrong} rows of \"{}\" do not have their own checksum", table.name)),
        }
    }
    found.extend(event_findings(on)?);
    found.extend(token_findings(on)?);
    found.extend(row_findings(on)?);
    found.extend(deliveries::findings(on)?);
    found.extend(device_keys::findings(on)?);
    found.extend(write_findings(on));
    found.truncate(MAX_FINDINGS);
    Ok(found)
}

/// `SQLite`'s own check of every page, row and index.
fn integrity(on: &Connection) -> Result<Vec<String>, Error> {
    let mut select = on.prepare(&format!("PRAGMA integrity_check({MAX_FINDINGS})"))?;
    let mut found = Vec::new();
    for line in select.query_map([], |row| row.get::<_, String>(0))? {
        match line {
            Ok(line) if line == "ok" => {}
            Ok(line) => found.push(line),
            // It has found something, and then something that it cannot look past.
            Err(error) if !found.is_empty() => {
                found.push(error.to_string());
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The tables, indexes and triggers must be those of a new inventory: without its triggers, events could be changed.
fn schema_findings(on: &Connection) -> Result<Vec<String>, Error> {
    let read = |from: &Connection| -> Result<BTreeMap<String, String>, Error> {
        let mut select = from.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
        let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.collect()
    };
    let mut new = Connection::open_in_memory()?;
    fill(&mut new, std::path::Path::new("in memory")).map_err(|error| columns::damaged(&error.to_string()))?;
    let (expected, found) = (read(&new)?, read(on)?);
    let mut findings = Vec::new();
    for (name, sql) in &expected {
        let kind = if schema::EVENT_TRIGGERS.contains(&name.as_str()) { "the trigger" } else { "the table or index" };
        match found.get(name) {
            None => findings.push(format!("{kind} \"{name}\" is missing")),
            Some(other) if other != sql => findings.push(format!("{kind} \"{name}\" was changed")),
            Some(_) => {}
        }
    }
    let strange = found.keys().filter(|name| !expected.contains_key(*name));
    findings.extend(strange.map(|name| format!("\"{}\" is not part of an inventory", name.escape_debug())));
    Ok(findings)
}

/// Events are numbered without gaps, and each can be read.
fn event_findings(on: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let (count, last): (i64, i64) =
        on.query_row("SELECT count(*), coalesce(max(id), 0) FROM events", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if count != last {
        findings.push(format!("events are missing: there are {count}, and the last one has the number {last}"));
    }
    if let Err(error) = tokens::visit_events(on, &EventFilter::default(), u64::MAX, &mut |_| ()) {
        findings.push(format!("an event cannot be read: {error}"));
    }
    Ok(findings)
}

/// Each token can be read, is plausible, and holds the seeds that its record names.
fn token_findings(on: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let visited = tokens::visit(on, &TokenFilter::default(), u64::MAX, &mut |token| findings.extend(doubts(&token)));
    if let Err(error) = visited {
        findings.push(format!("a token cannot be read: {error}"));
    }
    let unheld = format!("SELECT count(*) FROM ({}) WHERE seed NOT IN (SELECT seed FROM holders)", holders::NAMED);
    let stray = format!(
        "SELECT count(*) FROM holders AS held WHERE NOT EXISTS
             (SELECT 1 FROM ({}) AS named WHERE named.seed = held.seed AND named.serial = held.serial AND named.slot = held.slot)",
        holders::NAMED
    );
    for (sql, what) in
        [(unheld, "seeds of tokens have no holder"), (stray, "seeds are assigned to tokens that do not have them")]
    {
        let count: i64 = on.query_row(&sql, [], |row| row.get(0))?;
        if count > 0 {
            findings.push(format!("{count} {what}"));
        }
    }
    Ok(findings)
}

/// Each batch and row can be read, and rows belong to batches.
fn row_findings(on: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    match batches::all(on, None) {
        Err(error) => findings.push(format!("a batch cannot be read: {error}")),
        Ok(all) => {
            for batch in all {
                let mut count = 0;
                let visited = batches::visit_rows(on, batch.id, &[], &mut |row| {
                    count += 1;
                    if row.row != count {
                        findings.push(format!("batch {}: row {count} is missing (found row {})", batch.id, row.row));
                    }
                    if row.state.is_done() && (row.serial.is_none() || row.seed.is_none()) {
                        findings.push(format!("batch {}: row {} is done, and has no token or seed", batch.id, row.row));
                    }
                });
                if let Err(error) = visited {
                    findings.push(format!("batch {}: a row cannot be read: {error}", batch.id));
                }
            }
        }
    }
    let stray = "SELECT (SELECT count(*) FROM batch_rows WHERE batch NOT IN (SELECT id FROM batches))
             + (SELECT count(*) FROM dealt WHERE NOT EXISTS
                 (SELECT 1 FROM batch_rows AS rows WHERE rows.batch = dealt.batch AND rows.number = dealt.number))";
    let count: i64 = on.query_row(stray, [], |row| row.get(0))?;
    if count > 0 {
        findings.push(format!("{count} rows belong to no batch"));
    }
    Ok(findings)
}

/// Whether it can be written; what is written for that is taken back.
fn write_findings(on: &mut Connection) -> Option<String> {
    let mut tried = || -> Result<(), Error> {
        let transaction = on.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute("INSERT INTO leases (serial, job, owner, since) VALUES ('', 0, 0, 0)", [])?;
        transaction.rollback()
    };
    tried().err().map(|error| format!("it cannot be written: {error}"))
}
