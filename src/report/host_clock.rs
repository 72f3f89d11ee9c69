//! The host's clock in a report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Standing;
use crate::plain::plain;

/// The evidence on the host's clock.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HostClockReport {
    /// Whether the system keeps it synchronised; `null` if the system does not say.
    pub synchronised: Option<bool>,
    /// The system's own estimate of its error, in seconds.
    pub estimated_error_s: Option<f64>,
    /// The system's own bound on its error, in seconds.
    pub maximum_error_s: Option<f64>,
    /// The server that was asked.
    pub ntp: Option<NtpReport>,
    /// The user accepted it as it is.
    pub trusted_by_user: bool,
}

/// A server's word on the host's clock.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NtpReport {
    /// The server.
    pub server: String,
    /// The correction to add to the host's time, in seconds.
    pub offset_s: f64,
    /// How far the offset may be off, in seconds.
    pub uncertainty_s: f64,
    /// Tokens are set by the corrected time.
    pub corrected: bool,
}

impl From<&Standing> for HostClockReport {
    fn from(standing: &Standing) -> Self {
        let milliseconds = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        let ntp = standing.ntp.as_ref().map(|reading| NtpReport {
            server: reading.server.clone(),
            offset_s: milliseconds(reading.offset_s),
            uncertainty_s: milliseconds(reading.uncertainty_s),
            corrected: !standing.correction.is_zero(),
        });
        let kernel = &standing.kernel;
        Self {
            synchronised: kernel.synchronised,
            estimated_error_s: kernel.estimated_error_s,
            maximum_error_s: kernel.maximum_error_s,
            ntp,
            trusted_by_user: standing.trusted,
        }
    }
}

/// The host's clock in words.
#[must_use]
pub fn host_clock_words(standing: &Standing) -> String {
    let kernel = &standing.kernel;
    let synchronised = match kernel.synchronised {
        Some(true) => "synchronised",
        Some(false) => "not synchronised",
        None => "synchronised or not: the system does not say",
    };
    let error = |name: &str, value: Option<f64>| value.map(|s| format!(", {name} error {s:.3} s")).unwrap_or_default();
    let ntp = standing.ntp.as_ref().map(|reading| {
        let direction = if reading.offset_s < 0.0 { "fast" } else { "slow" };
        format!(
            "; by {} it is {:.3} s {direction} (±{:.3} s)",
            reading.server,
            reading.offset_s.abs(),
            reading.uncertainty_s
        )
    });
    let source =
        kernel.source.as_ref().map(|source| format!(" by {}, last at {}", plain(&source.name), plain(&source.last)));
    format!(
        "{synchronised}{}{}{}{}",
        source.unwrap_or_default(),
        error("estimated", kernel.estimated_error_s),
        error("maximum", kernel.maximum_error_s),
        ntp.unwrap_or_default(),
    )
}
