//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::otp::Hash;
use crate::seed::SecretEncoding;

/// Where a seed comes from; never from an argument.
#[derive(Debug, Default, Args)]
pub struct SeedArgs {
    /// Read the seed from standard input
    #[arg(long, group = "seed_source")]
    pub seed_stdin: bool,

    /// Read the seed from a file: bare, URI or seed file
    #[arg(long, group = "seed_source", value_name = "FILE")]
    pub seed_file: Option<PathBuf>,

    /// Read the seed from a QR code in a picture
    ///
    /// PNG, JPEG, WebP, GIF or BMP.
    #[arg(long, group = "seed_source", value_name = "IMAGE")]
    pub qr: Option<PathBuf>,

    /// The environment variable that holds the seed
    #[arg(long, group = "seed_source", value_name = "NAME", hide_short_help = true)]
    pub seed_env: Option<String>,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub choice: ChoiceArgs,
}

impl SeedArgs {
    /// Whether a source of the seed is named.
    pub fn is_named(&self) -> bool {
        self.seed_stdin || self.seed_file.is_some() || self.qr.is_some() || self.seed_env.is_some()
    }
}

/// How a seed file is read.
#[derive(Debug, Default, Args)]
pub struct FileArgs {
    /// The seed file's format [default: by looking at it]
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    pub from: Option<String>,

    /// The encoding, where the secrets could be hex or Base32
    #[arg(long, value_enum, ignore_case = true, value_name = "ENCODING", hide_short_help = true)]
    pub secret_encoding: Option<EncodingArg>,

    /// The columns of a table without a header
    #[arg(long, value_name = "NAMES", value_delimiter = ',', hide_short_help = true)]
    pub columns: Option<Vec<String>>,

    /// The key of an encrypted PSKC file: raw bytes, hex or Base64
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub pskc_key: Option<PathBuf>,

    /// The password of an encrypted seed file, in a file: PSKC, Aegis, 2FAS
    #[arg(
        long = "file-password",
        alias = "pskc-password",
        value_name = "FILE",
        conflicts_with = "pskc_key",
        hide_short_help = true
    )]
    pub pskc_password: Option<PathBuf>,
}

/// Arguments for a seed file as a whole.
#[derive(Debug, Clone, Default, Args)]
pub struct WholeFileArgs {
    /// Skip rows that no token can hold, and list them
    ///
    /// Steam, PINs, OCRA, HOTP, 8 digits, SHA-512, other time steps, and duplicate accounts.
    #[arg(long, hide_short_help = true)]
    pub skip_unusable: bool,

    /// Take several rows with one secret
    #[arg(long, hide_short_help = true)]
    pub allow_shared_secret: bool,
}

/// The choice of a row of a seed file.
#[derive(Debug, Clone, Default, Args)]
pub struct ChoiceArgs {
    /// The row of this serial
    #[arg(long, value_name = "SERIAL", group = "choice", hide_short_help = true)]
    pub serial: Option<String>,

    /// The row of this number, counted from 1 without the header
    #[arg(long, value_name = "N", group = "choice", hide_short_help = true)]
    pub row: Option<usize>,

    /// The row of this user
    #[arg(long, value_name = "USER", group = "choice", hide_short_help = true)]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EncodingArg {
    Hex,
    Base32,
}

impl From<EncodingArg> for SecretEncoding {
    fn from(arg: EncodingArg) -> Self {
        match arg {
            EncodingArg::Hex => Self::Hex,
            EncodingArg::Base32 => Self::Base32,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum HashArg {
    #[value(alias = "sha-1")]
    Sha1,
    #[value(alias = "sha-256")]
    Sha256,
}

impl From<HashArg> for Hash {
    fn from(arg: HashArg) -> Self {
        match arg {
            HashArg::Sha1 => Self::Sha1,
            HashArg::Sha256 => Self::Sha256,
        }
    }
}

#[derive(Debug, Default, Args)]
pub struct ProfileArgs {
    /// Hash [default: sha1]
    #[arg(long, value_enum, ignore_case = true)]
    pub hash: Option<HashArg>,

    /// Time step: 30 or 60 s [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub step: Option<u32>,

    /// Display time: 15, 30, 60 or 120 s [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub display: Option<u32>,
}

/// Demands on the host's clock before a token is set by it.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// Ask this NTP server, and correct the written time by it; repeatable
    #[arg(long, value_name = "SERVER[:PORT]", hide_short_help = true)]
    pub ntp: Vec<String>,

    /// Do not correct: refuse a clock that is off
    #[arg(long, requires = "ntp", hide_short_help = true)]
    pub ntp_check: bool,

    /// Refuse a clock that nothing keeps synchronised
    #[arg(long, conflicts_with_all = ["ntp", "trust_host_clock"], hide_short_help = true)]
    pub strict_clock: bool,

    /// The largest error that --ntp-check accepts
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, requires = "ntp", hide_short_help = true)]
    pub max_host_error: f64,

    /// Take the host's clock as it is; recorded
    #[arg(long, hide_short_help = true)]
    pub trust_host_clock: bool,

    /// Correct by what --ntp says also where that is more than 1000 s
    #[arg(long, requires = "ntp", hide_short_help = true)]
    pub allow_large_correction: bool,
}

impl Default for HostArgs {
    fn default() -> Self {
        Self {
            ntp: Vec::new(),
            ntp_check: false,
            strict_clock: false,
            max_host_error: 2.0,
            trust_host_clock: false,
            allow_large_correction: false,
        }
    }
}

/// Arguments of every write.
#[derive(Debug, Default, Args)]
pub struct WriteArgs {
    #[command(flatten)]
    pub host: HostArgs,

    /// Allow a --time more than 60 s from the host's clock
    #[arg(long, hide_short_help = true)]
    pub allow_other_time: bool,

    /// The token's own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub token_key: Option<PathBuf>,

    /// Try the key even if the token is on record as having refused it
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,

    /// Write to a token of a model that is not known
    #[arg(long, hide_short_help = true)]
    pub allow_unknown_model: bool,

    /// Burn a seed even if another token has it on record
    #[arg(long, hide_short_help = true)]
    pub allow_shared_secret: bool,

    /// Burn a seed of fewer than 16 bytes, which RFC 4226 forbids
    #[arg(long, hide_short_help = true)]
    pub allow_short_seed: bool,

    /// The age identity that opens sealed seeds
    ///
    /// With a slot of a Molto2, also its customer key, where the inventory keeps that.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

/// The slot of a device that has several, and the key that opens it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "For a Molto2")]
pub struct SlotArgs {
    /// The slot of the Molto2, numbered from 0
    #[arg(long, alias = "profile-number", value_name = "N", hide_short_help = true)]
    pub slot: Option<u16>,

    /// The customer key, if it is not the factory's: a text file, the vendor's Molto2Cfg.ini, or - to be asked
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub customer_key: Option<PathBuf>,
}

/// What is written to a slot beside seed, profile and clock.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "For a Molto2")]
pub struct SlotSettingArgs {
    /// Digits of the slot's codes: 4, 6, 8 or 10; of a HOTP slot's 6 or 8 [default: the seed's, else 6]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub digits: Option<u32>,

    /// The slot's title: 1 to 12 bytes
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub title: Option<String>,
}

/// The fate of the clock when something else is written.
#[derive(Debug, Default, Args)]
pub struct ClockArgs {
    /// The time to set the clock to; 0 is now [default: 0]
    ///
    /// Unix seconds, or a time as RFC 3339 writes it.
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "no_auto_sync",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    pub time: Option<String>,

    /// Set the clock to now (the default)
    #[arg(long, overrides_with = "no_auto_sync", hide_short_help = true)]
    pub auto_sync: bool,

    /// Keep the token's own time, to within a second
    #[arg(long, overrides_with = "auto_sync")]
    pub no_auto_sync: bool,
}
