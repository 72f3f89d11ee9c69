//! The models, by the first digits of the serial (`docs/protocol.md` §1).

/// What a clock write does to the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It keeps the seed ("unrestricted sync").
    Unrestricted,
    /// It erases the seed ("restricted sync").
    Restricted,
    /// Unknown model: treated as restricted.
    Unknown,
}

impl Sync {
    /// The word that JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unrestricted => "unrestricted",
            Self::Restricted => "restricted",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a clock write erases the seed, as far as a careful tool must assume.
    #[must_use]
    pub fn erases_seed(self) -> bool {
        self != Self::Unrestricted
    }
}

/// A row of the table of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The first digits of the serials.
    pub prefix: &'static str,
    /// The vendor's name for it.
    pub name: &'static str,
    /// What a clock write does to the seed.
    pub sync: Sync,
}

/// All models that are known.
pub const MODELS: &[Model] = &[
    Model { prefix: "8659600", name: "miniOTP-2-i", sync: Sync::Unrestricted },
    Model { prefix: "8659601", name: "miniOTP-3-i", sync: Sync::Restricted },
    Model { prefix: "8659609", name: "miniOTP-3-i-NB", sync: Sync::Restricted },
    Model { prefix: "8659610", name: "C301-i", sync: Sync::Restricted },
    Model { prefix: "8659612", name: "OTPC-P1-i", sync: Sync::Unrestricted },
    Model { prefix: "8659621", name: "OTPC-P2-i-NB", sync: Sync::Restricted },
    Model { prefix: "8659622", name: "OTPC-P2-i", sync: Sync::Restricted },
    Model { prefix: "8659632", name: "C302-i", sync: Sync::Unrestricted },
];

impl Model {
    /// The model of a serial; the longest prefix wins.
    #[must_use]
    pub fn of_serial(serial: &str) -> Option<Self> {
        MODELS.iter().filter(|model| serial.starts_with(model.prefix)).max_by_key(|model| model.prefix.len()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_by_the_prefixes_of_the_vendors_app() {
        for (serial, name, sync) in [
            ("8659600000042", "miniOTP-2-i", Sync::Unrestricted),
            ("86596120001234", "OTPC-P1-i", Sync::Unrestricted),
            ("8659632000777", "C302-i", Sync::Unrestricted),
            ("86596010000001", "miniOTP-3-i", Sync::Restricted),
            ("86596090000001", "miniOTP-3-i-NB", Sync::Restricted),
            ("86596220005678", "OTPC-P2-i", Sync::Restricted),
            ("86596210000001", "OTPC-P2-i-NB", Sync::Restricted),
            ("86596100000001", "C301-i", Sync::Restricted),
        ] {
            let model = Model::of_serial(serial).unwrap();
            assert_eq!((model.name, model.sync), (name, sync), "{serial}");
        }
        assert_eq!(Model::of_serial("8659699000001"), None);
        assert_eq!(Model::of_serial("X"), None);
    }

    #[test]
    fn an_unknown_model_counts_as_one_that_erases() {
        assert!(Sync::Unknown.erases_seed() && Sync::Restricted.erases_seed() && !Sync::Unrestricted.erases_seed());
    }
}
