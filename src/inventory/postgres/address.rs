//! The address of an inventory on a server: `postgres://USER@HOST:PORT/DATABASE`, never with a password in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use zeroize::Zeroizing;

use super::address_error::AddressError;
use super::bounds::ANSWERS_WITHIN;
use super::password;
use super::service;

/// Who vouches for the server's certificate.
#[derive(Clone)]
enum Authorities {
    /// Those that the system trusts.
    System,
    /// Those in a file.
    File(PathBuf),
    /// These.
    Given(Vec<CertificateDer<'static>>),
}

/// Where an inventory is, and how its server is spoken to.
#[derive(Clone)]
pub struct Address {
    config: Config,
    /// The same for people and records, without anything secret.
    shown: String,
    authorities: Authorities,
    /// Plain text also over the network.
    plaintext: bool,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    /// The address that a text is: `postgres://USER@HOST:PORT/DATABASE`, with `?ca=` and the certificates of its authorities behind it
    /// where it comes from `serve-init`, or `postgres://?service=NAME`. The password comes from a file (`docs/many-desks.md`).
    ///
    /// # Errors
    /// [`AddressError`], which never repeats a password.
    pub fn parse(text: &str, authorities: Option<&Path>, plaintext: bool) -> Result<Self, AddressError> {
        let (plain, given) = without_certificates(text)?;
        let (mut config, in_service) = match service::named(&plain) {
            Some(name) => service::find(name)?,
            None => {
                let config = Config::from_str(&plain).map_err(|error| AddressError::Malformed(error.to_string()))?;
                // Others on this computer see what stands in an argument.
                if config.get_password().is_some() {
                    return Err(AddressError::Password);
                }
                (config, None)
            }
        };
        // The name is what is verified, and what says whether the server is here.
        if !config.get_hostaddrs().is_empty() {
            return Err(AddressError::Malformed("hostaddr is not taken, only a host".to_owned()));
        }
        let Some(host) = config.get_hosts().first().cloned() else { return Err(AddressError::Missing("host")) };
        let database = config.get_dbname().ok_or(AddressError::Missing("database"))?.to_owned();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let user = match config.get_user() {
            Some(user) => user.to_owned(),
            None => whoami::username().unwrap_or_else(|_| "postgres".to_owned()),
        };
        config.user(&user);
        let host_name = match &host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
        };
        if config.get_password().is_none()
            && let Some(password) = password::find(&[&host_name, &port.to_string(), &database, &user])?
        {
            config.password(password.as_bytes());
        }
        config.connect_timeout(ANSWERS_WITHIN).application_name("tokentap");
        let shown = format!("postgres://{user}@{host_name}:{port}/{database}");
        let authorities = match (authorities.map(Path::to_owned).or(in_service), given) {
            (Some(file), _) => Authorities::File(file),
            (None, given) if !given.is_empty() => Authorities::Given(given),
            (None, _) => Authorities::System,
        };
        let mut address = Self { config, shown, authorities, plaintext };
        let mode = if address.is_encrypted() { SslMode::Require } else { SslMode::Disable };
        address.config.ssl_mode(mode);
        Ok(address)
    }

    /// The same with this password.
    #[must_use]
    pub fn with_password(mut self, password: &Zeroizing<String>) -> Self {
        self.config.password(password.as_bytes());
        self
    }

    /// Another database on the same server, for the same user.
    #[must_use]
    pub fn in_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(name);
        let server = self.shown.rsplit_once('/').map_or("", |(server, _)| server);
        other.shown = format!("{server}/{name}");
        other
    }

    /// The name of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// The user that it names.
    #[must_use]
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// The address for another user and with its authorities in it, so that one text says all that is not secret.
    ///
    /// # Errors
    /// The authorities' file cannot be read.
    pub fn join_text(&self, user: &str) -> Result<String, String> {
        let (_, rest) = self.shown.split_once('@').unwrap_or_default();
        let mut text = format!("postgres://{user}@{rest}");
        let certificates = match &self.authorities {
            Authorities::System => Vec::new(),
            Authorities::Given(given) => given.clone(),
            Authorities::File(file) => certificates_in(file)?,
        };
        for (number, certificate) in certificates.iter().enumerate() {
            text.push_str(if number == 0 { "?ca=" } else { "," });
            text.push_str(&BASE64URL_NOPAD.encode(certificate));
        }
        Ok(text)
    }

    /// The address for people and records.
    #[must_use]
    pub fn shown(&self) -> PathBuf {
        PathBuf::from(&self.shown)
    }

    /// The address without a user, as it is the same for everybody.
    #[must_use]
    pub fn place(&self) -> String {
        format!("postgres://{}", self.shown.split_once('@').map_or("", |(_, place)| place))
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether TLS is spoken: with every server but one on this computer, unless plain text was asked for.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        let is_here = self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            #[cfg(unix)]
            Host::Unix(_) => true,
        });
        !matches!(self.authorities, Authorities::System) || !(is_here || self.plaintext)
    }

    /// How the server's certificate is verified; `None` for plain text.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub(super) fn tls(&self) -> Result<Option<ClientConfig>, String> {
        if !self.is_encrypted() {
            return Ok(None);
        }
        let mut roots = RootCertStore::empty();
        let named = match &self.authorities {
            Authorities::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                Vec::new()
            }
            Authorities::File(file) => certificates_in(file)?,
            Authorities::Given(given) => given.clone(),
        };
        for certificate in named {
            roots.add(certificate).map_err(|error| format!("an authority of the database's address: {error}"))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(Some(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// The certificates in a file of PEM.
fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bad = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .map_err(|error| bad(&error))?
        .collect::<Result<_, _>>()
        .map_err(|error| bad(&error))?;
    if found.is_empty() { Err(bad(&"no certificate is in it")) } else { Ok(found) }
}

/// An address without the certificates behind it, and these.
fn without_certificates(text: &str) -> Result<(String, Vec<CertificateDer<'static>>), AddressError> {
    let Some((base, query)) = text.split_once('?') else { return Ok((text.to_owned(), Vec::new())) };
    let (mut rest, mut found) = (Vec::new(), Vec::new());
    for part in query.split('&') {
        let Some(certificates) = part.strip_prefix("ca=") else {
            rest.push(part);
            continue;
        };
        for certificate in certificates.split(',') {
            let der = BASE64URL_NOPAD.decode(certificate.as_bytes()).map_err(|_| AddressError::Certificate)?;
            found.push(CertificateDer::from(der));
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    Ok((format!("{base}{query}"), found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        let error = Address::parse("postgres://ana:hunter2@db/inventory", None, false).unwrap_err();
        assert_eq!(error, AddressError::Password);
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn tls_is_spoken_with_every_server_but_one_on_this_computer() {
        let is_encrypted = |text: &str, plaintext| Address::parse(text, None, plaintext).unwrap().is_encrypted();
        assert!(is_encrypted("postgres://ana@db.example.org/inventory", false));
        assert!(!is_encrypted("postgres://ana@db.example.org/inventory", true));
        assert!(!is_encrypted("postgres://ana@127.0.0.1:5433/inventory", false));
        assert!(!is_encrypted("postgres://ana@localhost/inventory", false));
    }

    #[test]
    fn what_names_no_host_or_no_database_is_no_address() {
        let error = |text| Address::parse(text, None, false).unwrap_err();
        assert_eq!(error("postgres:///inventory"), AddressError::Missing("host"));
        assert_eq!(error("postgres://db"), AddressError::Missing("database"));
        assert!(matches!(error("postgres://db:port/inventory"), AddressError::Malformed(_)));
    }

    #[test]
    fn the_address_that_a_desk_joins_by_brings_its_authorities_with_it() {
        let text = "postgres://ana@db.example.org/inventory?ca=AQID,BAU";
        let address = Address::parse(text, None, true).unwrap();
        assert!(address.is_encrypted(), "who names authorities wants to be sure");
        assert_eq!(address.join_text("eva").unwrap(), "postgres://eva@db.example.org:5432/inventory?ca=AQID,BAU");
        assert_eq!(address.shown(), Path::new("postgres://ana@db.example.org:5432/inventory"));
        let error = Address::parse("postgres://ana@db/inventory?ca=not+base64", None, false).unwrap_err();
        assert_eq!(error, AddressError::Certificate);
    }

    #[test]
    fn another_database_of_the_same_server_is_named_by_its_name_alone() {
        let address = Address::parse("postgres://ana@db.example.org/postgres", None, false).unwrap();
        let other = address.in_database("tokens");
        assert_eq!(other.shown(), Path::new("postgres://ana@db.example.org:5432/tokens"));
        assert_eq!((other.database(), other.user()), ("tokens", "ana"));
    }
}
