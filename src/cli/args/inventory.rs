//! Arguments of the inventory's commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{FileArgs, WholeFileArgs};
use super::forecast::{ForecastArgs, ShowArgs};
use super::seeds::EncodeArgs;

/// The commands that short help only names: seldom ones, and those of an inventory that several desks share.
pub const SELDOM: [&str; 6] = ["forget", "serve-init", "join", "desks", "copy", "prune"];

#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// List tokens
    #[command(before_help = "Example: tokentap inventory tokens --drift-over 2")]
    Tokens(TokensArgs),
    /// List events, newest first
    #[command(before_help = "Example: tokentap inventory events --serial 86596120001234")]
    Events(EventsArgs),
    /// List batches
    #[command(before_help = "Example: tokentap inventory batches")]
    Batches(BatchesArgs),
    /// Show everything on record about one token
    #[command(before_help = "Example: tokentap inventory show 86596120001234")]
    Show(ShowArgs),
    /// Forecast which tokens must come back, and by when
    #[command(before_help = "Example: tokentap inventory forecast --due 30d --for duo")]
    Forecast(ForecastArgs),
    /// Write sealed seeds to a seed file
    #[command(before_help = "Example: tokentap inventory export --identity key.txt --to csv=seeds.csv")]
    Export(ExportArgs),
    /// Seal the seeds of a seed file with serials
    #[command(before_help = "Example: tokentap inventory import tokens.csv")]
    Import(ImportArgs),
    /// Give a token to a user; unassign takes it back
    #[command(before_help = "Example: tokentap inventory assign 86596120001234 ada@example.org")]
    Assign(AssignArgs),
    /// Take a token back from its user
    #[command(before_help = "Example: tokentap inventory unassign 86596120001234")]
    Unassign(UnassignArgs),
    /// Remove a token's seed
    #[command(before_help = "Example: tokentap inventory forget 86596120001234")]
    Forget(ForgetArgs),
    /// Write a backup copy, even while others use the inventory
    #[command(before_help = "Example: tokentap inventory backup /media/usb/inventory-2026-11-23.sqlite")]
    Backup(BackupArgs),
    /// Check the inventory for damage, and summarise it
    #[command(before_help = "Example: tokentap inventory check")]
    Check(CheckArgs),
    /// Create the inventory, and choose who can open sealed seeds
    #[command(before_help = "Example: tokentap inventory init --passphrase --out identity.age")]
    Init(InitArgs),
    /// Copy the inventory into another one, or compare the two
    #[command(before_help = "Example: tokentap inventory copy inventory.sqlite postgres://front@db/tokentap")]
    Copy(CopyArgs),
    /// Set a database server up for several desks
    #[cfg(feature = "postgres")]
    #[command(before_help = "Example: tokentap inventory serve-init postgres://db/tokentap --desk a --out .")]
    ServeInit(ServeInitArgs),
    /// Use the inventory on a database server from now on, at this desk
    #[cfg(feature = "postgres")]
    #[command(before_help = "Example: tokentap inventory join front.join")]
    Join(JoinArgs),
    /// List the desks that work with the inventory
    #[cfg(feature = "postgres")]
    #[command(before_help = "Example: tokentap inventory desks")]
    Desks,
    /// Remove old events; only the owner of the database may
    #[cfg(feature = "postgres")]
    #[command(before_help = "Example: tokentap inventory prune --events-before 2y")]
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The inventory to copy: a file, or a database's address
    #[arg(value_name = "FROM")]
    pub from: PathBuf,

    /// The inventory that gets it: one that is new, or has nothing in it
    #[arg(value_name = "TO")]
    pub to: PathBuf,

    /// Only compare the two
    #[arg(long)]
    pub compare: bool,
}

#[cfg(feature = "postgres")]
#[derive(Debug, Args)]
pub struct ServeInitArgs {
    /// The inventory as the desks will reach it
    #[arg(value_name = "postgres://HOST/DATABASE")]
    pub address: String,

    /// A new desk's name on the server; repeatable
    #[arg(long, value_name = "NAME", requires = "out")]
    pub desk: Vec<String>,

    /// A new user who only reads, and sees no seeds; repeatable
    #[arg(long, value_name = "NAME", requires = "out")]
    pub viewer: Vec<String>,

    /// A desk or viewer that gets a new password; repeatable
    #[arg(long, hide_short_help = true, value_name = "NAME", requires = "out")]
    pub renew: Vec<String>,

    /// A desk or viewer that is not let in any more, such as a stolen one; repeatable
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub shut_out: Vec<String>,

    /// The folder that gets a file for each of them: the address, and a password
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,

    /// Seal seeds to this recipient; repeatable
    #[arg(long, value_name = "age1…")]
    pub recipient: Vec<String>,

    /// The server, as somebody who may make databases and roles on it
    #[arg(
        long,
        hide_short_help = true,
        value_name = "ADDRESS",
        default_value = "postgres://postgres@%2Fvar%2Frun%2Fpostgresql/postgres"
    )]
    pub by: String,
}

#[cfg(feature = "postgres")]
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The file that serve-init made for this desk; or an address, and the password is asked for
    #[arg(value_name = "FILE|postgres://…", required_unless_present = "leave")]
    pub from: Option<PathBuf>,

    /// Use the inventory in this user's own file again
    #[arg(long, conflicts_with = "from")]
    pub leave: bool,
}

#[cfg(feature = "postgres")]
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Remove events from before this time: 2024-11-23, an RFC 3339 time, or 2y, 24mo
    #[arg(long, value_name = "TIME", required = true)]
    pub events_before: String,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// How a list is shown.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// From this time on: 2026-11-23, an RFC 3339 time, or 7d, 12h, 6mo
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: u64,

    /// As comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub struct TokensArgs {
    /// Of this serial, or with these last digits
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,

    /// Of this user, or users whose names contain this
    #[arg(long, value_name = "USER", conflicts_with = "serial")]
    pub user: Option<String>,

    /// Tokens whose clock was not set for this long: 12mo, 2y, 30d
    #[arg(long, value_name = "TIME")]
    pub not_synced_for: Option<String>,

    /// Last seen before this time
    #[arg(long, value_name = "TIME")]
    pub before: Option<String>,

    /// Tokens with a larger drift when last seen
    #[arg(long, value_name = "SECONDS")]
    pub drift_over: Option<f64>,

    /// With a job of unknown outcome
    #[arg(long)]
    pub unfinished: bool,

    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Of this token: its serial, or its last four digits
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,

    /// Of this user's token
    #[arg(long, value_name = "USER", conflicts_with = "serial")]
    pub user: Option<String>,

    /// With this in the remark, such as a ticket's number
    #[arg(long, value_name = "TEXT")]
    pub with_remark: Option<String>,

    /// With this outcome: begun, done, within, right, wrong, refused, failed, unknown
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,

    /// With a larger drift
    #[arg(long, value_name = "SECONDS")]
    pub drift_over: Option<f64>,

    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Args)]
pub struct BatchesArgs {
    /// The rows of this batch, with a state each
    #[arg(long, value_name = "BATCH", conflicts_with = "since")]
    pub rows: Option<i64>,

    /// Only rows in this state: planned, assigned, burning, burned, checked, failed, unknown
    #[arg(long, value_name = "STATE", requires = "rows")]
    pub state: Option<String>,

    #[command(flatten)]
    pub list: ListArgs,
}

#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The token
    #[arg(value_name = "SERIAL")]
    pub serial: String,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    pub output: PathBuf,

    /// Overwrite it
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Also open every sealed seed: an age identity
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

/// A kind of seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SeedKind {
    /// Codes of a time
    Totp,
    /// Codes of a counter
    Hotp,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The age identity that opens the sealed seeds
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,

    /// The format to write, and its file; repeatable
    #[arg(long, value_name = "FORMAT=FILE", required = true)]
    pub to: Vec<String>,

    /// Only of this token
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,

    /// Only seeds of this kind: many formats hold one kind a file
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<SeedKind>,

    /// A field that may be lost; repeatable
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub drop: Vec<String>,

    /// Overwrite files
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub encode: EncodeArgs,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The seed file
    #[arg(value_name = "FILE")]
    pub input: PathBuf,

    /// Also where the inventory has another seed of the token
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub whole: WholeFileArgs,
}

#[derive(Debug, Args)]
pub struct AssignArgs {
    /// The token: its serial, or its last four digits
    #[arg(value_name = "SERIAL", required_unless_present = "csv")]
    pub serial: Option<String>,

    /// The user: a UPN or login name
    #[arg(value_name = "USER", required_unless_present = "csv")]
    pub user: Option<String>,

    /// Many at once: a table with the columns serial and user
    #[arg(long, value_name = "FILE", conflicts_with_all = ["serial", "user"])]
    pub csv: Option<PathBuf>,

    /// Also where a token belongs to somebody else
    #[arg(long)]
    pub reassign: bool,

    /// Also tokens that the inventory has never seen
    #[arg(long)]
    pub unseen: bool,
}

#[derive(Debug, Args)]
pub struct UnassignArgs {
    /// The token: its serial, its last four digits, or its user
    #[arg(value_name = "SERIAL|USER")]
    pub token: String,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Seal seeds to this recipient; repeatable
    #[arg(long, value_name = "age1…", conflicts_with = "passphrase")]
    pub recipient: Vec<String>,

    /// Make an identity, lock it with a passphrase that is asked for, and seal seeds to it
    #[arg(long, requires = "out")]
    pub passphrase: bool,

    /// Where the locked identity goes
    #[arg(long, value_name = "FILE", requires = "passphrase")]
    pub out: Option<PathBuf>,
}
