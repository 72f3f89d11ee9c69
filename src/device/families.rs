//! The families of devices that there are, for those who have a serial and no device.

use super::{Capabilities, Model, hotp_key, molto2, token2};

/// A family of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// NFC tokens with one seed each.
    #[default]
    Nfc,
    /// The Molto2.
    Molto2,
    /// FIDO2 keys with a HOTP slot.
    HotpKey,
}

impl Family {
    /// The capabilities to go by as long as the device is not there.
    #[must_use]
    pub fn usual(self) -> &'static Capabilities {
        match self {
            Self::Nfc => usual(),
            Self::Molto2 => molto2::MODEL.can,
            Self::HotpKey => hotp_key::MODEL.can,
        }
    }

    /// The same for a serial that is known: those of NFC tokens tell more.
    #[must_use]
    pub fn capabilities_of(self, serial: Option<&str>) -> &'static Capabilities {
        match self {
            Self::Nfc => capabilities_of(serial),
            other => other.usual(),
        }
    }
}

/// The model of a serial; the longest prefix wins.
#[must_use]
pub fn model_of(serial: &str) -> Option<&'static Model> {
    Model::among(token2::MODELS, serial)
}

/// The capabilities to go by as long as it is not known which device will be there: those of an NFC token.
#[must_use]
pub fn usual() -> &'static Capabilities {
    &token2::UNKNOWN
}

/// The capabilities of a device on record: by its model's name where that tells its family, else by its serial.
#[must_use]
pub fn capabilities_on_record(model: Option<&str>, serial: &str) -> &'static Capabilities {
    let others = hotp_key::MODELS.iter().chain([&molto2::MODEL, &hotp_key::MODEL]);
    others
        .into_iter()
        .find(|known| Some(known.name) == model)
        .map_or_else(|| capabilities_of(Some(serial)), |known| known.can)
}

/// The capabilities of the device of a serial; the usual ones where the serial is missing or tells nothing.
#[must_use]
pub fn capabilities_of(serial: Option<&str>) -> &'static Capabilities {
    serial.and_then(model_of).map_or(usual(), |model| model.can)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{CapabilityError, ClockWrite, Profile};
    use crate::otp::search::TotpProfile;
    use crate::otp::{Hash, TimeStep};

    #[test]
    fn what_a_token_cannot_do_is_named_with_what_it_can() {
        let said = |result: Result<(), CapabilityError>| result.unwrap_err().to_string();
        let can = usual();
        assert_eq!(
            said(can.check_code(Some(Hash::Sha512), None, None)),
            "a token computes SHA-1 or SHA-256, not SHA-512"
        );
        let step = TimeStep::new(90);
        assert_eq!(said(can.check_code(None, step, None)), "a token's time step is 30 or 60 seconds, not 90");
        assert_eq!(said(can.check_code(None, None, Some(8))), "a token shows 6 digits, never 8");
        assert_eq!(said(can.check_seed(64)), "the seed has 64 bytes; a token takes 1 to 63");
        assert_eq!((can.check_seed(63), can.check_profile(Profile::FACTORY)), (Ok(()), Ok(())));
    }

    #[test]
    fn an_unknown_model_counts_as_one_that_erases() {
        assert!(ClockWrite::Unknown.erases_seed() && ClockWrite::ErasesSeed.erases_seed());
        assert!(!ClockWrite::KeepsSeed.erases_seed());
    }

    #[test]
    fn all_profiles_of_a_token_begin_with_the_factorys() {
        let all = usual().profiles();
        assert_eq!(all.len(), 4);
        assert_eq!(all.first(), Some(&TotpProfile { hash: Hash::Sha1, step: TimeStep::S30 }));
    }
}
