//! A slot's public block: what anybody may read of it (`docs/devices.md` §4).

use super::super::SlotState;
use crate::otp::{Hash, TimeStep};

/// Why an answer is no public block. It is then not known whether the slot is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicBlockError {
    /// Not 33 bytes.
    #[error("a slot's public block has 33 bytes, and this has {0}")]
    Length(usize),
    /// Other tags or lengths.
    #[error("a slot's public block begins otherwise")]
    Frame,
    /// A last byte that is neither 00 nor 01.
    #[error("whether the slot holds a seed is said with {0:02X}, which is neither 00 nor 01")]
    Seed(u8),
}

/// Reads `95 1F 70 1D`, flag, title (16 bytes), two times (4 each), hash, step, digits, and whether there is a seed. Only the last byte
/// tells that: an empty slot may show defaults, or zeros.
///
/// # Errors
/// [`PublicBlockError`].
pub fn parse_public_block(slot: u16, data: &[u8]) -> Result<SlotState, PublicBlockError> {
    let block = <&[u8; 33]>::try_from(data).map_err(|_| PublicBlockError::Length(data.len()))?;
    let [0x95, 0x1F, 0x70, 0x1D, _flag, rest @ ..] = block else { return Err(PublicBlockError::Frame) };
    let [title @ .., hash, step, digits, seed] = rest;
    let has_seed = match seed {
        0 => false,
        1 => true,
        other => return Err(PublicBlockError::Seed(*other)),
    };
    let title: Vec<u8> = title.iter().take(16).copied().take_while(|byte| *byte != 0).collect();
    Ok(SlotState {
        slot,
        has_seed: Some(has_seed),
        takes_seed: None,
        title: Some(String::from_utf8_lossy(&title).into_owned()),
        hash: match hash {
            1 => Some(Hash::Sha1),
            2 => Some(Hash::Sha256),
            _ => None,
        },
        step: TimeStep::new(u32::from(*step)),
        digits: Some(u32::from(*digits)).filter(|digits| *digits > 0),
    })
}
