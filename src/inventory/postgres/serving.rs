//! Setting a server up for several desks, by somebody who may make databases and roles there.

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::address::Address;
use super::roles::{self, Role};
use super::session::Session;
use super::{Postgres, explained};
use crate::inventory::{InventoryError, Kept};

/// The bytes of a password that is drawn: as many as nobody guesses.
const PASSWORD_BYTES: usize = 24;

/// A server, to its administrator.
pub struct DatabaseServer {
    address: Address,
    session: Session,
}

impl DatabaseServer {
    /// Connects to a server, in a database that is there already.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn connect(address: Address) -> Kept<Self> {
        let session = Session::connect(&address).map_err(|trouble| explained(&address, trouble))?;
        Ok(Self { address, session })
    }

    /// Makes an inventory's database with its roles and its tables, as far as they are not there.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn make(&mut self, database: &str) -> Kept<Postgres> {
        let made = roles::make_database(&mut self.session, database);
        made.map_err(|trouble| explained(&self.address, trouble))?;
        Postgres::make(self.address.in_database(database))
    }

    /// Whether it speaks TLS.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn speaks_tls(&mut self) -> Kept<bool> {
        let found = self.session.first("SELECT current_setting('ssl') = 'on'", &[]);
        let found = found.map_err(|trouble| explained(&self.address, trouble))?;
        Ok(found.is_some_and(|row| row.get(0)))
    }

    /// Whether a desk or viewer of an inventory has this name.
    ///
    /// # Errors
    /// [`InventoryError`]; [`InventoryError::NameTaken`] where somebody else has it.
    pub fn has_user(&mut self, database: &str, name: &str) -> Kept<bool> {
        roles::has_user(&mut self.session, database, name).map_err(|trouble| explained(&self.address, trouble))
    }

    /// Makes a user of an inventory.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn add_user(&mut self, database: &str, name: &str, role: Role, password: &Zeroizing<String>) -> Kept<()> {
        let added = roles::add_user(&mut self.session, database, name, role, password);
        added.map_err(|trouble| explained(&self.address, trouble))
    }

    /// Gives a user of an inventory a new password, and lets him in again if he was shut out; what he is there for.
    ///
    /// # Errors
    /// [`InventoryError`]; [`InventoryError::NoDesk`] among them.
    pub fn renew_user(&mut self, database: &str, name: &str, password: &Zeroizing<String>) -> Kept<Role> {
        let renewed = roles::renew_user(&mut self.session, database, name, password);
        renewed.map_err(|trouble| explained(&self.address, trouble))
    }

    /// A new password, drawn.
    ///
    /// # Errors
    /// Those of the system's generator.
    pub fn password(&self) -> Kept<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0; PASSWORD_BYTES]);
        getrandom::fill(&mut *bytes).map_err(|error| InventoryError::Other {
            path: self.address.shown(),
            detail: format!("the system's random generator failed: {error}"),
        })?;
        Ok(Zeroizing::new(BASE64URL_NOPAD.encode(&*bytes)))
    }

    /// Shuts a user out at once: his connections end.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn shut_out(&mut self, database: &str, name: &str) -> Kept<()> {
        roles::shut_out(&mut self.session, database, name).map_err(|trouble| explained(&self.address, trouble))
    }
}
