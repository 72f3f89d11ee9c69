//! Arguments of the commands that deal with many tokens.

use std::path::PathBuf;

use clap::Args;

use super::common::{FileArgs, HostArgs, ProfileArgs, WholeFileArgs};
use super::seeds::EncodeArgs;

#[derive(Debug, Args)]
pub struct BatchArgs {
    /// The seed file
    #[arg(value_name = "FILE", required_unless_present_any = ["generate", "users"], conflicts_with = "generate")]
    pub input: Option<PathBuf>,

    /// Make new seeds for N tokens
    ///
    /// Needs --to, or an inventory that keeps seeds.
    #[arg(long, value_name = "N")]
    pub generate: Option<u64>,

    /// The users, one a line, or a table of serial and user
    ///
    /// Without a file and --generate as many seeds are made as there are users.
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,

    /// Bytes of a new seed: 16 to 63 [default: 20, or 32 for SHA-256]
    #[arg(long, value_name = "N", conflicts_with = "input", hide_short_help = true)]
    pub bytes: Option<usize>,

    /// Write this server's file at the end; repeatable
    #[arg(long, value_name = "FORMAT=FILE")]
    pub to: Vec<String>,

    /// Overwrite the server's files
    #[arg(long, hide_short_help = true)]
    pub force: bool,

    /// Hand the seeds to this server as they are burned
    #[cfg(feature = "servers")]
    #[arg(long, value_name = "SERVER", requires = "identity", conflicts_with = "slots")]
    pub hand_over: Option<String>,

    /// The age identity that opens sealed seeds, for --hand-over
    ///
    /// With --slots, it opens the customer key that the inventory keeps.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub identity: Option<PathBuf>,

    /// A field that may be lost: user, model, …; repeatable
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "to")]
    pub drop: Vec<String>,

    /// Go on with the batch that was begun (the default)
    #[arg(long, conflicts_with = "new_batch", hide_short_help = true)]
    pub resume: bool,

    /// Start a new batch, even if one is unfinished
    #[arg(long)]
    pub new_batch: bool,

    /// Burn seeds of fewer than 16 bytes, which RFC 4226 forbids
    #[arg(long, conflicts_with = "generate", hide_short_help = true)]
    pub allow_short_seed: bool,

    /// Also burn tokens that hold a seed from elsewhere, by the inventory
    #[arg(long, hide_short_help = true)]
    pub reburn: bool,

    /// Also give tokens to other users than those on record
    #[arg(long, hide_short_help = true)]
    pub reassign: bool,

    /// A page with a slip for each user, to print; written at the end
    #[arg(long, value_name = "FILE.html", hide_short_help = true)]
    pub slips: Option<PathBuf>,

    /// Also the seed's QR code on each slip
    #[arg(long, requires_all = ["slips", "to"], hide_short_help = true)]
    pub with_secret: bool,

    /// Onto the slots of one Molto2, a row each: those that the rows name, or the next empty ones
    ///
    /// The inventory tells which rows are done: the same command goes on where it was broken off, on the next device too.
    #[arg(long, requires = "input", conflicts_with_all = ["generate", "users", "bytes", "to", "new_batch", "resume", "reburn", "slips", "check_every", "token_key", "allow_unknown_model", "drop", "force", "skip_unusable", "allow_shared_secret", "with_secret"], help_heading = "For a Molto2", hide_short_help = true)]
    pub slots: bool,

    /// The customer key, if it is not the factory's: a text file, the vendor's Molto2Cfg.ini, or - to be asked
    #[arg(long, value_name = "FILE", requires = "slots", help_heading = "For a Molto2", hide_short_help = true)]
    pub customer_key: Option<PathBuf>,

    /// Give the slots no titles
    #[arg(long, requires = "slots", help_heading = "For a Molto2", hide_short_help = true)]
    pub no_titles: bool,

    /// Onto the HOTP slots of FIDO2 keys, one key after the other
    #[arg(long, requires = "input", conflicts_with_all = ["generate", "users", "bytes", "slots", "check_every", "precise", "step", "display", "token_key"], help_heading = "For a FIDO2 key", hide_short_help = true)]
    pub hotp: bool,

    /// Ask for the displayed code of every Nth token
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), hide_short_help = true)]
    pub check_every: Option<u64>,

    /// Set clocks to the millisecond
    ///
    /// Catches ticks and writes on the second, which takes about 2.5 s a token.
    #[arg(long)]
    pub precise: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub whole: WholeFileArgs,

    #[command(flatten)]
    pub encode: EncodeArgs,

    /// Write to tokens of a model that is not known
    #[arg(long, hide_short_help = true)]
    pub allow_unknown_model: bool,

    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub struct DeskArgs {
    /// Set clocks that are over S seconds off
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub if_drift_over: f64,

    /// Set no clocks: only measure and record
    #[arg(long, conflicts_with_all = ["assume_factory_profile", "hash", "step", "display", "token_key", "try_again"])]
    pub no_auto_sync: bool,

    /// Also set tokens whose profile is not known, to the factory's (SHA1, 30 s)
    ///
    /// A token that was burned for another hash or time step stops working then. Without this, they are only measured.
    #[arg(long, conflicts_with = "no_auto_sync", hide_short_help = true)]
    pub assume_factory_profile: bool,

    /// Ask for the code on each display
    ///
    /// Of the tokens whose sealed seed --identity opens.
    #[arg(long, requires = "identity")]
    pub ask_code: bool,

    /// The age identity that opens sealed seeds
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Forget the identity after so many minutes
    ///
    /// Tokens that need it are then only measured, until the desk is opened again.
    #[arg(long, value_name = "MINUTES", requires = "identity", hide_short_help = true, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub identity_minutes: Option<u64>,

    /// Be quick: right to a second, not a millisecond
    ///
    /// One reading instead of catching ticks, no wait for the second.
    #[arg(long)]
    pub fast: bool,

    /// Leave servers alone that had followed a clock
    ///
    /// Without this, a server that a token was handed over to is made to accept its codes again after its clock was set.
    #[cfg(feature = "servers")]
    #[arg(long, hide_short_help = true)]
    pub no_mend: bool,

    /// The customer key of each Molto2 that is plugged in
    ///
    /// A text file, or the vendor's Molto2Cfg.ini; "-" asks for it. Without it, the factory's key.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub customer_key: Option<PathBuf>,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub run: RunArgs,
}

#[cfg(feature = "web")]
#[derive(Debug, Args)]
pub struct WebArgs {
    /// Only print the address; do not open a browser
    #[arg(long)]
    pub no_open: bool,

    /// Open the browser full screen, with the desk and nothing else
    #[arg(long, conflicts_with = "no_open")]
    pub kiosk: bool,

    #[command(flatten)]
    pub desk: DeskArgs,
}

/// Arguments of every run of many tokens.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// No bells
    #[arg(long, hide_short_help = true)]
    pub quiet_bell: bool,

    #[command(flatten)]
    pub host: HostArgs,

    /// The tokens' own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub token_key: Option<PathBuf>,

    /// Try the key also on tokens that have refused it, by the inventory
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,
}
