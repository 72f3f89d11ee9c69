//! The kind of a card by its ATR, before anything is sent to it (PC/SC part 3, section 3.1.3.2.3).

/// The kind of card that an ATR is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardKind {
    /// A contactless card with a processor, as a token is one.
    Contactless,
    /// A contactless storage tag or access card.
    StorageTag,
    /// A security key, by its historical bytes.
    SecurityKey,
    /// A FIDO2 key of the vendor's, by its historical bytes.
    Token2Key,
    /// An emulated Molto2.
    Molto2,
    /// A card with contacts, or one that its ATR does not tell.
    Other,
}

/// The application identifier that PC/SC gives to storage cards, with the bytes in front of it.
const STORAGE_CARD: &[u8] = &[0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06];

/// The historical bytes of an emulated Molto2. A real one is a reader of its own, and known by that reader's name.
const MOLTO2: &[u8] = b"MOLTO2";

/// Names in historical bytes by which a security key is known. A `YubiKey`'s ATR ends in its name.
const KEYS: &[&[u8]] = &[b"YubiKey", b"Yubi", b"Nitrokey", b"SoloKey"];

/// The beginning of the historical bytes of the vendor's own security keys, with the product's number behind it.
const TOKEN2_KEY: &[u8] = &[0x86, 0x8E];

impl CardKind {
    /// Tells the kind by an ATR. For contactless cards it is `3B 8n 80 01`, n historical bytes, and a check byte.
    #[must_use]
    pub fn of_atr(atr: &[u8]) -> Self {
        match atr {
            [0x3B, 0x80..=0x8F, 0x80, 0x01, historical @ ..] if historical.starts_with(STORAGE_CARD) => {
                Self::StorageTag
            }
            [0x3B, 0x80..=0x8F, 0x80, 0x01, historical @ ..] if historical.starts_with(MOLTO2) => Self::Molto2,
            [0x3B, 0x80..=0x8F, 0x80, 0x01, historical @ ..] if historical.starts_with(TOKEN2_KEY) => Self::Token2Key,
            [0x3B, 0x80..=0x8F, 0x80, 0x01, historical @ ..] if is_key(historical) => Self::SecurityKey,
            [0x3B, 0x80..=0x8F, 0x80, 0x01, ..] => Self::Contactless,
            _ => Self::Other,
        }
    }
}

fn is_key(historical: &[u8]) -> bool {
    KEYS.iter().any(|name| historical.windows(name.len()).any(|window| window == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_tag_is_told_from_a_processor_card() {
        // PC/SC part 3, section 3.1.3.2.3.3: MIFARE Classic 1K.
        let mifare = data_encoding::HEXUPPER.decode(b"3B8F8001804F0CA000000306030001000000006A").unwrap();
        assert_eq!(CardKind::of_atr(&mifare), CardKind::StorageTag);
        assert_eq!(CardKind::of_atr(&[0x3B, 0x88, 0x80, 0x01, 1, 2, 3]), CardKind::Contactless);
        assert_eq!(CardKind::of_atr(&[0x3B, 0x9F, 0x95]), CardKind::Other);
        assert_eq!(CardKind::of_atr(&[]), CardKind::Other);
        // A YubiKey 5 over NFC.
        let key = data_encoding::HEXUPPER.decode(b"3B8D80018073C021C057597562694B657940").unwrap();
        assert_eq!(CardKind::of_atr(&key), CardKind::SecurityKey);
    }
}
