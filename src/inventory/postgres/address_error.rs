//! What is wrong with the address of an inventory on a server.

/// An address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("this is no address of a PostgreSQL database: {0}")]
    Malformed(String),
    /// It has a password in it.
    #[error("the database's address has a password in it, which others on this computer can see")]
    Password,
    /// It names no host, or no database.
    #[error("the database's address names no {0}")]
    Missing(&'static str),
    /// The password's file cannot be read.
    #[error("the file with the database's password cannot be used: {0}")]
    PasswordFile(String),
    /// There is no such service.
    #[error("the service \"{0}\" is not in {1}")]
    NoService(String, String),
    /// The certificates in it are none.
    #[error("the certificates in the database's address cannot be read")]
    Certificate,
}
