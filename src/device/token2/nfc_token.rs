//! An NFC token at the end of a link, as the floors above know devices.

use super::super::{Config, Contact, Device, DeviceError, Info, Key, Other, Timepiece, Unlocked};
use super::{Authenticated, Identified, Session, TokenKey, identify_other};
use crate::link::Link;
use crate::seed::Seed;

/// An NFC token, or a card that looks like one, at the end of a link.
pub struct NfcToken<L>(pub L);

impl<L: Link> Device for NfcToken<L> {
    fn open(&mut self, again: &mut dyn FnMut(&DeviceError) -> bool) -> Result<Box<dyn Contact + '_>, DeviceError> {
        Ok(Box::new(Session::open_patiently(&mut self.0, again)?))
    }

    fn identify_other(&mut self) -> Other {
        identify_other(&mut self.0)
    }

    fn close(&mut self) {
        self.0.close();
    }
}

impl<State> Timepiece for Session<'_, State> {
    fn read_clock(&mut self) -> Result<u32, DeviceError> {
        self.read_info().map(|(_, clock)| clock)
    }

    fn info(&self) -> &Info {
        Session::info(self)
    }
}

impl Contact for Session<'_, Identified> {
    fn unlock<'c>(self: Box<Self>, key: &Key) -> Result<Box<dyn Unlocked + 'c>, DeviceError>
    where
        Self: 'c,
    {
        Ok(Box::new(self.authenticate(&TokenKey::from(key))?))
    }
}

impl Unlocked for Session<'_, Authenticated> {
    fn write_config(&mut self, _slot: u16, config: Config) -> Result<(), DeviceError> {
        Session::write_config(self, config)
    }

    fn write_seed(&mut self, _slot: u16, seed: &Seed) -> Result<(), DeviceError> {
        Session::write_seed(self, seed)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Session::reset(self)
    }
}
