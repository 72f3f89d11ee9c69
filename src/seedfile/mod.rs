//! Seed files: one model of a row, and one file for each format.

mod aegis;
mod check;
mod convert;
pub mod csv;
mod duo;
mod entra;
mod format;
mod graph;
mod linotp;
mod migration;
mod molto2;
mod netiq;
mod oath_line;
pub mod otpauth;
mod pingid;
mod privacyidea;
mod problem;
mod pskc;
mod pskc_crypto;
pub mod qr;
mod row;
mod save;
mod table;
mod text;
mod twofas;
mod webadm;
mod xml;

pub use check::{Checker, for_token};
pub use convert::{Converted, Sink, Target, convert};
pub use format::{FORMATS, Format, ReadOptions, Rows, Sample, Write, WriteOptions, recognise};
pub use problem::{Problem, Severity};
pub use pskc::{PskcKeyError, PskcKeys};
pub use row::{Field, Kind, Place, Row, RowError};
pub use save::{SaveError, SecretFile, save_secret};
pub use text::{MAX_WHOLE, Source};
