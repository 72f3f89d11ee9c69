//! The row of a batch that a token gets, decided and taken in one transaction, so that two programs never take the same.

use rusqlite::{Connection, Error, OptionalExtension, params};

use super::owner::Owner;
use super::{Stopped, batches, holders, tokens};
use crate::inventory::{BatchId, Claim, RowRecord, RowState, SlotKey, TokenRecord};

/// Claims the row that a token gets: see [`crate::inventory::Inventory::claim`].
pub fn claim(
    to: &Connection,
    batch: BatchId,
    serial: &str,
    reburns: bool,
    owner: &mut Owner,
) -> Result<Claim, Stopped> {
    let token = tokens::get(to, &SlotKey::only(serial))?;
    let row = match batches::row_of(to, batch, serial)? {
        // Unless it lost its seed since: then it is to have it again.
        Some(row) if row.state.is_done() && token.as_ref().is_none_or(|token| token.erased.is_none()) => {
            return Ok(Claim::Done(row));
        }
        // Not tried yet: what the token holds is from elsewhere.
        Some(row) if row.state == RowState::Planned && !reburns => match &token {
            Some(token) if token.held().is_some_and(|held| row.seed != Some(held)) => return Ok(holds_another(token)),
            _ => row,
        },
        Some(row) => row,
        None => match deal(to, batch, serial, token.as_ref(), reburns, owner)? {
            Ok(row) => row,
            Err(claim) => return Ok(claim),
        },
    };
    if is_claimed(to, batch, row.row, owner)? {
        return Ok(Claim::InHand);
    }
    let me = owner.number().map_err(Stopped::Owner)?;
    to.prepare_cached("INSERT OR REPLACE INTO claims (batch, number, owner) VALUES (?1, ?2, ?3)")?.execute(params![
        batch,
        row.row as i64,
        me
    ])?;
    Ok(Claim::Row(row))
}

/// Lets go of a row.
pub fn release(to: &Connection, batch: BatchId, row: u64) -> Result<(), Error> {
    to.prepare_cached("DELETE FROM claims WHERE batch = ?1 AND number = ?2")?
        .execute(params![batch, row as i64])
        .map(drop)
}

fn holds_another(token: &TokenRecord) -> Claim {
    Claim::HoldsAnother { burned: token.burned, user: token.user.clone() }
}

/// Whether a row is in the hands of a program that runs; what one left that has ended is free.
fn is_claimed(from: &Connection, batch: BatchId, row: u64, owner: &Owner) -> Result<bool, Error> {
    let by: Option<i64> = from
        .prepare_cached("SELECT owner FROM claims WHERE batch = ?1 AND number = ?2")?
        .query_row(params![batch, row as i64], |row| row.get(0))
        .optional()?;
    Ok(by.is_some_and(|by| owner.is_alive(by)))
}

/// A row without a serial for a token that no row names, or why it gets none.
fn deal(
    from: &Connection,
    batch: BatchId,
    serial: &str,
    token: Option<&TokenRecord>,
    reburns: bool,
    owner: &Owner,
) -> Result<Result<RowRecord, Claim>, Error> {
    let held = token.and_then(TokenRecord::held);
    if let (Some(token), Some(seed)) = (token, &held) {
        // A row's seed is on it already: that row is its own, and another token must not get it.
        let own = batches::row_of_seed(from, batch, seed)?;
        if let Some(row) = own.filter(|row| row.state == RowState::Planned && !row.is_named) {
            return Ok(Ok(row));
        }
        if !reburns {
            let is_listed = batches::visit_planned(from, batch, &mut |_| Ok(true))?;
            return Ok(Err(if is_listed { holds_another(token) } else { Claim::NotListed }));
        }
    }
    let mut found = None;
    batches::visit_planned(from, batch, &mut |row| {
        if is_claimed(from, batch, row.row, owner)? {
            return Ok(false);
        }
        let holder = row.seed.as_ref().map(|seed| holders::holder(from, seed)).transpose()?.flatten();
        // A seed that another token holds waits for that token.
        if holder.is_some_and(|holder| holder != SlotKey::only(serial)) {
            return Ok(false);
        }
        found = Some(row);
        Ok(true)
    })?;
    Ok(found.ok_or(Claim::NotListed))
}
