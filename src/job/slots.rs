//! All slots of a device that has several: what each shows of itself.

use super::broken::reading_failed;
use super::failure::Failure;
use super::guard::Guard;
use super::read::ReadOutcome;
use super::record::Books;
use super::remedy::Again;
use super::write_slot::slot_of;
use crate::clock::{self, Drift};
use crate::device::{Device, DeviceError, Info, Reason, SlotState, Typing};
use crate::inventory::{Kept, TokenFilter, TokenRecord};
use crate::time::{HostClock, UnixTime};

/// A device with several slots, as it was read.
#[derive(Debug, Clone)]
pub struct SlotsOutcome {
    /// The device.
    pub info: Info,
    /// The host's time at the reading.
    pub host: UnixTime,
    /// The clock that it shows, minus the host's. A slot may have one of its own, which nobody can read.
    pub drift: Option<Drift>,
    /// Its slots, from 0.
    pub slots: Vec<SlotState>,
    /// How it types, on a device that does.
    pub typing: Option<Typing>,
}

impl SlotsOutcome {
    /// The slots that show a seed.
    #[must_use]
    pub fn seeded(&self) -> Vec<&SlotState> {
        self.slots.iter().filter(|slot| slot.has_seed == Some(true)).collect()
    }
}

/// Reads a device and every slot of it. The device is let go of in the end.
///
/// # Errors
/// A [`Failure`]: the link broke, another device, another serial than the guard asks for, a slot that cannot be read.
pub fn read_slots(device: &mut dyn Device, host: &dyn HostClock, guard: &Guard) -> Result<SlotsOutcome, Failure> {
    let mut known = None;
    let read = read_once(device, host, &mut known);
    let read = read.map_err(|error| reading_failed(&error, device, known.as_ref(), &Again::Same));
    device.close();
    let read = read?;
    guard.check_serial(&read.info)?;
    Ok(read)
}

/// The records of a device's slots; none where there is no inventory.
///
/// # Errors
/// [`InventoryError`](crate::inventory::InventoryError).
pub fn slots_on_record(books: Option<&Books>, serial: &str) -> Kept<Vec<TokenRecord>> {
    let mut known = Vec::new();
    if let Some(books) = books {
        let filter = TokenFilter { serial: Some(serial.to_owned()), ..TokenFilter::default() };
        books.visit_tokens(&filter, u64::MAX, &mut |token| known.push(token))?;
    }
    Ok(known)
}

/// Reads a device and one slot of it: its clock is told only where it is the one that codes count by.
///
/// # Errors
/// As [`read_slots`]; a usage failure for a slot that the device does not have.
pub fn read_slot(
    device: &mut dyn Device,
    host: &dyn HostClock,
    guard: &Guard,
    slot: u16,
) -> Result<ReadOutcome, Failure> {
    let mut known = None;
    let mut read = || {
        let (mut contact, first) = clock::open(device, host)?;
        let mut info = contact.info().clone();
        known = Some(info.clone());
        info.slot = slot_of(&mut *contact, slot)?;
        Ok((info, first))
    };
    let read = read();
    let read = read.map_err(|error: DeviceError| reading_failed(&error, device, known.as_ref(), &Again::Same));
    device.close();
    let (info, first) = read?;
    guard.check_serial(&info)?;
    let host = host.now().wall;
    let drift = first.as_ref().filter(|_| info.can.shows_slot_clocks).map(Drift::of_reading);
    Ok(ReadOutcome { info, host, drift, stands_still: false, host_jumped: None })
}

fn read_once(
    device: &mut dyn Device,
    host: &dyn HostClock,
    known: &mut Option<Info>,
) -> Result<SlotsOutcome, DeviceError> {
    let began = host.now();
    let (mut contact, first) = clock::open(device, host)?;
    let info = contact.info().clone();
    *known = Some(info.clone());
    let mut slots = Vec::new();
    for slot in 0..info.can.slots {
        match contact.read_slot(slot) {
            Ok(Some(state)) => slots.push(state),
            Ok(None) => break,
            // Nothing else tells how many there are; but a device that refuses the one before too refuses for another reason, and
            // one that answers when it is asked again has this slot.
            Err(DeviceError { reason: Reason::Refused(_), .. })
                if slot == info.can.least_slots && contact.read_slot(slot.saturating_sub(1)).is_ok() =>
            {
                match contact.read_slot(slot) {
                    Ok(Some(state)) => slots.push(state),
                    Ok(None) | Err(DeviceError { reason: Reason::Refused(_), .. }) => break,
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    let typing = contact.read_typing()?;
    let drift = first.as_ref().map(|first| Drift::of_reading(first).widened(host.doubt()));
    Ok(SlotsOutcome { info, host: began.wall, drift, slots, typing })
}
