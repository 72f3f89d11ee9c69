//! The commands of a Molto2, each a type (`docs/devices.md` §3). Secure messaging is that of the NFC tokens, under another key.

use zeroize::Zeroizing;

use super::super::token2::command::display_byte;
use super::super::token2::{InfoError, TokenKey, parse_info};
use super::super::{Info, Profile, SlotState, Title};
use super::{MODEL, PublicBlockError, parse_public_block};
use crate::iso7816::{Apdu, tlv};
use crate::otp::Hash;
use crate::seed::Seed;

/// A slot's number as a command's P2 has it; slots end at 99.
fn p2(slot: u16) -> u8 {
    u8::try_from(slot).unwrap_or(u8::MAX)
}

/// Get info: `80 41 00 00 00`.
#[derive(Debug, Clone, Copy)]
pub struct GetInfo;

impl GetInfo {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x41, 0x00, 0x00], &[]).with_le(0)
    }

    /// Reads the answer's data, which has the form of an NFC token's.
    ///
    /// # Errors
    /// [`InfoError`].
    pub fn parse(self, data: &[u8]) -> Result<Info, InfoError> {
        parse_info(data).map(|info| Info { model: Some(&MODEL), can: MODEL.can, ..info })
    }
}

/// Read a slot's public block: `80 41 00 P 01 70`, without an Le, which it refuses with 6FFB.
#[derive(Debug, Clone, Copy)]
pub struct ReadSlot(pub u16);

impl ReadSlot {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x41, 0x00, p2(self.0)], &[0x70])
    }

    /// Reads the answer's data.
    ///
    /// # Errors
    /// [`PublicBlockError`].
    pub fn parse(self, data: &[u8]) -> Result<SlotState, PublicBlockError> {
        parse_public_block(self.0, data)
    }
}

/// Get challenge: `80 4B 08 00 00`.
#[derive(Debug, Clone, Copy)]
pub struct GetChallenge;

impl GetChallenge {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x4B, 0x08, 0x00], &[]).with_le(0)
    }
}

/// Answer challenge, as on an NFC token.
pub use super::super::token2::command::AnswerChallenge;

/// Write seed: `84 C5 01 P Lc`. An all-zero seed means something else to the device, and is none.
#[derive(Debug)]
pub struct WriteSeed<'a> {
    /// The slot.
    pub slot: u16,
    /// A seed of 1 to 63 bytes that are not all zero.
    pub seed: &'a Seed,
}

impl WriteSeed<'_> {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(&self, key: &TokenKey) -> Apdu {
        key.secured([0xC5, 0x01, p2(self.slot)], &key.encrypt_padded(self.seed.expose()))
    }
}

/// Write title: `84 D5 00 P 14`.
#[derive(Debug)]
pub struct WriteTitle<'a> {
    /// The slot.
    pub slot: u16,
    /// A title of 1 to 12 bytes.
    pub title: &'a Title,
}

impl WriteTitle<'_> {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(&self, key: &TokenKey) -> Apdu {
        key.secured([0xD5, 0x00, p2(self.slot)], &key.encrypt_padded(self.title.as_str().as_bytes()))
    }
}

/// Write config: `84 D4 01 P 1A`, profile, digits and clock in plain.
#[derive(Debug, Clone, Copy)]
pub struct WriteConfig {
    /// The slot.
    pub slot: u16,
    /// Hash, time step and display time.
    pub profile: Profile,
    /// The digits of its codes: 4, 6, 8 or 10.
    pub digits: u8,
    /// The clock to set, in Unix seconds.
    pub clock: u32,
}

impl WriteConfig {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(self, key: &TokenKey) -> Apdu {
        let hash = if self.profile.hash() == Hash::Sha256 { 0x02 } else { 0x01 };
        let step = if self.profile.step().seconds() == 60 { 0x3C } else { 0x1E };
        let mut otp = Vec::with_capacity(9);
        tlv::append(&mut otp, 0x0A, &[hash]);
        tlv::append(&mut otp, 0x0B, &[self.digits]);
        tlv::append(&mut otp, 0x0D, &[step]);
        let mut fields = Vec::with_capacity(20);
        tlv::append(&mut fields, 0x1F, &[display_byte(self.profile.display())]);
        tlv::append(&mut fields, 0x0F, &self.clock.to_be_bytes());
        tlv::append(&mut fields, 0x86, &otp);
        let mut config = Vec::with_capacity(22);
        tlv::append(&mut config, 0x81, &fields);
        key.secured([0xD4, 0x01, p2(self.slot)], &config)
    }
}

/// Set a slot's clock and nothing else: `84 D4 01 P 0C`.
#[derive(Debug, Clone, Copy)]
pub struct WriteClock {
    /// The slot.
    pub slot: u16,
    /// The clock to set, in Unix seconds.
    pub clock: u32,
}

impl WriteClock {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(self, key: &TokenKey) -> Apdu {
        let mut time = Vec::with_capacity(6);
        tlv::append(&mut time, 0x0F, &self.clock.to_be_bytes());
        let mut body = Vec::with_capacity(8);
        tlv::append(&mut body, 0x81, &time);
        key.secured([0xD4, 0x01, p2(self.slot)], &body)
    }
}

/// Take the seed out of a slot: `80 E6 00 P 00`. Its title stays.
#[derive(Debug, Clone, Copy)]
pub struct ClearSlot(pub u16);

impl ClearSlot {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0xE6, 0x00, p2(self.0)], &[]).with_le(0)
    }
}

/// Set another customer key: `84 D7 00 00 24`, under the old one.
pub struct WriteKey<'a>(pub &'a [u8; 16]);

impl WriteKey<'_> {
    /// The command, under the key that counts until now.
    #[must_use]
    pub fn apdu(&self, key: &TokenKey) -> Apdu {
        let mut clear = Zeroizing::new(Vec::with_capacity(17));
        clear.push(0x00);
        clear.extend_from_slice(self.0);
        key.secured([0xD7, 0x00, 0x00], &key.encrypt_padded(&clear))
    }
}

/// Reset to the factory's state: `80 56 00 00 00`. It needs no key.
#[derive(Debug, Clone, Copy)]
pub struct ResetToFactory;

impl ResetToFactory {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x56, 0x00, 0x00], &[]).with_le(0)
    }
}

/// Lock the screen: `80 D8 0C 02 00`; unlock it: `80 D8 0C 02 01 01`. Firmware 2.1 and later.
#[derive(Debug, Clone, Copy)]
pub struct LockScreen(pub bool);

impl LockScreen {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        let header = [0x80, 0xD8, 0x0C, 0x02];
        if self.0 { Apdu::new(header, &[]).with_le(0) } else { Apdu::new(header, &[0x01]) }
    }
}
