//! The five commands, each a type (`docs/protocol.md` §3). None carries an Le.

use zeroize::Zeroizing;

use super::super::{DisplayTime, Info, Profile};
use super::secure::{BLOCK, TokenKey};
use super::{InfoError, parse_info};
use crate::iso7816::{Apdu, tlv};
use crate::otp::Hash;
use crate::seed::Seed;

/// Get info: `80 41 00 00 02 02 11` (`docs/protocol.md` §4).
#[derive(Debug, Clone, Copy)]
pub struct GetInfo;

impl GetInfo {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x41, 0x00, 0x00], &[0x02, 0x11])
    }

    /// Reads the answer's data.
    ///
    /// # Errors
    /// [`InfoError`].
    pub fn parse(self, data: &[u8]) -> Result<Info, InfoError> {
        parse_info(data)
    }
}

/// Get challenge: `80 4B 08 00 01 00` (`docs/protocol.md` §5).
#[derive(Debug, Clone, Copy)]
pub struct GetChallenge;

impl GetChallenge {
    /// The command.
    #[must_use]
    pub fn apdu(self) -> Apdu {
        Apdu::new([0x80, 0x4B, 0x08, 0x00], &[0x00])
    }

    /// Reads the eight random bytes.
    ///
    /// # Errors
    /// The number of bytes that came instead of eight.
    pub fn parse(self, data: &[u8]) -> Result<[u8; 8], usize> {
        data.try_into().map_err(|_| data.len())
    }
}

/// Answer challenge: `80 CE 00 00 10` and the answer (`docs/protocol.md` §5).
#[derive(Debug, Clone, Copy)]
pub struct AnswerChallenge {
    /// The eight bytes that the token gave.
    pub challenge: [u8; 8],
}

impl AnswerChallenge {
    /// The command, answered with `key`.
    #[must_use]
    pub fn apdu(self, key: &TokenKey) -> Apdu {
        let answer: [u8; BLOCK] = key.answer(self.challenge);
        Apdu::new([0x80, 0xCE, 0x00, 0x00], &answer)
    }
}

/// Write seed: `84 C5 01 00 Lc`, the encrypted seed and its MAC (`docs/protocol.md` §5).
#[derive(Debug)]
pub struct WriteSeed<'a> {
    /// A seed of 1 to 63 bytes.
    pub seed: &'a Seed,
}

impl WriteSeed<'_> {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(&self, key: &TokenKey) -> Apdu {
        secured(key, 0xC5, 0x01, key.encrypt_padded(self.seed.expose()))
    }
}

/// Write config: `84 D4 00 00 17`, profile and clock in plain, and their MAC (`docs/protocol.md` §6).
///
/// All fields go every time: there is no way to write the clock alone.
#[derive(Debug, Clone, Copy)]
pub struct WriteConfig {
    /// Hash, time step and display time.
    pub profile: Profile,
    /// The clock to set, in Unix seconds.
    pub clock: u32,
}

impl WriteConfig {
    /// The command, under `key`.
    #[must_use]
    pub fn apdu(self, key: &TokenKey) -> Apdu {
        let hash = match self.profile.hash() {
            Hash::Sha1 => 0x01,
            // A profile holds no other hash.
            Hash::Sha256 | Hash::Sha512 => 0x02,
        };
        let step = if self.profile.step().seconds() == 60 { 0x3C } else { 0x1E };
        let mut otp = Vec::with_capacity(6);
        tlv::append(&mut otp, 0x0A, &[hash]);
        tlv::append(&mut otp, 0x0D, &[step]);
        let mut fields = Vec::with_capacity(17);
        tlv::append(&mut fields, 0x1F, &[display_byte(self.profile.display())]);
        tlv::append(&mut fields, 0x0F, &self.clock.to_be_bytes());
        tlv::append(&mut fields, 0x86, &otp);
        let mut config = Zeroizing::new(Vec::with_capacity(19 + 4));
        tlv::append(&mut config, 0x81, &fields);
        secured(key, 0xD4, 0x00, config)
    }
}

/// The display time as a config has it, here and on a Molto2.
pub(in super::super) fn display_byte(display: DisplayTime) -> u8 {
    match display {
        DisplayTime::S15 => 0,
        DisplayTime::S30 => 1,
        DisplayTime::S60 => 2,
        DisplayTime::S120 => 3,
    }
}

fn secured(key: &TokenKey, ins: u8, p1: u8, body: Zeroizing<Vec<u8>>) -> Apdu {
    key.secured([ins, p1, 0x00], &body)
}
