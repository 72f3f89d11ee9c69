//! One row of a seed file: a seed, whose it is, and how it is used.

use crate::device::{Capabilities, CapabilityError};
use crate::otp::{Hash, TimeStep};
use crate::seed::{ParsedSeed, SecretEncoding, Seed};

/// The use of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Codes of a time.
    #[default]
    Totp,
    /// Codes of a counter.
    Hotp,
}

/// Where a row stood in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line, counted from 1; 0 where there are none.
    pub line: u64,
    /// The field within the line, counted from 1; 0 for the whole line.
    pub column: u64,
}

/// A field of a row, as formats carry it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The serial.
    Serial,
    /// HOTP, and its counter.
    Counter,
    /// The hash, where it is not SHA-1.
    Hash,
    /// The time step, where it is not 30 s.
    Step,
    /// The digits, where they are not six.
    Digits,
    /// The user.
    User,
    /// The manufacturer.
    Manufacturer,
    /// The model.
    Model,
    /// The issuer.
    Issuer,
    /// The account.
    Account,
    /// The slot of a device that has several.
    Slot,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Serial,
        Self::Counter,
        Self::Hash,
        Self::Step,
        Self::Digits,
        Self::User,
        Self::Manufacturer,
        Self::Model,
        Self::Issuer,
        Self::Account,
        Self::Slot,
    ];

    /// Whether the codes are others without it.
    #[must_use]
    pub fn changes_codes(self) -> bool {
        matches!(self, Self::Counter | Self::Hash | Self::Step | Self::Digits)
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Counter => "counter",
            Self::Hash => "hash",
            Self::Step => "step",
            Self::Digits => "digits",
            Self::User => "user",
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::Issuer => "issuer",
            Self::Account => "account",
            Self::Slot => "slot",
        }
    }

    /// The field of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A row. What is `None` was not stated, which is not the same as a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The secret.
    pub seed: Seed,
    /// The serial: text, never a number.
    pub serial: Option<String>,
    /// TOTP or HOTP.
    pub kind: Kind,
    /// Whether the file says which.
    pub kind_is_stated: bool,
    /// The hash.
    pub hash: Option<Hash>,
    /// The time step.
    pub step: Option<TimeStep>,
    /// The digits of a code.
    pub digits: Option<u32>,
    /// The counter, for HOTP.
    pub counter: Option<u64>,
    /// The user: a UPN or login name.
    pub user: Option<String>,
    /// The manufacturer.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The issuer of an `otpauth://` URI.
    pub issuer: Option<String>,
    /// The account of an `otpauth://` URI.
    pub account: Option<String>,
    /// The slot that it is for, on a device that has several; numbered from 0.
    pub slot: Option<u16>,
    /// Where it stood.
    pub place: Place,
    /// How its secret was written, where that was a choice.
    pub encoding: Option<SecretEncoding>,
    /// The secret's last Base32 character carried bits that belong to no byte.
    pub trailing_bits: bool,
}

impl Row {
    /// A row that states nothing but its seed.
    #[must_use]
    pub fn of_seed(seed: Seed) -> Self {
        Self {
            seed,
            serial: None,
            kind: Kind::Totp,
            kind_is_stated: false,
            hash: None,
            step: None,
            digits: None,
            counter: None,
            user: None,
            manufacturer: None,
            model: None,
            issuer: None,
            account: None,
            slot: None,
            place: Place::default(),
            encoding: None,
            trailing_bits: false,
        }
    }

    /// A row that states nothing but its seed, as it was read from text.
    #[must_use]
    pub fn of_parsed(parsed: ParsedSeed) -> Self {
        let encoding = Some(parsed.encoding);
        Self { trailing_bits: parsed.trailing_bits, encoding, ..Self::of_seed(parsed.seed) }
    }

    /// The hash: SHA-1 where none is stated, as RFC 6238 has it.
    #[must_use]
    pub fn effective_hash(&self) -> Hash {
        self.hash.unwrap_or(Hash::Sha1)
    }

    /// The time step in seconds: 30 where none is stated.
    #[must_use]
    pub fn effective_step(&self) -> u32 {
        self.step.unwrap_or(TimeStep::S30).seconds()
    }

    /// The digits: 6 where none are stated.
    #[must_use]
    pub fn effective_digits(&self) -> u32 {
        self.digits.unwrap_or(6)
    }

    /// Whether this row says something in a field that a reader would not assume anyway.
    #[must_use]
    pub fn states(&self, field: Field) -> bool {
        match field {
            Field::Serial => self.serial.is_some(),
            Field::Counter => self.kind == Kind::Hotp,
            Field::Hash => self.effective_hash() != Hash::Sha1,
            Field::Step => self.kind == Kind::Totp && self.effective_step() != 30,
            Field::Digits => self.effective_digits() != 6,
            Field::User => self.user.is_some(),
            Field::Manufacturer => self.manufacturer.is_some(),
            Field::Model => self.model.is_some(),
            Field::Issuer => self.issuer.is_some(),
            Field::Account => self.account.is_some(),
            Field::Slot => self.slot.is_some(),
        }
    }

    /// The same row with so many digits, where a number is stated.
    #[must_use]
    pub fn with_digits(self, digits: Option<u32>) -> Self {
        Self { digits: digits.or(self.digits), ..self }
    }

    /// The same row without what a field says.
    #[must_use]
    pub fn without(mut self, field: Field) -> Self {
        match field {
            Field::Serial => self.serial = None,
            Field::Counter => (self.kind, self.counter) = (Kind::Totp, None),
            Field::Hash => self.hash = None,
            Field::Step => self.step = None,
            Field::Digits => self.digits = None,
            Field::User => self.user = None,
            Field::Manufacturer => self.manufacturer = None,
            Field::Model => self.model = None,
            Field::Issuer => self.issuer = None,
            Field::Account => self.account = None,
            Field::Slot => self.slot = None,
        }
        self
    }

    /// Whether a device can do what this row states: nothing is ever downgraded.
    ///
    /// # Errors
    /// [`CapabilityError`], naming the first thing that is beyond it.
    pub fn check_for(&self, can: &Capabilities) -> Result<(), CapabilityError> {
        can.check_seed(self.seed.len())?;
        match (self.kind, can.has_clock()) {
            (Kind::Hotp, true) => return Err(CapabilityError::CountsTime),
            (Kind::Totp, false) if self.kind_is_stated => return Err(CapabilityError::CountsPresses),
            (_, false) if self.counter.is_some_and(|counter| counter > 0) => {
                return Err(CapabilityError::CountsFromZero);
            }
            _ => {}
        }
        if let Some(slot) = self.slot.filter(|slot| *slot >= can.slots || can.slots == 1) {
            let slots = if can.slots == 1 { "no slots" } else { "fewer" };
            return Err(CapabilityError::Slot { slot, slots });
        }
        can.check_code(self.hash, self.step, self.digits)
    }
}
