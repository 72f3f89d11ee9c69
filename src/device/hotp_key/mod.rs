//! The HOTP slot of a Token2 FIDO2 key, which types a code when it is touched (`docs/devices.md` §6 to §8).

mod command;
mod config;
mod model;
mod sealed;
mod serial;
mod session;

pub use command::{
    DeviceKey, DisableInterfaces, EmptySlot, Keys, PressEnter, ReadConfig, Select, SelectFido, Touch, WriteSlot,
};
pub use config::{ConfigError, KeyConfig, parse_config};
pub use model::{MODEL, MODELS};
pub use sealed::{HostKey, PublicPoint, SealError};
pub use serial::{Prelude, ReadSerial, SerialError, parse_serial};
pub use session::HotpKey;
