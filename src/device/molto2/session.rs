//! A Molto2 at the end of a link, as the floors above know devices.

use std::marker::PhantomData;

use super::super::command::{read_info, send, send_any, send_in_contact};
use super::super::token2::TokenKey;
use super::super::{
    Agreed, CapabilityError, Config, Contact, Device, DeviceError, Info, Key, Other, Reason, SlotState, Step,
    Timepiece, Title, Unlocked, check_same,
};
use super::command::{
    AnswerChallenge, ClearSlot, GetChallenge, GetInfo, LockScreen, ReadSlot, ResetToFactory, WriteClock, WriteConfig,
    WriteKey, WriteSeed, WriteTitle,
};
use super::model::FACTORY_KEY;
use crate::iso7816::{Apdu, StatusWord};
use crate::link::Link;
use crate::seed::Seed;

/// A Molto2 at the end of a link.
pub struct Molto2<L>(pub L);

/// Nothing can be written yet.
struct Identified;

/// The key was accepted.
struct Open;

struct Session<'l, State> {
    link: &'l mut dyn Link,
    info: Info,
    key: TokenKey,
    state: PhantomData<State>,
}

impl<L: Link> Device for Molto2<L> {
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        loop {
            match get_info(&mut self.0) {
                Ok((info, _)) => {
                    let (link, key, state) = (&mut self.0, TokenKey::of_bytes(FACTORY_KEY), PhantomData);
                    return Ok(Box::new(Session::<Identified> { link, info, key, state }));
                }
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn identify_other(&mut self) -> Other {
        Other::Unknown
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
        let (info, clock) = get_info(self.link)?;
        check_same(&self.info, &info)?;
        self.info = info;
        Ok(clock)
    }

    fn info(&self) -> &Info {
        &self.info
    }

    fn read_slot(&mut self, slot: u16) -> Result<Option<SlotState>, DeviceError> {
        let data = send(self.link, Step::Slot, &ReadSlot(slot).apdu())?;
        let malformed = |detail: String| DeviceError { step: Step::Slot, reason: Reason::Malformed(detail) };
        ReadSlot(slot).parse(&data).map(Some).map_err(|error| malformed(error.to_string()))
    }
}

impl Contact for Session<'_, Identified> {
    fn unlock<'c>(self: Box<Self>, key: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c,
    {
        let Self { link, info, .. } = *self;
        let key = token_key(key);
        link.hold().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })?;
        let data = send(link, Step::Challenge, &GetChallenge.apdu())?;
        let challenge = data.as_slice().try_into().map_err(|_| DeviceError {
            step: Step::Challenge,
            reason: Reason::Malformed(format!("a challenge of {} bytes where 8 are due", data.len())),
        })?;
        send_in_contact(link, Step::Answer, &AnswerChallenge { challenge }.apdu(&key), &GetInfo.apdu())?;
        Ok(Box::new(Session::<Open> { link, info, key, state: PhantomData }))
    }

    fn reset_to_factory(&mut self) -> Result<Agreed, DeviceError> {
        confirmed(self.link, &ResetToFactory.apdu())
    }
}

impl Session<'_, Open> {
    fn write(&mut self, step: Step, apdu: &Apdu) -> Result<(), DeviceError> {
        send_in_contact(self.link, step, apdu, &GetInfo.apdu()).map(|_| ())
    }
}

impl Unlocked for Session<'_, Open> {
    fn write_config(&mut self, slot: u16, config: Config) -> Result<(), DeviceError> {
        let Config { profile, clock, digits, .. } = config;
        let refused = |reason| DeviceError { step: Step::Config, reason };
        let can = self.info.can;
        let digits = digits.unwrap_or(6);
        can.check_profile(profile)
            .and_then(|()| can.check_code(None, None, Some(digits)))
            .map_err(|error| refused(Reason::Beyond(error)))?;
        let clock = clock.ok_or_else(|| refused(Reason::Malformed("no clock to write".to_owned())))?;
        let digits = u8::try_from(digits).unwrap_or(6);
        self.write(Step::Config, &WriteConfig { slot, profile, digits, clock }.apdu(&self.key))
    }

    fn write_clock(&mut self, slot: u16, clock: u32) -> Result<(), DeviceError> {
        self.write(Step::Config, &WriteClock { slot, clock }.apdu(&self.key))
    }

    fn write_title(&mut self, slot: u16, title: &Title) -> Result<(), DeviceError> {
        self.write(Step::Title, &WriteTitle { slot, title }.apdu(&self.key))
    }

    fn clear_slot(&mut self, slot: u16) -> Result<bool, DeviceError> {
        match send_any(self.link, Step::Clear, &ClearSlot(slot).apdu())? {
            (_, StatusWord::OK) => Ok(true),
            (_, status) if status == StatusWord::NOTHING_THERE => Ok(false),
            (_, status) => Err(DeviceError { step: Step::Clear, reason: Reason::Refused(status) }),
        }
    }

    fn write_key(&mut self, key: &Key) -> Result<Agreed, DeviceError> {
        let bytes = <&[u8; 16]>::try_from(key.bytes(&FACTORY_KEY)).unwrap_or(&FACTORY_KEY);
        confirmed(self.link, &WriteKey(bytes).apdu(&self.key))
    }

    fn lock_screen(&mut self, locks: bool) -> Result<(), DeviceError> {
        self.write(Step::Device, &LockScreen(locks).apdu())
    }

    fn write_seed(&mut self, slot: u16, seed: &Seed) -> Result<(), DeviceError> {
        let beyond = |error| DeviceError { step: Step::Seed, reason: Reason::Beyond(error) };
        self.info.can.check_seed(seed.len()).map_err(beyond)?;
        if seed.expose().iter().all(|byte| *byte == 0) {
            return Err(beyond(CapabilityError::ClearsSlot));
        }
        self.write(Step::Seed, &WriteSeed { slot, seed }.apdu(&self.key))
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.link.reset().map_err(|error| DeviceError { step: Step::Hold, reason: Reason::Link(error) })
    }
}

fn token_key(key: &Key) -> TokenKey {
    match key {
        Key::Factory => TokenKey::of_bytes(FACTORY_KEY),
        Key::Own(bytes) => TokenKey::of_bytes(**bytes),
    }
}

/// An order that the device may want confirmed by its button: 9060 says that it waits, 9000 that it is done, and some firmware says
/// 9000 for both.
fn confirmed(link: &mut dyn Link, apdu: &Apdu) -> Result<Agreed, DeviceError> {
    match send_any(link, Step::Device, apdu)? {
        (_, StatusWord::OK) => Ok(Agreed::Done),
        (_, status) if status == StatusWord::WAITS_FOR_BUTTON => Ok(Agreed::WaitsForButton),
        (_, status) => Err(DeviceError { step: Step::Device, reason: Reason::Refused(status) }),
    }
}

fn get_info(link: &mut dyn Link) -> Result<(Info, u32), DeviceError> {
    read_info(link, &GetInfo.apdu(), |data| GetInfo.parse(data))
}
