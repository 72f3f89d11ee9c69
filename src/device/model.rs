//! A row of a family's table of models.

use super::Capabilities;

/// A model, known by the first digits of its serials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The first digits of the serials.
    pub prefix: &'static str,
    /// The vendor's name for it.
    pub name: &'static str,
    /// The capabilities.
    pub can: &'static Capabilities,
}

impl Model {
    /// The model of a serial in a family's table; the longest prefix wins.
    #[must_use]
    pub fn among(models: &'static [Self], serial: &str) -> Option<&'static Self> {
        models.iter().filter(|model| serial.starts_with(model.prefix)).max_by_key(|model| model.prefix.len())
    }
}
