//! What is done with a whole device that is plugged in: `tokentap lock`, `tokentap unlock`, and what opens it for that.

use std::path::{Path, PathBuf};

use super::args::{DeviceArgs, Global, HostArgs};
use super::host::Host;
use super::output::Output;
use super::record::{self, Need, Record};
use super::station::{self, InReach, Workplace};
use super::unused::unused;
use super::{Ran, secret};
use crate::device::{Info, Key, Serial};
use crate::inventory::Deed;
use crate::job::device_change::{ChangeRequest, DeviceChange, DeviceChanged, change_device};
use crate::job::{Exit, Failure, Guard, KeyText};
use crate::reader::Wanted;
use crate::report::DeviceReport;

/// `tokentap lock` and `tokentap unlock`.
pub fn lock_screen(global: &Global, locks: bool, args: &DeviceArgs, output: &Output) -> Ran {
    let change = DeviceChange::LockScreen(locks);
    let opened_by = OpenedBy::of(args)?;
    let (changed, station) = change_at(global, Wanted::Molto2, &change, &opened_by, &mut |_| Ok(()), output)?;
    output.report(&DeviceReport::of(&change, &changed, &station.reader, station.emulated));
    Ok(Exit::Done)
}

/// What opens a device that has a key of its owner's.
#[derive(Default)]
pub struct OpenedBy {
    /// The key that was stated.
    pub key: Key,
    /// The same as its owner has it, for the inventory to keep.
    pub text: Option<KeyText>,
    /// The new key as its owner has it.
    pub new_text: Option<KeyText>,
    /// The identity that opens the key that the inventory keeps.
    pub identity: Option<PathBuf>,
    /// The device that is meant, where it was there a moment ago.
    pub serial: Option<Serial>,
    /// Try it also where the device has refused it.
    pub try_again: bool,
}

impl OpenedBy {
    /// As the arguments say.
    ///
    /// # Errors
    /// A failure of the file with the key.
    pub fn of(args: &DeviceArgs) -> Result<Self, Failure> {
        let stated = args.customer_key.as_deref().map(secret::customer_key).transpose()?;
        let (identity, try_again) = (args.identity.clone(), args.try_again);
        Ok(match stated {
            Some(stated) => Self { key: stated.key, text: Some(stated.text), identity, try_again, ..Self::default() },
            None => Self { identity, try_again, ..Self::default() },
        })
    }
}

/// Whether the device that is there is the one that was there.
///
/// # Errors
/// A usage failure.
pub fn check_same_device(was: &Info, is: &Info) -> Result<(), Failure> {
    match was.serial == is.serial {
        true => Ok(()),
        false => Err(Failure::usage(
            format!("another device is there now: {is}, after {was}"),
            "plug the first one in again, and see what it holds with tokentap info",
        )),
    }
}

/// Whether an identity can open anything: the keys are in the inventory.
///
/// # Errors
/// A usage failure.
pub fn check_opener(identity: Option<&Path>, record: &Record) -> Result<(), Failure> {
    match identity.is_some() && record.books().is_none() {
        true => Err(unused("--identity", "there is no inventory that keeps a customer key")),
        false => Ok(()),
    }
}

/// Changes the device at the reader.
pub fn change_at(
    global: &Global,
    wanted: Wanted,
    change: &DeviceChange,
    opened_by: &OpenedBy,
    before: &mut dyn FnMut(&Info) -> Result<(), Failure>,
    output: &Output,
) -> Result<(DeviceChanged, InReach), Failure> {
    if global.dry_run {
        return Err(super::no_dry_run());
    }
    let identity = record::identity(opened_by.identity.as_deref())?;
    let record = Record::open(global, Need::Must, output)?;
    check_opener(opened_by.identity.as_deref(), &record)?;
    let opener = record.opener(identity);
    let host = Host::assess(&HostArgs::default())?;
    let guard = station::guard(global, true)?;
    let guard = Guard { expect_serial: opened_by.serial.clone().or(guard.expect_serial.clone()), ..guard };
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    let clock = host.clock();
    desk.work(&mut |station| {
        let recorder = record.recorder(Deed::Device, &station.reader, station.emulated);
        let mut request = ChangeRequest {
            change,
            guard: &guard,
            key: &opened_by.key,
            opener: opener.as_ref(),
            text: opened_by.text.as_ref(),
            new_text: opened_by.new_text.as_ref(),
            tries_again: opened_by.try_again,
            before: &mut *before,
        };
        change_device(&mut *station.device, &clock, &recorder, &mut request)
    })
}
