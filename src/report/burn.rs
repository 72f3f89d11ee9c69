//! The report of `burn`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use super::verdict::VerdictReport;
use super::write::WriteReport;

/// The burn, and the codes that the token must show.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BurnReport {
    /// The write.
    #[serde(flatten)]
    pub write: WriteReport,
    /// How many bytes the seed has.
    pub seed_bytes: usize,
    /// The codes that the token must show; missing for a device that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodesReport>,
    /// The seed in Base32, with `--show-secrets` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The verdict on the code that was typed; `null`: not checked.
    pub verify: Option<VerdictReport>,
    /// The counter of the next code, where two codes of a device that counts were typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_counter: Option<u64>,
}

impl Report for BurnReport {
    /// People are told step by step, while the token is in hand.
    fn text(&self) -> String {
        String::new()
    }
}

/// The codes of a token from now on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CodesReport {
    /// The code of now.
    pub now: String,
    /// The next one.
    pub next: String,
    /// How long the code of now is shown, in seconds.
    pub seconds_left: u32,
    /// The slot that shows them, on a device with several.
    #[serde(skip)]
    pub slot: Option<u16>,
}

impl CodesReport {
    /// The codes in words, as the display shows them after a burn.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { now, next, seconds_left, slot } = self;
        if let Some(slot) = slot {
            return format!("slot {slot} of the device must show\n  {now}  for {seconds_left} s more, then\n  {next}");
        }
        format!(
            "switch the token off and on: its display must then show\n  {now}  for {seconds_left} s more, then\n  {next}"
        )
    }
}
