//! What has to be known of a server to speak to it, but for the credential.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::kind::ServerKind;

/// A server's address, account, and how its certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSettings {
    /// The kind of server.
    pub kind: ServerKind,
    /// Its address: `https://HOST[:PORT][/PATH]`, without a slash at the end.
    pub url: String,
    /// The account: an administrator's name (privacyIDEA), an integration key (Duo), a client's id (Entra ID).
    pub account: String,
    /// Entra ID: the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Entra ID: where its accounts sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<String>,
    /// privacyIDEA: the realm of the tokens' users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The authorities of its certificate, in PEM; the system's where none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The file that the credential is in, where it is not sealed in the inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<PathBuf>,
    /// A person signs in by a page of the server's, and no credential is kept.
    #[serde(default)]
    pub by_person: bool,
}

/// Why an address is not spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFault {
    /// It is not of the form `https://HOST[:PORT][/PATH]`.
    Malformed,
    /// It would send seeds in plain text to another computer.
    Plain,
    /// It has a name or a password in it.
    Credential,
}

impl ServerSettings {
    /// An address in the form that is kept: without blanks around it, and without slashes at its end.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn parse_url(text: &str) -> Result<String, AddressFault> {
        let text = text.trim().trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(AddressFault::Malformed)?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(AddressFault::Credential);
        }
        let is_plain_text =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '/' | ':' | '[' | ']');
        let host = host_of(text);
        let is_host = match authority.strip_prefix('[') {
            Some(_) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                host.len() <= 253 && host.contains(|c: char| c.is_ascii_alphanumeric()) && !host.contains(['[', ']'])
            }
        };
        let has_steps = rest.split('/').any(|part| matches!(part, "." | ".."));
        if !is_host || has_steps || !rest.chars().all(is_plain_text) || port_is_wrong(authority) {
            return Err(AddressFault::Malformed);
        }
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok(format!("https://{rest}")),
            "http" if is_loopback(&host) => Ok(format!("http://{rest}")),
            "http" => Err(AddressFault::Plain),
            _ => Err(AddressFault::Malformed),
        }
    }

    /// The host, for people.
    #[must_use]
    pub fn host(&self) -> String {
        host_of(&self.url)
    }

    /// As the inventory keeps it.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the inventory has kept.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(text).ok()?;
        // Whoever can write the inventory could have put an address there that no flag takes.
        let is_spoken_to = |url: &str| Self::parse_url(url).is_ok_and(|parsed| parsed == url);
        (is_spoken_to(&read.url) && read.sign_in.as_deref().is_none_or(is_spoken_to)).then_some(read)
    }
}

fn port_is_wrong(authority: &str) -> bool {
    let after_host = match authority.rsplit_once(']') {
        Some((_, "")) => None,
        Some((_, after)) => Some(after.strip_prefix(':').unwrap_or_default()),
        None => authority.split_once(':').map(|(_, port)| port),
    };
    after_host.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The host of an address, without its port and without the brackets of IPv6.
#[must_use]
pub fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default().to_owned(),
        None => authority.split(':').next().unwrap_or_default().to_owned(),
    }
}

/// Whether a host is this computer.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_stays_on_this_computer() {
        let parse = ServerSettings::parse_url;
        assert_eq!(parse(" https://pi.example.org/pi/ ").as_deref(), Ok("https://pi.example.org/pi"));
        assert_eq!(parse("HTTPS://pi.example.org:8443").as_deref(), Ok("https://pi.example.org:8443"));
        assert_eq!(parse("http://127.0.0.1:5000").as_deref(), Ok("http://127.0.0.1:5000"));
        assert_eq!(parse("http://[::1]:5000").as_deref(), Ok("http://[::1]:5000"));
        assert_eq!(parse("http://localhost").as_deref(), Ok("http://localhost"));
        for plain in ["http://pi.example.org", "http://127.0.0.1.example.org", "http://10.0.0.1"] {
            assert_eq!(parse(plain), Err(AddressFault::Plain), "{plain}");
        }
        assert_eq!(parse("https://admin:secret@pi.example.org"), Err(AddressFault::Credential));
        for bad in [
            "",
            "pi.example.org",
            "ftp://pi",
            "https://",
            "https://a b",
            "https://a:port",
            "https://a?x=1",
            "https://a:0",
            "http://[::1]evil.com",
            "https://[evil",
            "https://]",
            "https://-",
            "https://a/../b",
        ] {
            assert_eq!(parse(bad), Err(AddressFault::Malformed), "{bad}");
        }
    }

    #[test]
    fn an_address_that_no_flag_takes_is_not_read_from_an_inventory() {
        let text = |url: &str| format!("{{\"kind\":\"duo\",\"url\":\"{url}\",\"account\":\"x\"}}");
        assert!(ServerSettings::of_text(&text("https://api-1.duosecurity.com")).is_some());
        assert_eq!(ServerSettings::of_text(&text("http://api-1.example.org")), None);
    }
}
