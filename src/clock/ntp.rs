//! The true time from servers that the user names, by SNTP (RFC 4330). Nothing is asked unless a server is given.

use super::sntp::{Exchange, exchange};

/// How many exchanges are tried with a server.
const EXCHANGES: usize = 4;

/// How often they are in vain before a server is given up.
const IN_VAIN: usize = 2;

/// A server's word on the host's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct NtpReading {
    /// The server, as the user named it.
    pub server: String,
    /// True time minus the host's clock, in seconds.
    pub offset_s: f64,
    /// How wrong that can be, in seconds: half of the exchange's delay, and what the server says of itself (its root dispersion
    /// and half of its root delay).
    pub uncertainty_s: f64,
}

/// Servers that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NtpError {
    /// No usable answer.
    #[error("the NTP server {server} gave no usable answer: {why}")]
    NoAnswer {
        /// The server, as the user named it.
        server: String,
        /// The trouble at the last exchange.
        why: String,
    },
    /// Servers whose times cannot both be true.
    #[error("the NTP servers {one} and {other} disagree by {apart_ms} ms")]
    Disagree {
        /// A server.
        one: String,
        /// Another.
        other: String,
        /// By how much, in milliseconds, beyond what their delays explain.
        apart_ms: u64,
    },
}

/// Asks every server, several times each, and returns the reading of the least uncertainty.
///
/// # Errors
/// [`NtpError`] if one of them gives no usable answer, or if two of them cannot both be right.
pub fn ask(servers: &[String]) -> Result<Option<NtpReading>, NtpError> {
    let readings = servers.iter().map(|server| ask_one(server)).collect::<Result<Vec<_>, _>>()?;
    for (index, one) in readings.iter().enumerate() {
        for other in readings.iter().skip(index + 1) {
            let apart = (one.offset_s - other.offset_s).abs() - one.uncertainty_s - other.uncertainty_s;
            // Servers are allowed to be wrong by a little themselves.
            if apart > 0.1 {
                let (one, other) = (one.server.clone(), other.server.clone());
                return Err(NtpError::Disagree { one, other, apart_ms: (apart * 1000.0) as u64 });
            }
        }
    }
    Ok(readings.into_iter().min_by(|a, b| a.uncertainty_s.total_cmp(&b.uncertainty_s)))
}

fn ask_one(server: &str) -> Result<NtpReading, NtpError> {
    let address = with_port(server);
    let mut best: Option<NtpReading> = None;
    let (mut why, mut in_vain) = (String::new(), 0);
    for _ in 0..EXCHANGES {
        match exchange(&address) {
            Err(reason) => {
                why = reason;
                in_vain += 1;
                if in_vain >= IN_VAIN && best.is_none() {
                    break;
                }
            }
            Ok(Exchange { offset_s, delay_s, root_distance_s }) => {
                let uncertainty_s = delay_s / 2.0 + root_distance_s;
                if best.as_ref().is_none_or(|best| uncertainty_s < best.uncertainty_s) {
                    best = Some(NtpReading { server: server.to_owned(), offset_s, uncertainty_s });
                }
            }
        }
    }
    best.ok_or_else(|| NtpError::NoAnswer { server: server.to_owned(), why })
}

/// The server with NTP's port, unless it names one: `host`, `host:port`, `1.2.3.4`, `[::1]`, `[::1]:123`.
fn with_port(server: &str) -> String {
    let has_port = match server.strip_prefix('[') {
        Some(rest) => rest.contains("]:"),
        None => server.contains(':'),
    };
    if has_port { server.to_owned() } else { format!("{server}:123") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_by_port_123_unless_it_names_another() {
        for (server, address) in [
            ("ntp.example.org", "ntp.example.org:123"),
            ("127.0.0.1:1123", "127.0.0.1:1123"),
            ("[::1]", "[::1]:123"),
            ("[::1]:1123", "[::1]:1123"),
        ] {
            assert_eq!(with_port(server), address);
        }
    }
}
