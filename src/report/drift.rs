//! A drift in a report: seconds, negative when the token is behind.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Drift;
use crate::inventory::Measured;

/// A drift that was just found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DriftReport {
    /// The middle of the interval that must hold it, in seconds, to the millisecond.
    pub drift_s: f64,
    /// Half the width of that interval, in seconds, rounded up.
    pub resolution_s: f64,
    /// `tick` or `whole-seconds`.
    pub method: &'static str,
    /// The drift itself, for text.
    #[serde(skip)]
    pub drift: Drift,
}

impl From<Drift> for DriftReport {
    fn from(drift: Drift) -> Self {
        let (drift_s, resolution_s) = milliseconds(drift.middle_s(), drift.resolution_s());
        Self { drift_s, resolution_s, method: drift.method().word(), drift }
    }
}

/// A drift on record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeasuredReport {
    /// The middle of the interval that must hold it, in seconds, to the millisecond.
    pub drift_s: f64,
    /// Half the width of that interval, in seconds, rounded up.
    pub resolution_s: f64,
}

impl From<Measured> for MeasuredReport {
    fn from(measured: Measured) -> Self {
        let (drift_s, resolution_s) = milliseconds(measured.drift_s, measured.resolution_s);
        Self { drift_s, resolution_s }
    }
}

/// Both to the millisecond; the resolution is widened by what the rounding may take away.
fn milliseconds(drift_s: f64, resolution_s: f64) -> (f64, f64) {
    // Adding zero turns a negative zero into a plain one.
    let round = |milliseconds: f64| milliseconds / 1000.0 + 0.0;
    (round((drift_s * 1000.0).round()), round((resolution_s * 1000.0 + 0.5).ceil()))
}

/// A drift on record in words.
#[must_use]
pub fn measured_words(measured: Measured) -> String {
    let direction = if measured.drift_s < 0.0 { "slow" } else { "fast" };
    // A resolution is never shown finer than it is.
    let resolution = (measured.resolution_s * 1000.0).ceil() / 1000.0;
    format!("{:.3} s {direction} (±{resolution:.3} s)", measured.drift_s.abs())
}
