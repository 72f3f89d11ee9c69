//! A whole inventory, piece by piece: copied from one store into another, and compared.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::batch::{BatchId, BatchRecord, RowRecord};
use super::delivery::{Delivery, ServerRecord};
use super::device_key::DeviceKey;
use super::event::{Deed, Event};
use super::fingerprint::{Fingerprint, FingerprintKey};
use super::life::TokenLife;
use super::{Inventory, Kept};
use crate::time::UnixTime;

/// A piece of an inventory.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A server that seeds go to.
    Server(ServerRecord),
    /// What went to a server.
    Delivery(Box<Delivery>),
    /// A customer key of a device.
    DeviceKey(Box<DeviceKey>),
    /// A token.
    Token(Box<TokenLife>),
    /// A key that a token refused.
    RefusedKey(String, Fingerprint, UnixTime),
    /// An event.
    Event(Box<Event>),
    /// A batch; its counts follow from its rows.
    Batch(BatchRecord),
    /// A row of a batch.
    Row(BatchId, RowRecord),
    /// A token that a row was ever about to be burned onto.
    Dealt(BatchId, u64, String),
}

/// Takes piece after piece.
pub type Taker<'a> = dyn FnMut(Piece) -> Kept<()> + 'a;

/// A store whose content can be copied.
pub trait Whole: Inventory {
    /// Visits everything as it is at one moment: servers (first, because not everybody may add one) and what went to them, customer keys, tokens by
    /// serial and slot, refused keys, events from the oldest on, batches, each with its rows and what was dealt.
    ///
    /// # Errors
    /// [`InventoryError`](super::InventoryError), and whatever `take` says.
    fn visit_whole(&self, take: &mut Taker<'_>) -> Kept<()>;

    /// Fills an inventory that has nothing in it, all or none, and makes this its key of fingerprints. `fill` is given what takes
    /// the pieces, and may be called anew from the beginning.
    ///
    /// # Errors
    /// [`InventoryError::NotEmpty`](super::InventoryError::NotEmpty); others. Nothing is kept then.
    fn fill(&self, key: &FingerprintKey, fill: &mut dyn FnMut(&mut Taker<'_>) -> Kept<()>) -> Kept<()>;
}

/// The numbers of what was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Tokens.
    pub tokens: u64,
    /// Events.
    pub events: u64,
    /// Batches.
    pub batches: u64,
}

/// Copies all of one inventory into another that has nothing in it.
///
/// # Errors
/// Those of [`Whole`]; nothing is copied then.
pub fn copy(from: &dyn Whole, to: &dyn Whole) -> Kept<Copied> {
    let mut copied = Copied::default();
    to.fill(from.fingerprint_key(), &mut |take| {
        copied = Copied::default();
        from.visit_whole(&mut |piece| {
            match &piece {
                Piece::Token(_) => copied.tokens += 1,
                Piece::Event(_) => copied.events += 1,
                Piece::Batch(_) => copied.batches += 1,
                Piece::Server(_)
                | Piece::Delivery(_)
                | Piece::DeviceKey(_)
                | Piece::RefusedKey(..)
                | Piece::Row(..)
                | Piece::Dealt(..) => {}
            }
            take(piece)
        })
    })?;
    Ok(copied)
}

/// The pieces in which two inventories differ, in words, at most `limit` of them; and how many there are. Whom each was told to seal
/// seeds to is its own matter, and left out.
///
/// # Errors
/// Those of [`Whole::visit_whole`].
pub fn differences(one: &dyn Whole, other: &dyn Whole, limit: usize) -> Kept<(Vec<String>, u64)> {
    let mut known: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    let mut number = 0;
    one.visit_whole(&mut |piece| {
        if !is_about_itself(&piece) {
            known.insert(name(&piece, &mut number), digest(&piece));
        }
        Ok(())
    })?;
    let (mut found, mut many) = (Vec::new(), 0);
    let mut tell = |words: String| {
        many += 1;
        if found.len() < limit {
            found.push(words);
        }
    };
    number = 0;
    other.visit_whole(&mut |piece| {
        if is_about_itself(&piece) {
            return Ok(());
        }
        let name = name(&piece, &mut number);
        match known.remove(&name) {
            Some(same) if same == digest(&piece) => {}
            Some(_) => tell(format!("{name} differs")),
            None => tell(format!("{name} is only in the second one")),
        }
        Ok(())
    })?;
    known.into_keys().for_each(|name| tell(format!("{name} is only in the first one")));
    Ok((found, many))
}

fn is_about_itself(piece: &Piece) -> bool {
    matches!(piece, Piece::Event(event) if event.deed == Deed::Init)
}

/// A piece's name; events are numbered as they come.
fn name(piece: &Piece, number: &mut u64) -> String {
    match piece {
        Piece::Server(server) => format!("server {}", server.name),
        Piece::Delivery(delivery) => format!("delivery of {} to {}", delivery.key, delivery.server),
        Piece::DeviceKey(key) => format!("customer key {:?} of {}", key.key, key.serial),
        Piece::Token(life) => format!("token {}", life.record.key),
        Piece::RefusedKey(serial, key, _) => format!("refused key {key:?} of {serial}"),
        Piece::Event(event) => {
            *number += 1;
            let of = event.serial.as_deref().map(|serial| format!(" of {serial}")).unwrap_or_default();
            format!("event {number}, {} {}{of}", event.deed.word(), event.outcome.word())
        }
        Piece::Batch(batch) => format!("batch {}", batch.id),
        Piece::Row(batch, row) => format!("row {} of batch {batch}", row.row),
        Piece::Dealt(batch, row, serial) => format!("row {row} of batch {batch}, dealt to {serial}"),
    }
}

fn digest(piece: &Piece) -> [u8; 32] {
    let piece = match piece {
        // In no order of their own.
        Piece::Token(life) => {
            let mut life = life.clone();
            life.candidates.sort_by(|one, other| one.seed.as_bytes().cmp(other.seed.as_bytes()));
            Piece::Token(life)
        }
        Piece::Batch(batch) => Piece::Batch(BatchRecord { counts: Default::default(), ..batch.clone() }),
        other => other.clone(),
    };
    Sha256::digest(format!("{piece:?}").as_bytes()).into()
}
