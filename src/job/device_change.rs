//! A change of a whole device: its screen lock, its customer key, how it types; or its reset.

use super::broken::{reading_failed, writing_failed};
use super::complete::Opener;
use super::failure::Failure;
use super::guard::Guard;
use super::key_use::{KeyText, KeyUse, Stated};
use super::plan::WritePlan;
use super::record::Recorder;
use super::remedy::{Again, SlotRemedy};
use super::slot_wish::SlotWish;
use crate::clock;
use crate::device::{Agreed, Carried, Device, DeviceError, Info, Key, Progress, Reason, Step, Typing};
use crate::inventory::{DeviceKey, Outcome, SlotKey};
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
    /// The key that opens it now; the factory's where none was stated.
    pub key: &'a Key,
    /// The opener of the key that the inventory keeps of it.
    pub opener: Option<&'a Opener>,
    /// The stated key as its owner has it: it is kept, sealed, when the device has accepted it.
    pub text: Option<&'a KeyText>,
    /// The new key as its owner has it: it is kept before the device gets it.
    pub new_text: Option<&'a KeyText>,
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
    let mut begun = None;
    let result = carry_out(device, host, recorder, request, &mut known, &mut begun);
    let has_begun = begun.is_some();
    let in_doubt = begun.as_ref().is_some_and(|begun| begun.in_doubt);
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
                    let is_refused = matches!(error.reason, Reason::Refused(_));
                    match request.change {
                        DeviceChange::Key(_) => Failure { remedies: vec![SlotRemedy::TryNewKeyOnce.into()], ..failure },
                        DeviceChange::LockScreen(_) if is_refused => {
                            Failure { remedies: vec![SlotRemedy::SeeFirmware.into()], ..failure }
                        }
                        _ => failure,
                    }
                }
                known => reading_failed(&error, device, known.as_ref(), &Again::Same),
            }
        }
    });
    // What is on record as begun is not begun twice: a key would be sent again.
    let result = result.map_err(|failure| Failure { may_come_back: failure.may_come_back && !has_begun, ..failure });
    let result = result.map_err(|failure| match in_doubt && failure.problem.is_key_refused() {
        true => Failure { remedies: vec![SlotRemedy::UseKeyOfBefore.into()], ..failure },
        false => failure,
    });
    device.close();
    if let (Some(BegunChange { key, before, .. }), Some(info)) = (begun, &known) {
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(_) if progress.other == Carried::Unknown => Outcome::Unknown,
            Err(failure) if failure.problem.is_key_refused() => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let at = host.now().wall;
        // An order to reset proves no key.
        let key_was_used = *request.change != DeviceChange::Reset;
        recorder.ended(at, &key_of(info), outcome, result.as_ref().err(), (&key, key_was_used), info)?;
        match &result {
            Ok(_) => match request.change {
                DeviceChange::Reset => {}
                DeviceChange::Key(_) => recorder.new_key_sent(info, &key, at)?,
                _ => recorder.key_accepted(info, &key, request.text, at)?,
            },
            Err(failure) => {
                // Where it surely did not get the new one.
                if let Some(before) = before.filter(|_| progress.other == Carried::No) {
                    recorder.keep_keys_as_before(info, &before)?;
                }
                if failure.problem.is_key_refused() {
                    recorder.kept_key_refused(info, &key, at)?;
                }
            }
        }
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

/// A change that is on record as begun.
struct BegunChange {
    /// The key that it is opened with.
    key: Key,
    /// The keys that were kept before the new one was, if it was.
    before: Option<Vec<DeviceKey>>,
    /// It is checked because it was not known to be the device's.
    in_doubt: bool,
}

fn carry_out(
    device: &mut dyn Device,
    host: &dyn HostClock,
    recorder: &Recorder<'_>,
    request: &mut ChangeRequest<'_>,
    known: &mut Option<Info>,
    begun: &mut Option<BegunChange>,
) -> Result<DeviceChanged, Stop> {
    let (mut contact, _) = clock::open(device, host)?;
    let info = contact.info().clone();
    *known = Some(info.clone());
    request.guard.check_writable(&info)?;
    let needs_key = *request.change != DeviceChange::Reset && !info.can.factory_key.is_empty();
    let to = if *request.change == DeviceChange::Nothing { KeyUse::Check } else { KeyUse::Work };
    let stated = Stated { key: request.key, opener: request.opener, tries_again: request.tries_again };
    let key = if needs_key { recorder.key_for(&info, &stated, to)? } else { Key::Factory };
    if needs_key {
        recorder.check_key_alone(&info, &key, request.tries_again)?;
    }
    let in_doubt = needs_key && to == KeyUse::Check && recorder.is_new_in_doubt(&info, &key).map_err(Failure::from)?;
    (request.before)(&info)?;
    // On record before the device has it: whoever loses it can only reset the device.
    let before = match (request.change, request.new_text) {
        (DeviceChange::Key(_), Some(new)) => {
            let kept = recorder.keep_new_key(&info, (&key, request.text), new, host.now().wall);
            kept.map_err(Failure::from)?
        }
        (DeviceChange::Reset, _) => recorder.reset_begins(&info, host.now().wall).map_err(Failure::from)?,
        _ => None,
    };
    recorder
        .note_words(host.now().wall, &key_of(&info), Outcome::Begun, request.change.words())
        .map_err(Failure::from)?;
    *begun = Some(BegunChange { key: key.clone(), before, in_doubt });
    if *request.change == DeviceChange::Reset {
        let agreed = contact.reset_to_factory()?;
        return Ok(DeviceChanged { info, agreed });
    }
    let mut unlocked = contact.unlock(&key)?;
    let agreed = match request.change {
        DeviceChange::Key(key) => unlocked.write_key(key)?,
        DeviceChange::LockScreen(locks) => unlocked.lock_screen(*locks).map(|()| Agreed::Done)?,
        DeviceChange::Typing(typing) => unlocked.write_typing(*typing).map(|()| Agreed::Done)?,
        DeviceChange::Nothing | DeviceChange::Reset => Agreed::Done,
    };
    Ok(DeviceChanged { info, agreed })
}
