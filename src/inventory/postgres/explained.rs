//! A server's troubles as errors of the inventory.

use std::path::PathBuf;

use tokio_postgres::error::{DbError, SqlState};

use super::address::Address;
use super::session::Trouble;
use crate::inventory::InventoryError;

/// A server's troubles, as a user meets them.
pub fn explained(address: &Address, trouble: Trouble) -> InventoryError {
    let path = address.shown();
    match trouble {
        Trouble::Rows(error) => error,
        Trouble::Away(detail) | Trouble::Mute(detail) => InventoryError::Away { path, detail },
        Trouble::Untrusted(detail) => InventoryError::Untrusted { path, detail },
        Trouble::Odd(detail) => InventoryError::Unfit { path, detail },
        Trouble::Refused(refused) => refusal(path, &refused),
    }
}

fn refusal(path: PathBuf, refused: &DbError) -> InventoryError {
    let detail = refused.message().to_owned();
    match refused.code() {
        code if *code == SqlState::DISK_FULL => InventoryError::Full(path),
        code if [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].contains(code) => InventoryError::Busy(path),
        // A record that breaks a rule of the tables.
        code if code.code().starts_with("23") => InventoryError::Unfit { path, detail },
        code if [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INSUFFICIENT_PRIVILEGE,
            SqlState::INVALID_CATALOG_NAME,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(code) =>
        {
            InventoryError::Barred { path, detail }
        }
        _ => InventoryError::Server { path, detail },
    }
}
