//! A key's treatment of a command to its OTP application (`docs/devices.md` §6, §7).

use std::sync::Arc;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use p256::elliptic_curve::PrimeField;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use p256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar};
use sha2::{Digest, Sha256};

use super::command::{body, reply, sw};
use super::crypto;
use super::emulated::Emulated;
use super::hotp_key_state::{KeyState, SerialBy};
use crate::time::HostClock;

/// Refused as things are (6A81).
const NOT_NOW: u16 = 0x6A81;

/// There is no such thing (6A86).
const NO_SLOT: u16 = 0x6A86;

/// The application that was selected last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Selected {
    Nothing,
    Otp { after_prelude: bool },
    Fido,
}

/// An emulated key that is plugged in.
pub struct EmulatedKey {
    state: KeyState,
    selected: Selected,
    left: bool,
}

impl Emulated for EmulatedKey {
    type State = KeyState;

    /// As the vendor's keys have it: `86 8E`, the product, and eight digits.
    const ATR: &'static [u8] =
        &[0x3B, 0x8C, 0x80, 0x01, 0x86, 0x8E, 0x00, 0x16, b'0', b'0', b'0', b'0', b'0', b'0', b'0', b'1', 0x12];

    fn switched_on(state: KeyState, _: Arc<dyn HostClock>) -> Self {
        Self { state, selected: Selected::Nothing, left: false }
    }

    fn state(&self) -> &KeyState {
        &self.state
    }

    fn reset(&mut self) {
        self.selected = Selected::Nothing;
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        reply(self.dispatch(command))
    }

    fn has_left(&self) -> bool {
        self.left
    }
}

impl EmulatedKey {
    /// Somebody touches it: what it types, or nothing.
    pub fn touch(&mut self) -> Option<String> {
        let seed = data_encoding::HEXLOWER.decode(self.state.seed.as_bytes()).ok()?;
        if seed.is_empty() || self.state.off & 0x02 != 0 {
            return None;
        }
        let code = crypto::code(&seed, false, self.state.counter, self.state.digits);
        self.state.counter = self.state.counter.wrapping_add(1);
        Some(if self.state.no_enter { code } else { format!("{code}\n") })
    }

    fn dispatch(&mut self, command: &[u8]) -> Result<Vec<u8>, u16> {
        let [class, ins, p1, p2, rest @ ..] = command else { return Err(sw::WRONG_LENGTH) };
        let is_otp = matches!(self.selected, Selected::Otp { .. });
        match (class, ins, p1, p2) {
            (0x00, 0xA4, 0x04, 0x00) => self.select(body(rest)?),
            (0x80, 0x33, 0x00, 0x00) => self.serial(),
            (0x80, 0xC5, ..) if !is_otp => Err(sw::NO_INSTRUCTION),
            (0x80, 0xC5, 0x01, 0x00) if self.state.switches.has_pin => Err(NOT_NOW),
            (0x80, 0xC5, 0x01, 0x00) => Ok(self.point()),
            (0x80, 0xC5, 0x03, 0x00) => {
                self.selected = Selected::Otp { after_prelude: true };
                Ok(Vec::new())
            }
            // An Le of ten, not a body.
            (0x80, 0xC5, 0x02, 0x00) if rest == [0x0A] => Ok(self.config()),
            (0x80, 0xC5, 0x02, what) => self.set(*what, body(rest)?),
            (0x80, 0xC5, 0x00, 0x00) => self.write(body(rest)?),
            (0x00 | 0x80, ..) => Err(sw::NO_INSTRUCTION),
            _ => Err(sw::NO_CLASS),
        }
    }

    fn select(&mut self, application: &[u8]) -> Result<Vec<u8>, u16> {
        self.selected = match application {
            [0xF0, 0x00, 0x00, 0x01, 0x4F, 0x74, 0x70, 0x01] => Selected::Otp { after_prelude: false },
            [0xA0, 0x00, 0x00, 0x06, 0x47, 0x2F, 0x00, 0x01] => Selected::Fido,
            _ => return Err(0x6A82),
        };
        Ok(Vec::new())
    }

    fn serial(&self) -> Result<Vec<u8>, u16> {
        let tells = match (self.state.switches.serial_by, self.selected) {
            (SerialBy::Otp, Selected::Otp { .. }) | (SerialBy::Fido, Selected::Fido) => true,
            (SerialBy::Prelude, Selected::Otp { after_prelude }) => after_prelude,
            _ => false,
        };
        if !tells {
            return Err(sw::NO_INSTRUCTION);
        }
        let mut data = vec![0xD1, self.state.serial.len() as u8];
        data.extend_from_slice(self.state.serial.as_bytes());
        Ok(data)
    }

    fn scalar(&self) -> Option<Scalar> {
        let bytes: [u8; 32] = data_encoding::HEXLOWER.decode(self.state.private.as_bytes()).ok()?.try_into().ok()?;
        Option::from(Scalar::from_repr(bytes.into()))
    }

    fn point(&self) -> Vec<u8> {
        let point = self.scalar().map(|scalar| (ProjectivePoint::GENERATOR * scalar).to_affine());
        point
            .map(|point| point.to_encoded_point(false).as_bytes().get(1..).unwrap_or_default().to_vec())
            .unwrap_or_default()
    }

    fn config(&self) -> Vec<u8> {
        let state = &self.state;
        if state.switches.says_one_byte {
            return vec![state.off];
        }
        let flags =
            u8::from(state.no_enter) | 0x04 | u8::from(state.long_touch) << 5 | u8::from(!state.seed.is_empty()) << 7;
        let able = 0x01 | u8::from(state.numpad) << 3 | 0x10 | u8::from(state.switches.no_slot) << 5;
        vec![state.off, flags, 0, 0, 0, 0, 0, 0, 0, able]
    }

    fn set(&mut self, what: u8, value: &[u8]) -> Result<Vec<u8>, u16> {
        let [value] = value else { return Err(sw::WRONG_LENGTH) };
        match (what, value) {
            (0x01, 0x00..=0x07) => {
                self.left = self.state.switches.re_enumerates && self.state.off != *value;
                self.state.off = *value;
            }
            (0x02, 0 | 1) => self.state.no_enter = *value == 1,
            (0x04, 0 | 1) => self.state.long_touch = *value == 1,
            (0x06, 0 | 1) => self.state.numpad = *value == 1,
            _ => return Err(sw::WRONG_DATA),
        }
        Ok(Vec::new())
    }

    fn write(&mut self, sealed: &[u8]) -> Result<Vec<u8>, u16> {
        if self.state.switches.no_slot {
            return Err(NO_SLOT);
        }
        if self.state.off & 0x02 != 0 || self.state.switches.has_pin {
            return Err(NOT_NOW);
        }
        let plain = self.opened(sealed).ok_or(sw::WRONG_DATA)?;
        let [digits, length, seed @ ..] = plain.as_slice() else { return Err(sw::WRONG_DATA) };
        if seed.len() != usize::from(*length) {
            return Err(sw::WRONG_DATA);
        }
        match (digits, seed.len()) {
            (0, 0) => self.state.seed.clear(),
            (6 | 8, 1..=64) => {
                self.state.seed = data_encoding::HEXLOWER.encode(seed);
                self.state.digits = u32::from(*digits);
                if !self.state.switches.keeps_counter {
                    self.state.counter = 0;
                }
            }
            _ => return Err(sw::WRONG_DATA),
        }
        Ok(Vec::new())
    }

    /// The clear text of what was sealed to this key.
    fn opened(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (point, cipher_text) = sealed.split_first_chunk::<64>()?;
        let (x, y) = point.split_first_chunk::<32>()?;
        let y: &[u8; 32] = y.try_into().ok()?;
        let encoded = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
        let theirs: AffinePoint = Option::from(AffinePoint::from_encoded_point(&encoded))?;
        let shared = (ProjectivePoint::from(theirs) * self.scalar()?).to_affine();
        let key: [u8; 32] = Sha256::digest(shared.x()).into();
        let cipher = Aes256::new(&Array(key));
        let (blocks, rest) = cipher_text.as_chunks::<16>();
        let mut before = 0_u128;
        let mut plain = Vec::new();
        for block in blocks {
            let mut clear = Array(*block);
            cipher.decrypt_block(&mut clear);
            plain.extend_from_slice(&(u128::from_be_bytes(clear.0) ^ before).to_be_bytes());
            before = u128::from_be_bytes(*block);
        }
        let padding = usize::from(*plain.last().filter(|_| rest.is_empty())?);
        let end = plain.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding))?;
        plain.iter().skip(end).all(|byte| usize::from(*byte) == padding).then(|| {
            plain.truncate(end);
            plain
        })
    }
}
