//! Programs Token2's NFC-programmable TOTP tokens from a desk reader, the Molto2, and the HOTP slot of FIDO2 keys.
//!
//! Floors from the ground up; a file imports only from its own floor or below:
//! [`time`], [`seed`], [`plain`], [`words`], [`files`], [`otp`], [`iso7816`], [`link`], [`device`], [`reader`], [`emulator`], [`clock`], [`drift`],
//! [`seedfile`], [`inventory`], [`server`], [`job`], [`report`], [`web`], [`cli`].

pub mod cli;
pub mod clock;
pub mod device;
pub mod drift;
pub mod emulator;
pub mod files;
pub mod inventory;
pub mod iso7816;
pub mod job;
pub mod link;
pub mod otp;
pub mod plain;
pub mod reader;
pub mod report;
pub mod seed;
pub mod seedfile;
pub mod server;
pub mod time;
#[cfg(feature = "web")]
pub mod web;
pub mod words;
