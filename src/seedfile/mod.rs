//! Seed files: one model of a row, and one file for each format.

pub mod csv;
pub mod otpauth;
mod row;
mod save;

pub use row::{Kind, Row, RowError};
pub use save::{SaveError, save_secret};
