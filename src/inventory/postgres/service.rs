//! A service of PostgreSQL's clients (`libpq`, "The Connection Service File"): a name for an address that is kept in a file.

use std::path::PathBuf;

use tokio_postgres::Config;

use super::address_error::AddressError;
use super::password;

/// The name of the service that an address is, if it is one.
pub fn named(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.trim_start_matches('/').strip_prefix("?service=").filter(|name| !name.is_empty())
}

/// What the file says of a service, and the file of its authorities.
///
/// # Errors
/// [`AddressError::NoService`]; a file that cannot be read, or that others can read where a password is in it.
pub fn find(name: &str) -> Result<(Config, Option<PathBuf>), AddressError> {
    let named = std::env::var_os("PGSERVICEFILE").map(PathBuf::from);
    let file = named.or_else(|| dirs::home_dir().map(|folder| folder.join(".pg_service.conf"))).unwrap_or_default();
    let missing = || AddressError::NoService(name.to_owned(), file.display().to_string());
    let content = std::fs::read_to_string(&file).map(zeroize::Zeroizing::new).map_err(|_| missing())?;
    let mut config = Config::new();
    let (mut is_it, mut was_found, mut authorities) = (false, false, None);
    for line in content.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_it = section.trim() == name;
            was_found |= is_it;
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_it) else { continue };
        let value = value.trim();
        match key.trim() {
            "host" => drop(config.host(value)),
            "port" => drop(config.port(value.parse().map_err(|_| AddressError::Malformed(format!("port {value}")))?)),
            "dbname" => drop(config.dbname(value)),
            "user" => drop(config.user(value)),
            "sslrootcert" => authorities = Some(PathBuf::from(value)),
            "password" => {
                password::own(&file)?;
                config.password(value);
            }
            // How the connection is secured is this program's own matter, and always the strictest.
            _ => {}
        }
    }
    if was_found { Ok((config, authorities)) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_what_is_named_so_and_nothing_else() {
        assert_eq!(named("postgres://?service=helpdesk"), Some("helpdesk"));
        assert_eq!(named("postgres:///?service=helpdesk"), Some("helpdesk"));
        assert_eq!(named("postgres://ana@db/inventory"), None);
        assert_eq!(named("postgres://?service="), None);
    }
}
