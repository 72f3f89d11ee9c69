//! The true time from servers that the user names, by SNTP (RFC 4330). Nothing is asked unless a server is given.

use std::time::Duration;

use rsntp::{Config, SntpClient};

/// How many exchanges are tried with a server.
const EXCHANGES: usize = 4;

/// How long one exchange may take.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// When NTP's seconds begin, and begin again, in Unix seconds (RFC 4330, section 3): where a time that was never set points.
const NEVER_SET: [f64; 2] = [-2_208_988_800.0, 2_085_978_496.0];

/// What a server says of the host's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct NtpReading {
    /// The server, as the user named it.
    pub server: String,
    /// True time minus the host's clock, in seconds.
    pub offset_s: f64,
    /// How wrong that can be if the server is right: half of the exchange's delay, in seconds.
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
        /// What happened at the last exchange.
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
    let local = if server.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let mut config = Config::default().timeout(ANSWER_WITHIN);
    if let Ok(local) = local.parse() {
        config = config.bind_address(local);
    }
    let client = SntpClient::with_config(config);
    let mut best: Option<NtpReading> = None;
    let mut why = String::new();
    for _ in 0..EXCHANGES {
        match client.synchronize(address.as_str()) {
            Err(error) => why = error.to_string(),
            Ok(result) => {
                let delay = result.round_trip_delay().as_secs_f64();
                let offset_s = result.clock_offset().as_secs_f64();
                // A delay below nothing, or longer than the exchange was allowed, is no delay.
                if !(0.0..=ANSWER_WITHIN.as_secs_f64()).contains(&delay) || !offset_s.is_finite() {
                    "its timestamps contradict each other".clone_into(&mut why);
                    continue;
                }
                // A server that does not know the time itself may answer with zeros, and say that it is synchronised
                // (RFC 4330, section 5: to be discarded).
                if is_never_set(offset_s) {
                    "its timestamps are zero: it does not know the time itself".clone_into(&mut why);
                    continue;
                }
                let uncertainty_s = delay / 2.0;
                if best.as_ref().is_none_or(|best| uncertainty_s < best.uncertainty_s) {
                    best = Some(NtpReading { server: server.to_owned(), offset_s, uncertainty_s });
                }
            }
        }
    }
    best.ok_or_else(|| NtpError::NoAnswer { server: server.to_owned(), why })
}

/// Whether this offset leads to a time that was never set.
fn is_never_set(offset_s: f64) -> bool {
    let now = chrono::Utc::now().timestamp_millis() as f64 / 1000.0;
    NEVER_SET.iter().any(|zero| (now + offset_s - zero).abs() < 2.0 * ANSWER_WITHIN.as_secs_f64())
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
