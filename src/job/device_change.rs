//! A change of a whole device: its screen lock, its customer key, how it types; or its reset.

use super::broken::{reading_failed, writing_failed};
use super::failure::Failure;
use super::guard::Guard;
use super::plan::WritePlan;
use super::record::Recorder;
use super::remedy::{Again, SlotRemedy};
use super::slot_wish::SlotWish;
use crate::clock;
use crate::device::{Agreed, Carried, Device, DeviceError, Info, Key, Progress, Reason, Step, Typing};
use crate::inventory::{Outcome, SlotKey};
use crate::time::HostClock;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChange {
    /// Its screen is locked, or unlocked.
    LockScreen(bool),
    /// It gets another key.
    Key(Key),
    /// Nothing but a look whether the key is its own.
    Nothing,
    /// How it types.
    Typing(Typing),
    /// It forgets everything.
    Reset,
}

impl DeviceChange {
    /// The change in words, for the record.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::LockScreen(true) => "its screen is locked",
            Self::LockScreen(false) => "its screen is unlocked",
            Self::Key(_) => "it gets another customer key",
            Self::Nothing => "its customer key is checked",
            Self::Typing(_) => "how it types is set",
            Self::Reset => "it is reset to its factory's state",
        }
    }
}

/// A change that was made, or waits for the device's button.
#[derive(Debug, Clone)]
pub struct DeviceChanged {
    /// The device.
    pub info: Info,
    /// Whether it is done.
    pub agreed: Agreed,
}

/// A change that is to be made.
pub struct ChangeRequest<'a> {
    /// The change.
    pub change: &'a DeviceChange,
    /// The requirements on the device.
    pub guard: &'a Guard,
    /// The key that opens it now.
    pub key: &'a Key,
    /// Try the key also where the device has refused it already, by the record.
    pub tries_again: bool,
    /// Called when it is known which device is there, before anything is sent that changes it: may refuse.
    pub before: &'a mut dyn FnMut(&Info) -> Result<(), Failure>,
}

/// Changes a device, recorded before and after, and lets go of it. The key is tried once.
///
/// # Errors
/// A [`Failure`] that says what state the device is in.
pub fn change_device(
    device: &mut dyn Device,
    host: &dyn HostClock,
    recorder: &Recorder<'_>,
    request: &mut ChangeRequest<'_>,
) -> Result<DeviceChanged, Failure> {
    let mut known = None;
    let mut begun = false;
    let result = carry_out(device, host, recorder, request, &mut known, &mut begun);
    let plan = plan(request);
    let mut progress = Progress::default();
    let result = result.map_err(|stop| match stop {
        Stop::Failed(failure) => *failure,
        Stop::Device(error) => {
            progress.note_failure(&error);
            if is_one_of_several(request.change, &error) {
                progress.other = Carried::Unknown;
            }
            match &known {
                Some(info) if progress != Progress::default() => {
                    let failure = writing_failed(&error, info, progress, &plan);
                    match request.change {
                        DeviceChange::Key(_) => Failure { remedies: vec![SlotRemedy::TryNewKeyOnce.into()], ..failure },
                        _ => failure,
                    }
                }
                known => reading_failed(&error, device, known.as_ref(), &Again::Same),
            }
        }
    });
    // What is on record as begun is not begun twice: a key would be sent again.
    let result = result.map_err(|failure| Failure { may_come_back: failure.may_come_back && !begun, ..failure });
    device.close();
    if let (true, Some(info)) = (begun, &known) {
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(_) if progress.other == Carried::Unknown => Outcome::Unknown,
            Err(failure) if failure.problem.is_key_refused() => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        recorder.ended(host.now().wall, &key_of(info), outcome, result.as_ref().err(), request.key, info)?;
    }
    result
}

/// Whether what failed is one of several settings, of which those before it are set.
fn is_one_of_several(change: &DeviceChange, error: &DeviceError) -> bool {
    let DeviceChange::Typing(Typing { enter, long_touch, numpad, keyboard }) = change else { return false };
    let settings = [enter, long_touch, numpad, keyboard].into_iter().flatten().count();
    // What is beyond the device is refused before anything is sent of it.
    settings > 1 && error.step == Step::Device && !matches!(error.reason, Reason::Beyond(_))
}

fn key_of(info: &Info) -> SlotKey {
    SlotKey::only(info.serial.as_str())
}

/// What is said of a change that broke off.
fn plan(request: &ChangeRequest<'_>) -> WritePlan {
    WritePlan {
        slot: 0,
        wish: SlotWish::default(),
        config: None,
        seed: None,
        erase_seed: false,
        shares_seed: false,
        if_drift_over: None,
        fine: false,
        guard: request.guard.clone(),
        key: request.key.clone(),
        tries_again: request.tries_again,
        stated: super::plan::ProfileWish::default(),
        again: Again::Same,
    }
}

enum Stop {
    Device(DeviceError),
    Failed(Box<Failure>),
}

impl From<DeviceError> for Stop {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

fn carry_out(
    device: &mut dyn Device,
    host: &dyn HostClock,
    recorder: &Recorder<'_>,
    request: &mut ChangeRequest<'_>,
    known: &mut Option<Info>,
    begun: &mut bool,
) -> Result<DeviceChanged, Stop> {
    let (mut contact, _) = clock::open(device, host)?;
    let info = contact.info().clone();
    *known = Some(info.clone());
    request.guard.check_writable(&info)?;
    let needs_key = *request.change != DeviceChange::Reset && !info.can.factory_key.is_empty();
    if needs_key {
        recorder.check_key_alone(&info, request.key, request.tries_again)?;
    }
    (request.before)(&info)?;
    recorder
        .note_words(host.now().wall, &key_of(&info), Outcome::Begun, request.change.words())
        .map_err(Failure::from)?;
    *begun = true;
    if *request.change == DeviceChange::Reset {
        let agreed = contact.reset_to_factory()?;
        return Ok(DeviceChanged { info, agreed });
    }
    let mut unlocked = contact.unlock(request.key)?;
    let agreed = match request.change {
        DeviceChange::Key(key) => unlocked.write_key(key)?,
        DeviceChange::LockScreen(locks) => unlocked.lock_screen(*locks).map(|()| Agreed::Done)?,
        DeviceChange::Typing(typing) => unlocked.write_typing(*typing).map(|()| Agreed::Done)?,
        DeviceChange::Nothing | DeviceChange::Reset => Agreed::Done,
    };
    Ok(DeviceChanged { info, agreed })
}
