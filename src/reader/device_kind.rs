//! Kinds of device, told apart by a reader's name and a card's ATR before anything is sent to it.
//!
//! A command in a wrong place harms: a security key forgets that its PIN was entered, a Molto2 counts a wrong key.

use super::atr::CardKind;

/// The kind of device that a slot, or a card on it, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A contactless card: perhaps a token.
    Contactless,
    /// A storage tag or access card.
    StorageTag,
    /// A Molto2, which is a reader and its card in one.
    Molto2,
    /// A Molto-1, another product with commands of its own.
    Molto1,
    /// A FIDO2 key of the vendor's, which may have a HOTP slot.
    Token2Key,
    /// Another security key, plugged in or laid on a reader.
    SecurityKey,
    /// A smart card that is none: Windows Hello, a TPM, a SIM.
    Virtual,
    /// The slot of a reader for its own security module.
    Sam,
    /// A card with contacts, or one whose ATR tells nothing.
    Other,
}

/// Parts of readers' names, in lower case, by which a security key is known. Those of the vendor's keys vary: "TOKEN2 FIDO2
/// Security Key(0016) 00 00", "Token2 PIN+R3 00 00".
const KEYS: &[&str] = &[
    "yubikey",
    "yubico",
    "fido",
    "security key",
    "token2 pin+",
    "token2 bio",
    "token2 mini",
    "nitrokey",
    "solokey",
    "solo 2",
    "onlykey",
    "titan",
    "trustkey",
    "gnuk",
    "canokey",
    "hypersecu",
    "ledger",
    "openpgp",
];

/// Parts of the names, in lower case, by which a Molto-1 would be known. The vendor warns that the wrong tool can damage it.
const MOLTO_1: &[&str] = &["molto1", "molto-1", "molto 1"];

/// Parts of the names, in lower case, of readers that are in software or hold no card that anybody laid there.
const VIRTUAL: &[&str] = &["windows hello", "microsoft virtual", "virtual smart card", "uicc", "microsoft ifd"];

impl DeviceKind {
    /// The kind of a card on a reader of this name.
    #[must_use]
    pub fn of(reader: &str, card: CardKind) -> Self {
        match (Self::of_name(reader), card) {
            (Some(device), _) => device,
            (None, CardKind::Contactless) => Self::Contactless,
            (None, CardKind::StorageTag) => Self::StorageTag,
            (None, CardKind::SecurityKey) => Self::SecurityKey,
            (None, CardKind::Token2Key) => Self::Token2Key,
            (None, CardKind::Molto2) => Self::Molto2,
            (None, CardKind::Other) => Self::Other,
        }
    }

    /// The kind that the reader's name alone tells; `None` where any card may lie there.
    #[must_use]
    pub fn of_name(reader: &str) -> Option<Self> {
        let name = reader.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        match () {
            () if has(MOLTO_1) => Some(Self::Molto1),
            () if name.contains("molto") => Some(Self::Molto2),
            () if has(VIRTUAL) => Some(Self::Virtual),
            () if name.contains("token2") && has(KEYS) => Some(Self::Token2Key),
            () if has(KEYS) => Some(Self::SecurityKey),
            () if reader.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("SAM")) => {
                Some(Self::Sam)
            }
            () => None,
        }
    }

    /// Whether an NFC token may be behind it, as far as can be told without sending anything.
    #[must_use]
    pub fn may_be_token(self) -> bool {
        self == Self::Contactless
    }

    /// Whether any command is for it.
    #[must_use]
    pub fn is_programmed(self) -> bool {
        matches!(self, Self::Contactless | Self::Molto2 | Self::Token2Key)
    }

    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Contactless => "contactless-card",
            Self::StorageTag => "storage-tag",
            Self::Molto2 => "molto2",
            Self::Molto1 => "molto1",
            Self::Token2Key => "token2-key",
            Self::SecurityKey => "security-key",
            Self::Virtual => "virtual-card",
            Self::Sam => "sam",
            Self::Other => "other-card",
        }
    }

    /// The kind in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Contactless => "a contactless card: perhaps a token",
            Self::StorageTag => "a storage tag or access card, not a token",
            Self::Molto2 => "a Molto2",
            Self::Molto1 => "a Molto-1, which tokentap does not program",
            Self::Token2Key => "a Token2 FIDO2 key",
            Self::SecurityKey => "a security key, not a token",
            Self::Virtual => "a virtual smart card, not a token",
            Self::Sam => "the reader's own security module, not a token",
            Self::Other => "a card with contacts, not a token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_s_name_tells_keys_molto_and_virtual_cards_from_readers_for_tokens() {
        for (name, device) in [
            ("TOKEN2 Molto2 [CCID Interface] 00 00", Some(DeviceKind::Molto2)),
            ("Token2 Molto-1 00 00", Some(DeviceKind::Molto1)),
            ("TOKEN2 FIDO2 Security Key(0016) 00 00", Some(DeviceKind::Token2Key)),
            ("Token2 PIN+R3 00 00", Some(DeviceKind::Token2Key)),
            ("Yubico YubiKey OTP+FIDO+CCID 00 00", Some(DeviceKind::SecurityKey)),
            ("Nitrokey Nitrokey 3 [CCID/ICCD Interface] 00 00", Some(DeviceKind::SecurityKey)),
            ("Windows Hello for Business 1", Some(DeviceKind::Virtual)),
            ("Microsoft Virtual Smart Card 0", Some(DeviceKind::Virtual)),
            ("Microsoft UICC ISO Reader 7b5e", Some(DeviceKind::Virtual)),
            ("ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00", Some(DeviceKind::Sam)),
            ("ACS ACR1252 1S CL Reader SAM 0", Some(DeviceKind::Sam)),
            ("ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00", None),
            ("ACS ACR122U PICC Interface 00 00", None),
            ("HID Global OMNIKEY 5022 Smart Card Reader 00 00", None),
            ("TOKEN2 MFA NFC Reader 00 00", None),
            ("Samsung NFC 00 00", None),
            ("Virtual PCD 00 00", None),
        ] {
            assert_eq!(DeviceKind::of_name(name), device, "{name}");
        }
    }
}
