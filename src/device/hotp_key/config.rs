//! A key's answer to the question how it is set up (`docs/devices.md` §7).

/// What a key says of its set-up. What is `None` it did not say: some firmware answers the first byte only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyConfig {
    /// FIDO is switched off.
    pub fido_off: bool,
    /// The keyboard, which types the codes, is switched off.
    pub keyboard_off: bool,
    /// The card interface is switched off.
    pub ccid_off: bool,
    /// The rest of the answer, where it came.
    pub more: Option<MoreConfig>,
}

/// The rest of what a key says of its set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of the answer")]
pub struct MoreConfig {
    /// It presses no Enter behind a code.
    pub no_enter: bool,
    /// It wants a long touch.
    pub long_touch: bool,
    /// It presses the keys of the number pad.
    pub numpad: bool,
    /// Its slot holds a seed.
    pub slot_filled: bool,
    /// It has a slot.
    pub has_slot: bool,
}

/// An answer that is no set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its answer on its set-up is empty")]
pub struct ConfigError;

/// Reads ten bytes, or the first of them.
///
/// # Errors
/// [`ConfigError`] for an empty answer.
pub fn parse_config(data: &[u8]) -> Result<KeyConfig, ConfigError> {
    let off = *data.first().ok_or(ConfigError)?;
    let more = match (data.get(1), data.get(9)) {
        (Some(flags), Some(able)) => Some(MoreConfig {
            no_enter: flags & 0x01 != 0,
            long_touch: flags & 0x20 != 0,
            slot_filled: flags & 0x80 != 0,
            numpad: able & 0x08 != 0,
            has_slot: able & 0x20 == 0,
        }),
        _ => None,
    };
    Ok(KeyConfig { fido_off: off & 0x01 != 0, keyboard_off: off & 0x02 != 0, ccid_off: off & 0x04 != 0, more })
}
