//! The secret that a token computes its codes from: parsed, redacted, wiped.
//!
//! A seed has no `Display`; its `Debug` shows only its length, and its memory is wiped when it is dropped.

use std::fmt;

use data_encoding::{BASE32_NOPAD, BitOrder, Encoding, HEXUPPER, Specification};
use zeroize::{Zeroize, Zeroizing};

/// The longest seed that is read from anywhere, in bytes: twice the block of SHA-512, beyond any server's use.
pub const MAX_BYTES: usize = 256;

/// A shared secret of 1 to [`MAX_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<Vec<u8>>);

/// How the text of a secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretEncoding {
    /// Hexadecimal digits, any case; spaces and colons are ignored.
    Hex,
    /// Base32 of RFC 4648, any case; spaces, hyphens and `=` are ignored.
    Base32,
}

impl fmt::Display for SecretEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hex => "hex",
            Self::Base32 => "base32",
        })
    }
}

/// A seed as it was read from text, and what was odd about the text.
#[derive(Debug)]
pub struct ParsedSeed {
    /// The secret.
    pub seed: Seed,
    /// The encoding that it was in.
    pub encoding: SecretEncoding,
    /// The last Base32 character carried bits that belong to no byte. They were dropped, as other programs do.
    pub trailing_bits: bool,
}

/// Why a text is not a seed. No message repeats any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Nothing but spaces.
    #[error("the seed is empty")]
    Empty,
    /// More bytes than [`MAX_BYTES`].
    #[error("the seed has {0} bytes; no device takes more than {MAX_BYTES}")]
    TooLong(usize),
    /// A character of neither encoding.
    #[error("character {position} of the seed is neither Base32 (A-Z, 2-7) nor hex (0-9, A-F)")]
    BadCharacter {
        /// The position of the character, counted from 1 in the text as given.
        position: usize,
    },
    /// Characters of both encodings that fit neither as a whole.
    #[error("the seed is neither hex nor Base32: it has characters that only the other one knows")]
    Mixed,
    /// An odd number of hex digits.
    #[error("the seed has {0} hex digits, an odd number: one is missing or one too many")]
    OddHex(usize),
    /// A number of Base32 characters that no byte string has (RFC 4648, section 6).
    #[error("the seed has {0} Base32 characters, a number that no Base32 text has: some are missing")]
    BadBase32Length(usize),
    /// Both encodings fit, with different results.
    #[error("the seed could be hex or Base32: both fit")]
    Ambiguous,
}

/// How deep the stack is wiped, in bytes: several times what any job here needs of it.
const STACK_DEPTH: usize = 256 << 10;

/// Wipes what calls that have returned left on this thread's stack below the caller: ciphers and hashes keep padded
/// copies of a seed in frames that nobody wipes.
#[inline(never)]
pub fn wipe_stack() {
    let mut frames = [0_u8; STACK_DEPTH];
    frames.zeroize();
}

impl Seed {
    /// Takes over bytes as a seed.
    ///
    /// # Errors
    /// [`SeedError::Empty`] and [`SeedError::TooLong`]; the bytes are wiped then too.
    pub fn from_bytes(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Result<Self, SeedError> {
        let bytes = bytes.into();
        match bytes.len() {
            0 => Err(SeedError::Empty),
            n if n > MAX_BYTES => Err(SeedError::TooLong(n)),
            _ => Ok(Self(bytes)),
        }
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The number of bytes, from 1 to [`MAX_BYTES`].
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The secret as Base32, upper case, without padding.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// The secret as hex digits, upper case.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXUPPER.encode(&self.0))
    }

    /// Reads a secret in hex or Base32. Without `encoding` the text must fit only one of them: it is never guessed.
    ///
    /// # Errors
    /// See [`SeedError`]. With [`SeedError::Ambiguous`] the caller asks for the encoding.
    pub fn parse(text: &str, encoding: Option<SecretEncoding>) -> Result<ParsedSeed, SeedError> {
        if let Some(encoding) = encoding {
            return decode(text, encoding);
        }
        match encodings_that_fit(text)? {
            Fits { hex: true, base32: true } => Err(SeedError::Ambiguous),
            Fits { hex: true, base32: false } => decode(text, SecretEncoding::Hex),
            Fits { hex: false, base32: true } => decode(text, SecretEncoding::Base32),
            Fits { hex: false, base32: false } => Err(why_neither(text)),
        }
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({} bytes)", self.len())
    }
}

/// The encodings that a text decodes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fits {
    /// Every character is a hex digit and their number is even.
    pub hex: bool,
    /// Every character is of Base32 and their number is possible.
    pub base32: bool,
}

/// The encodings that a text fits; a column of secrets is settled by looking at all of its texts.
///
/// # Errors
/// [`SeedError::Empty`], and [`SeedError::BadCharacter`] where a character belongs to neither.
pub fn encodings_that_fit(text: &str) -> Result<Fits, SeedError> {
    let mut hex = true;
    let mut base32 = true;
    let (mut hex_digits, mut base32_characters) = (0_usize, 0_usize);
    for (index, c) in text.chars().enumerate() {
        if c.is_whitespace() {
            continue;
        }
        let upper = c.to_ascii_uppercase();
        let is_hex = upper.is_ascii_hexdigit();
        let is_base32 = upper.is_ascii_uppercase() || ('2'..='7').contains(&upper);
        if !is_hex && !is_base32 && !matches!(c, ':' | '-' | '=') {
            return Err(SeedError::BadCharacter { position: index + 1 });
        }
        hex_digits += usize::from(is_hex);
        base32_characters += usize::from(is_base32);
        hex &= is_hex || c == ':';
        base32 &= is_base32 || matches!(c, '-' | '=');
    }
    if hex_digits + base32_characters == 0 {
        return Err(SeedError::Empty);
    }
    Ok(Fits { hex: hex && hex_digits.is_multiple_of(2), base32: base32 && !matches!(base32_characters % 8, 1 | 3 | 6) })
}

/// The error for a text of which no encoding makes sense: the likelier encoding's own complaint.
fn why_neither(text: &str) -> SeedError {
    let hex = decode(text, SecretEncoding::Hex).err();
    let base32 = decode(text, SecretEncoding::Base32).err();
    match (hex, base32) {
        (Some(error @ SeedError::OddHex(_)), _) => error,
        (_, Some(error @ SeedError::BadBase32Length(_))) => error,
        _ => SeedError::Mixed,
    }
}

fn decode(text: &str, encoding: SecretEncoding) -> Result<ParsedSeed, SeedError> {
    let ignored = |c: char| {
        c.is_whitespace()
            || match encoding {
                SecretEncoding::Hex => c == ':',
                SecretEncoding::Base32 => matches!(c, '-' | '='),
            }
    };
    let allowed = |c: char| match encoding {
        SecretEncoding::Hex => c.is_ascii_hexdigit(),
        SecretEncoding::Base32 => c.is_ascii_alphabetic() || ('2'..='7').contains(&c),
    };
    // Reserved in full, so that no shorter copy is left behind by growth.
    let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
    for (index, c) in text.chars().enumerate() {
        if ignored(c) {
            continue;
        }
        if !allowed(c) {
            return Err(SeedError::BadCharacter { position: index + 1 });
        }
        characters.push(c.to_ascii_uppercase() as u8);
    }
    let count = characters.len();
    if count == 0 {
        return Err(SeedError::Empty);
    }
    match encoding {
        SecretEncoding::Hex if !count.is_multiple_of(2) => return Err(SeedError::OddHex(count)),
        SecretEncoding::Base32 if matches!(count % 8, 1 | 3 | 6) => return Err(SeedError::BadBase32Length(count)),
        _ => {}
    }
    let codec = match encoding {
        SecretEncoding::Hex => HEXUPPER,
        SecretEncoding::Base32 => lenient_base32(),
    };
    let bytes = codec.decode(&characters).map(Zeroizing::new).map_err(|_| SeedError::Mixed)?;
    let trailing_bits = encoding == SecretEncoding::Base32 && {
        let mut again = BASE32_NOPAD.encode(&bytes).into_bytes();
        let differs = again != *characters;
        again.zeroize();
        differs
    };
    Ok(ParsedSeed { seed: Seed::from_bytes(bytes)?, encoding, trailing_bits })
}

/// Base32 without padding that drops non-zero trailing bits: Microsoft's own example of a seed file has them.
fn lenient_base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.bit_order = BitOrder::MostSignificantFirst;
    specification.check_trailing_bits = false;
    // A constant specification either always compiles or never does; the strict codec is the safe fallback.
    specification.encoding().unwrap_or(BASE32_NOPAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<u8>, SeedError> {
        Seed::parse(text, None).map(|parsed| parsed.seed.expose().to_vec())
    }

    #[test]
    fn base32_of_rfc_4648_section_10_is_read_in_any_case_and_spacing() {
        for (text, bytes) in
            [("MZXW6YTB", "fooba"), ("mzxw6ytboi", "foobar"), ("MZXW 6YTB-OI======", "foobar"), ("MZXW6YQ=", "foob")]
        {
            assert_eq!(parse(text).unwrap(), bytes.as_bytes(), "{text}");
        }
    }

    #[test]
    fn hex_is_read_in_any_case_and_spacing() {
        assert_eq!(parse("01:ab CD 9f").unwrap(), [0x01, 0xAB, 0xCD, 0x9F]);
    }

    #[test]
    fn a_text_that_both_encodings_fit_is_refused_until_one_is_named() {
        let text = "ABCDEF2345672345";
        assert_eq!(parse(text), Err(SeedError::Ambiguous));
        assert_eq!(Seed::parse(text, Some(SecretEncoding::Hex)).unwrap().seed.len(), 8);
        assert_eq!(Seed::parse(text, Some(SecretEncoding::Base32)).unwrap().seed.len(), 10);
    }

    #[test]
    fn a_length_that_only_one_encoding_can_have_settles_it() {
        // 6 characters: no Base32 text has that length (RFC 4648, section 6).
        assert_eq!(parse("ABCDE2").unwrap(), [0xAB, 0xCD, 0xE2]);
        // 7 characters: an odd number of hex digits.
        assert_eq!(parse("ABCDE2A").unwrap().len(), 4);
    }

    #[test]
    fn each_fault_has_its_name() {
        assert_eq!(parse(" \n"), Err(SeedError::Empty));
        assert_eq!(parse("JBSW!"), Err(SeedError::BadCharacter { position: 5 }));
        assert_eq!(parse("0189ABC"), Err(SeedError::OddHex(7)));
        assert_eq!(parse("JBSWY3DPX"), Err(SeedError::BadBase32Length(9)));
        assert_eq!(parse("JBSWY3D1"), Err(SeedError::Mixed));
        assert_eq!(parse(&"00".repeat(257)), Err(SeedError::TooLong(257)));
    }

    #[test]
    fn trailing_bits_are_dropped_and_reported() {
        // "MZXW6YQ" is RFC 4648's "foob"; the last character's low three bits are spare.
        let strict = Seed::parse("MZXW6YQ", None).unwrap();
        let odd = Seed::parse("MZXW6YR", None).unwrap();
        assert_eq!(odd.seed, strict.seed);
        assert!(odd.trailing_bits && !strict.trailing_bits);
    }

    #[test]
    fn debug_shows_the_length_and_nothing_else() {
        let seed = Seed::from_bytes(b"secret".to_vec()).unwrap();
        assert_eq!(format!("{seed:?}"), "Seed(6 bytes)");
    }
}
