//! Arguments of the commands that write a token.

use std::path::PathBuf;

use clap::Args;

use super::common::{ClockArgs, ProfileArgs, SeedArgs, SlotArgs, SlotSettingArgs, WriteArgs};
#[cfg(feature = "servers")]
use super::server::MendArgs;

#[derive(Debug, Default, Args)]
pub struct SyncArgs {
    /// The time to set the clock to; 0 is now
    ///
    /// Unix seconds, or a time as RFC 3339 writes it.
    #[arg(long, value_name = "TIME", default_value = "0", allow_hyphen_values = true)]
    pub time: String,

    /// Do nothing if the drift is surely within S seconds
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub if_drift_over: Option<f64>,

    /// Accept that a restricted token loses its seed
    #[arg(long, conflicts_with_all = ["seed_source", "identity"])]
    pub erase_seed: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// Be quick: right to a second, not a millisecond
    ///
    /// One reading instead of catching ticks, no wait for the second.
    #[arg(long)]
    pub fast: bool,

    #[cfg(feature = "servers")]
    #[command(flatten)]
    pub mend: MendArgs,

    #[command(flatten)]
    pub write: WriteArgs,

    #[command(flatten)]
    pub slot: SlotArgs,
}

impl SyncArgs {
    /// `tokentap --time T` without a command.
    pub fn with_time(time: &str) -> Self {
        Self { time: time.to_owned(), ..Self::default() }
    }
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub clock: ClockArgs,

    /// Accept that a restricted token loses its seed
    #[arg(long, conflicts_with_all = ["seed_source", "identity"])]
    pub erase_seed: bool,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// Be quick: right to a second, not a millisecond
    ///
    /// One reading instead of catching ticks, no wait for the second.
    #[arg(long)]
    pub fast: bool,

    #[command(flatten)]
    pub write: WriteArgs,

    #[command(flatten)]
    pub slot: SlotArgs,

    #[command(flatten)]
    pub setting: SlotSettingArgs,
}

#[derive(Debug, Args)]
pub struct BurnArgs {
    #[command(flatten)]
    pub seed: SeedArgs,

    /// Make a new seed of BYTES bytes [20; 32 for SHA-256]
    ///
    /// Needs --out, or an inventory that keeps seeds.
    #[arg(long, group = "seed_source", value_name = "BYTES", num_args = 0..=1, require_equals = true)]
    pub generate: Option<Option<usize>>,

    /// Burn in the place of a seed that the inventory knows
    ///
    /// On a terminal this is asked.
    #[arg(long, hide_short_help = true)]
    pub replace_seed: bool,

    /// Give the token to another user than the one on record
    ///
    /// On a terminal this is asked.
    #[arg(long, hide_short_help = true)]
    pub reassign: bool,

    /// Save the new seed in this new csv file
    #[arg(long, value_name = "FILE", requires = "generate")]
    pub out: Option<PathBuf>,

    /// The new seed in a server's format, such as duo=FILE; repeatable
    #[arg(long, value_name = "FORMAT=FILE", requires = "generate", hide_short_help = true)]
    pub to: Vec<String>,

    /// A field that may be lost on the way there: user, ...; repeatable
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "to", hide_short_help = true)]
    pub drop: Vec<String>,

    /// A slip for the token's user, to print
    #[arg(long, value_name = "FILE.html", hide_short_help = true)]
    pub slip: Option<PathBuf>,

    /// Also the seed's QR code on the slip
    #[arg(long, requires = "slip", hide_short_help = true)]
    pub with_secret: bool,

    /// Also print the seed
    #[arg(long, hide_short_help = true)]
    pub show_secrets: bool,

    /// Leave profile and clock alone
    #[arg(long, conflicts_with_all = ["hash", "step", "display", "time", "auto_sync", "no_auto_sync"])]
    pub seed_only: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub clock: ClockArgs,

    /// Set the clock to the millisecond
    ///
    /// Catches ticks and writes on the second, which takes about 2.5 s.
    #[arg(long, conflicts_with = "seed_only")]
    pub precise: bool,

    /// Do not ask for the displayed code
    #[arg(long, conflicts_with = "verify")]
    pub no_verify: bool,

    /// The displayed code, for scripts that can read it
    #[arg(long, value_name = "CODE", hide_short_help = true)]
    pub verify: Option<String>,

    #[command(flatten)]
    pub write: WriteArgs,

    #[command(flatten)]
    pub slot: SlotArgs,

    #[command(flatten)]
    pub setting: SlotSettingArgs,

    /// Burn the HOTP slot of a Token2 FIDO2 key
    #[arg(long, hide_short_help = true, help_heading = "For a FIDO2 key", conflicts_with_all = ["slot", "customer_key", "title", "seed_only", "step", "display", "time", "auto_sync", "no_auto_sync", "precise", "token_key"])]
    pub hotp: bool,

    /// Whether the key presses Enter behind a code [default: as it is]
    #[arg(long, value_name = "yes|no", requires = "hotp", hide_short_help = true, help_heading = "For a FIDO2 key", value_parser = yes_or_no)]
    pub enter: Option<bool>,
}

/// `yes` or `no`.
pub fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("use yes or no".to_owned()),
    }
}
