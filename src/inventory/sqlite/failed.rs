//! Troubles in the file of an inventory, as a user meets it.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::inventory::InventoryError;

/// Why a transaction was not carried through.
pub(super) enum Stopped {
    Sql(rusqlite::Error),
    Rows(InventoryError),
    /// This program could not be made known as an owner.
    Owner(std::io::Error),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

pub(super) fn open_error(path: &Path, error: impl ToString) -> InventoryError {
    InventoryError::Open { path: path.to_owned(), detail: error.to_string() }
}

/// `SQLite`'s errors, as a user meets them.
pub(super) fn explained(path: &Path, error: rusqlite::Error) -> InventoryError {
    let path = path.to_owned();
    let detail = error.to_string();
    if let rusqlite::Error::FromSqlConversionFailure(_, _, what) = &error {
        return InventoryError::Damaged { path, detail: what.to_string() };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => InventoryError::Locked(path),
        Some(ErrorCode::DiskFull) => InventoryError::Full(path),
        Some(ErrorCode::NotADatabase) => InventoryError::NotOurs(path),
        Some(ErrorCode::DatabaseCorrupt) => InventoryError::Damaged { path, detail },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            InventoryError::Open { path, detail }
        }
        _ => InventoryError::Other { path, detail },
    }
}
