//! A list of seeds onto the slots of one device: which row goes where, by what the device shows and what is on record.
//!
//! Nothing else is kept of it: the record of each slot says what is done, so that the same list goes on where it was broken off.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::Failure;
use super::record::Books;
use super::seed_choice::{Sheet, bad_file};
use super::slots::{SlotsOutcome, slots_on_record};
use crate::device::{Capabilities, CapabilityError, Title};
use crate::inventory::{Fingerprint, SlotKey};
use crate::plain::plain;
use crate::seedfile::suspect::SHORTEST;
use crate::seedfile::{Problem, Row};

/// Where a row goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowPlace {
    /// Into this slot.
    Slot(u16),
    /// It is in this slot already.
    Done(SlotKey),
    /// Onto another device, which the row names.
    OtherDevice(String),
    /// Nowhere: this device has no empty slot left.
    NoRoom,
}

/// Whether a device of this kind can hold every row of a list: everything that is wrong with it is said, before a device is there.
///
/// # Errors
/// A usage failure with a line for each row.
pub fn check_list(sheet: &Sheet, can: &Capabilities, has_titles: bool, allows_short: bool) -> Result<(), Failure> {
    let mut problems: Vec<Problem> = sheet.broken.iter().map(|(_, problem)| problem.clone()).collect();
    let mut slots: BTreeSet<(Option<&str>, u16)> = BTreeSet::new();
    let mut seeds: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (number, row) in &sheet.rows {
        let mut wrong = |what: String| problems.push(Problem::at(row.place, what, "correct it, or leave the row out"));
        if let Err(error) = row.check_for(can) {
            wrong(error.to_string());
        } else if row.seed.len() < SHORTEST && !allows_short {
            let length = row.seed.len();
            wrong(format!("the secret has {length} bytes; it must have at least {SHORTEST} (RFC 4226, section 4, R6)"));
        } else if row.seed.expose().iter().all(|byte| *byte == 0) {
            wrong(CapabilityError::ClearsSlot.to_string());
        }
        if let Some(title) = row.account.as_deref().filter(|_| has_titles)
            && let Err(error) = Title::new(title, can.title_bytes)
        {
            wrong(format!("its account is to be the slot's title: {error}"));
        }
        if let Some(slot) = row.slot
            && !slots.insert((row.serial.as_deref(), slot))
        {
            wrong(format!("slot {slot} comes twice"));
        }
        if let Some(first) = seeds.insert(row.seed.expose(), *number) {
            wrong(format!("it has the secret of row {first}"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(bad_file(&sheet.name, &problems, 0)) }
}

/// The place of each row of a list on the device that was read.
///
/// # Errors
/// A usage failure for a row whose own slot holds another seed; the inventory's.
pub fn places(sheet: &Sheet, read: &SlotsOutcome, books: &Books) -> Result<Vec<RowPlace>, Failure> {
    let serial = read.info.serial.as_str();
    let known = slots_on_record(Some(books), serial)?;
    let held: BTreeMap<u16, Fingerprint> =
        known.iter().filter_map(|token| Some((token.key.slot, token.held()?))).collect();
    let is_empty = |slot: u16| {
        read.slots.iter().any(|shown| shown.slot == slot && shown.has_seed == Some(false)) && !held.contains_key(&slot)
    };
    // A slot that is somebody's waits for a row of theirs, also while it is empty.
    let is_anothers = |slot: u16, row: &Row| {
        let owner = known.iter().find(|token| token.key.slot == slot).and_then(|token| token.user.as_ref());
        owner.is_some_and(|owner| row.user.as_ref() != Some(owner))
    };
    // Slots that rows name are theirs, whatever comes before them.
    let named = |row: &Row| row.slot.filter(|_| row.serial.as_deref().is_none_or(|named| named == serial));
    let mut taken: BTreeSet<u16> = sheet.rows.iter().filter_map(|(_, row)| named(row)).collect();
    let mut found = Vec::new();
    for (_, row) in &sheet.rows {
        if let Some(other) = row.serial.as_deref().filter(|named| *named != serial) {
            found.push(RowPlace::OtherDevice(other.to_owned()));
            continue;
        }
        let print = books.fingerprint_key().of(&row.seed);
        let own = held.iter().find(|(_, seed)| **seed == print).map(|(slot, _)| *slot);
        let shows = |slot: u16| read.slots.iter().find(|shown| shown.slot == slot).and_then(|shown| shown.has_seed);
        let is_open = |slot: u16| {
            books.token(&SlotKey::of(serial, slot)).map(|token| token.is_some_and(|token| token.pending.is_some()))
        };
        if let Some((slot, wanted)) = own.zip(named(row)).filter(|(slot, wanted)| slot != wanted) {
            let what = format!("its seed is in slot {slot} of {serial} already, and not in slot {wanted}");
            let problem = Problem::at(row.place, what, "correct the row, or clear that slot first");
            return Err(bad_file(&sheet.name, &[problem], 0));
        }
        let place = match (own, books.holder(&print)?) {
            (Some(slot), _) if shows(slot) == Some(true) && !is_open(slot)? => {
                RowPlace::Done(SlotKey::of(serial, slot))
            }
            // Broken off, or erased by somebody else: it belongs there.
            (Some(slot), _) => RowPlace::Slot(slot),
            // Where a burn of unknown end may have left it, it is not known to be.
            (None, Some(elsewhere)) => match books.token(&elsewhere)?.is_some_and(|token| token.pending.is_some()) {
                true => RowPlace::OtherDevice(elsewhere.to_string()),
                false => RowPlace::Done(elsewhere),
            },
            (None, None) => match named(row) {
                Some(slot) if is_empty(slot) => RowPlace::Slot(slot),
                Some(slot) => {
                    let owner =
                        known.iter().find(|token| token.key.slot == slot).and_then(|token| token.user.as_deref());
                    let whose = owner.map(|owner| format!(", which is {}'s,", plain(owner))).unwrap_or_default();
                    let what = format!("slot {slot} of {serial}{whose} holds another seed, or does not exist");
                    let problem = Problem::at(row.place, what, "name an empty slot, or clear that one first");
                    return Err(bad_file(&sheet.name, &[problem], 0));
                }
                None => {
                    let is_free = |slot: &u16| is_empty(*slot) && !taken.contains(slot) && !is_anothers(*slot, row);
                    (0..read.info.can.slots).find(is_free).map_or(RowPlace::NoRoom, RowPlace::Slot)
                }
            },
        };
        if let RowPlace::Slot(slot) = place {
            taken.insert(slot);
        }
        found.push(place);
    }
    Ok(found)
}
