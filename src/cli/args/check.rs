//! Arguments of the commands that read and check.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{HashArg, HostArgs, SeedArgs};
use crate::otp::Hash;

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Measure the drift to a few milliseconds
    #[arg(long)]
    pub precise: bool,

    #[command(flatten)]
    pub host: HostArgs,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub host: HostArgs,
}

#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Only read and measure; write nothing
    #[arg(long, conflicts_with_all = ["erase", "replace_seed"])]
    pub read_only: bool,

    /// The report: NAME.txt and NAME.json [default: tokentap-selftest, numbered]
    #[arg(long, value_name = "NAME")]
    pub out: Option<PathBuf>,

    /// Do not ask: the token of --expect-serial may be erased
    #[arg(long, hide_short_help = true)]
    pub erase: bool,

    /// Try the key even if the token is on record as having refused it
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,

    /// Test a token that has a seed or a user on record
    #[arg(long, hide_short_help = true)]
    pub replace_seed: bool,

    /// Write to a token of a model that is not known
    #[arg(long, hide_short_help = true)]
    pub allow_unknown_model: bool,

    /// The token's own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub token_key: Option<PathBuf>,

    #[command(flatten)]
    pub host: HostArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The code on the display; a second one rules out a chance match
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// The age identity that opens the token's sealed seed
    #[arg(long, value_name = "FILE", conflicts_with = "seed_source")]
    pub identity: Option<PathBuf>,

    /// The slot of the Molto2 that shows the code, numbered from 0
    #[arg(long, alias = "profile-number", value_name = "N", conflicts_with = "hotp", hide_short_help = true)]
    pub slot: Option<u16>,

    /// Hash [default: sha1]
    #[arg(long, value_enum, ignore_case = true)]
    pub hash: Option<HashArg>,

    /// Time step in seconds [default: 30]
    #[arg(long, value_name = "SECONDS", conflicts_with = "hotp")]
    pub step: Option<u32>,

    /// How far to look, to both sides
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(1..=31_536_000), conflicts_with = "hotp", hide_short_help = true)]
    pub window: u32,

    /// Accept a drift up to this [default: one step]
    #[arg(long, value_name = "S", conflicts_with = "hotp")]
    pub accept_drift: Option<u32>,

    /// Find the counter of a HOTP token or key
    #[arg(long)]
    pub hotp: bool,

    /// The counter that the server expects next [default: the seed file's, else 0]
    #[arg(long, value_name = "N", requires = "hotp", hide_short_help = true)]
    pub counter: Option<u64>,

    /// Digits of a HOTP code [default: as typed, else 6]
    #[arg(long, value_name = "N", requires = "hotp", hide_short_help = true)]
    pub digits: Option<u32>,

    /// How far ahead of it to look
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "hotp", value_parser = clap::value_parser!(u32).range(1..=10_000_000), hide_short_help = true)]
    pub look_ahead: u32,
}

#[derive(Debug, Args)]
pub struct CodeArgs {
    #[command(flatten)]
    pub seed: SeedArgs,

    /// The age identity that opens the token's sealed seed
    #[arg(long, value_name = "FILE", conflicts_with = "seed_source")]
    pub identity: Option<PathBuf>,

    /// The time of the code; 0 is now [default: 0]
    #[arg(long, value_name = "UNIX|RFC3339", conflicts_with = "counter")]
    pub at: Option<String>,

    /// A HOTP code: its counter
    #[arg(long, value_name = "N", conflicts_with = "step")]
    pub counter: Option<u64>,

    /// Digits of the code: 6 or 8 [default: 6]
    #[arg(long, value_name = "N")]
    pub digits: Option<u32>,

    /// Hash [default: sha1]
    #[arg(long, value_enum, ignore_case = true)]
    pub hash: Option<CodeHashArg>,

    /// Time step in seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub step: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum CodeHashArg {
    Sha1,
    Sha256,
    Sha512,
}

impl From<CodeHashArg> for Hash {
    fn from(arg: CodeHashArg) -> Self {
        match arg {
            CodeHashArg::Sha1 => Self::Sha1,
            CodeHashArg::Sha256 => Self::Sha256,
            CodeHashArg::Sha512 => Self::Sha512,
        }
    }
}
