//! A FIDO2 key at the end of a link, as the floors above know devices.

use std::marker::PhantomData;

use super::super::command::{send, send_any};
use super::super::{
    CapabilityError, Config, Contact, Device, DeviceError, Info, Key, Model, Other, Reason, Serial, SlotState, Step,
    Timepiece, Typing, Unlocked, check_same,
};
use super::command::{
    DeviceKey, DisableInterfaces, EmptySlot, Keys, PressEnter, ReadConfig, Select, SelectFido, Touch, WriteSlot,
};
use super::config::{KeyConfig, parse_config};
use super::sealed::{HostKey, PublicPoint, SealError};
use super::serial::{Prelude, ReadSerial, parse_serial};
use super::{MODEL, MODELS};
use crate::iso7816::{Apdu, StatusWord};
use crate::link::Link;
use crate::seed::Seed;

/// A Token2 FIDO2 key at the end of a link.
pub struct HotpKey<L>(pub L);

/// Nothing can be written yet.
struct Identified;

/// The key is held. It has no key of its own to unlock it.
struct Held;

struct Session<'l, State> {
    link: &'l mut dyn Link,
    info: Info,
    /// The digits of the config that was written last.
    digits: u8,
    state: PhantomData<State>,
}

impl<L: Link> Device for HotpKey<L> {
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        loop {
            match identify(&mut self.0) {
                Ok(info) => {
                    let link = &mut self.0;
                    return Ok(Box::new(Session::<Identified> { link, info, digits: 6, state: PhantomData }));
                }
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn identify_other(&mut self) -> Other {
        Other::SecurityKey
    }

    fn close(&mut self) {
        self.0.close();
    }

    fn is_plugged_in(&self) -> bool {
        true
    }
}

impl<State> Timepiece for Session<'_, State> {
    fn read_clock(&mut self) -> Result<u32, DeviceError> {
        Err(malformed(Step::Info, "a device that counts was asked for its clock"))
    }

    fn info(&self) -> &Info {
        &self.info
    }

    fn read_slot(&mut self, slot: u16) -> Result<Option<SlotState>, DeviceError> {
        let config = read_config(self.link)?;
        let more = config.more;
        if more.is_some_and(|more| !more.has_slot) {
            return Err(DeviceError { step: Step::Slot, reason: Reason::Refused(StatusWord::NO_SLOT) });
        }
        let (has_seed, takes_seed) = (more.map(|more| more.slot_filled), Some(!config.keyboard_off));
        Ok(Some(SlotState { slot, has_seed, takes_seed, ..SlotState::default() }))
    }

    fn read_typing(&mut self) -> Result<Option<Typing>, DeviceError> {
        let config = read_config(self.link)?;
        Ok(Some(Typing {
            enter: config.more.map(|more| !more.no_enter),
            long_touch: config.more.map(|more| more.long_touch),
            numpad: config.more.map(|more| more.numpad),
            keyboard: Some(!config.keyboard_off),
        }))
    }
}

impl Contact for Session<'_, Identified> {
    fn unlock<'c>(self: Box<Self>, _: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c,
    {
        let Self { link, info, digits, .. } = *self;
        link.hold().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })?;
        // Another program may have selected its own application meanwhile.
        send(link, Step::Hold, &Select.apdu())?;
        let same = Info { serial: serial(link)?, ..info.clone() };
        check_same(&info, &same)?;
        Ok(Box::new(Session::<Held> { link, info, digits, state: PhantomData }))
    }
}

impl Session<'_, Held> {
    /// Writes a sealed text, with a new half of the agreement.
    fn write_sealed(
        &mut self,
        step: Step,
        command: impl Fn(&HostKey, &PublicPoint) -> Result<Apdu, SealError>,
    ) -> Result<(), DeviceError> {
        let data = send(self.link, Step::Challenge, &DeviceKey.apdu())?;
        let point: PublicPoint = data
            .as_slice()
            .try_into()
            .map_err(|_| malformed(Step::Challenge, &format!("a key of {} bytes where 64 are due", data.len())))?;
        let sealed = HostKey::random().and_then(|host| command(&host, &point));
        let apdu = sealed.map_err(|error| malformed(Step::Challenge, &error.to_string()))?;
        send(self.link, step, &apdu).map(|_| ())
    }

    fn set(&mut self, step: Step, apdu: &Apdu) -> Result<(), DeviceError> {
        send(self.link, step, apdu).map(|_| ())
    }
}

impl Unlocked for Session<'_, Held> {
    /// The digits go with the seed; what is written here is how a code is typed.
    fn write_config(&mut self, _: u16, config: Config) -> Result<(), DeviceError> {
        let refused = |reason| DeviceError { step: Step::Config, reason };
        let digits = config.digits.unwrap_or(6);
        let can_be = self.info.can.check_code(Some(config.profile.hash()), None, Some(digits));
        can_be.map_err(|error| refused(Reason::Beyond(error)))?;
        self.digits = u8::try_from(digits).unwrap_or(6);
        config.enter.map_or(Ok(()), |enter| self.set(Step::Config, &PressEnter(enter).apdu()))
    }

    fn write_seed(&mut self, _: u16, seed: &Seed) -> Result<(), DeviceError> {
        let fits = self.info.can.check_seed(seed.len());
        fits.map_err(|error| DeviceError { step: Step::Seed, reason: Reason::Beyond(error) })?;
        let write = WriteSlot { digits: self.digits, seed };
        self.write_sealed(Step::Seed, |host, device| write.apdu(host, device))
    }

    fn clear_slot(&mut self, slot: u16) -> Result<bool, DeviceError> {
        let had = self.read_slot(slot)?.and_then(|state| state.has_seed).unwrap_or(true);
        self.write_sealed(Step::Clear, |host, device| EmptySlot.apdu(host, device))?;
        Ok(had)
    }

    fn write_typing(&mut self, typing: Typing) -> Result<(), DeviceError> {
        let step = Step::Device;
        // Whether it may be done at all is known before anything is.
        let interfaces = match typing.keyboard {
            None => None,
            Some(keyboard) => {
                let now = read_config(self.link)?;
                let kept = u8::from(now.fido_off) | u8::from(now.ccid_off) << 2;
                let never = CapabilityError::Never("be left with fewer than two interfaces");
                let left = DisableInterfaces::new(kept | u8::from(!keyboard) << 1);
                Some(left.ok_or(DeviceError { step, reason: Reason::Beyond(never) })?)
            }
        };
        typing.enter.map_or(Ok(()), |enter| self.set(step, &PressEnter(enter).apdu()))?;
        typing.long_touch.map_or(Ok(()), |long| self.set(step, &Touch { long }.apdu()))?;
        typing.numpad.map_or(Ok(()), |numpad| self.set(step, &Keys { numpad }.apdu()))?;
        // Last, because the key may leave and come back with it.
        interfaces.map_or(Ok(()), |left| self.set(step, &left.apdu()))
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.link.reset().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })
    }
}

fn malformed(step: Step, detail: &str) -> DeviceError {
    DeviceError { step, reason: Reason::Malformed(detail.to_owned()) }
}

fn read_config(link: &mut dyn Link) -> Result<KeyConfig, DeviceError> {
    let data = send(link, Step::Slot, &ReadConfig.apdu())?;
    parse_config(&data).map_err(|error| malformed(Step::Slot, &error.to_string()))
}

/// Selects the OTP application, which is what tells that the key has a slot, and reads who it is.
fn identify(link: &mut dyn Link) -> Result<Info, DeviceError> {
    send(link, Step::Info, &Select.apdu())?;
    let serial = serial(link)?;
    let model = Model::among(MODELS, serial.as_str()).unwrap_or(&MODEL);
    Ok(Info { serial, model: Some(model), can: model.can, clock: None, more: 0, opaque: [0; 5], slot: None })
}

/// The serial. Firmware tells it in three ways: to the OTP application, after a prelude, or to FIDO.
fn serial(link: &mut dyn Link) -> Result<Serial, DeviceError> {
    let (data, status) = send_any(link, Step::Info, &ReadSerial.apdu())?;
    if status == StatusWord::OK {
        return parse_serial(&data).map_err(|error| malformed(Step::Info, &error.to_string()));
    }
    send_any(link, Step::Info, &Prelude.apdu())?;
    let (data, status) = send_any(link, Step::Info, &ReadSerial.apdu())?;
    if status == StatusWord::OK {
        return parse_serial(&data).map_err(|error| malformed(Step::Info, &error.to_string()));
    }
    // Its status is not looked at: some keys tell their serial after it was refused.
    send_any(link, Step::Info, &SelectFido.apdu())?;
    let (data, status) = send_any(link, Step::Info, &ReadSerial.apdu())?;
    send(link, Step::Info, &Select.apdu())?;
    match status {
        StatusWord::OK => parse_serial(&data).map_err(|error| malformed(Step::Info, &error.to_string())),
        status => Err(DeviceError { step: Step::Info, reason: Reason::Refused(status) }),
    }
}
