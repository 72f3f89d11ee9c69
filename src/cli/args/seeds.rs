//! Arguments of the seed files' commands.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::common::{ChoiceArgs, FileArgs, HashArg, WholeFileArgs};

#[derive(Debug, Subcommand)]
pub enum SeedsCommand {
    /// Check a seed file and list all its problems
    #[command(before_help = "Example: tokentap seeds check tokens.csv --for-token")]
    Check(SeedsCheckArgs),
    /// Convert to other formats; nothing is lost silently
    #[command(before_help = "Example: tokentap seeds convert tokens.csv --to duo=duo.csv --to entra=entra.csv")]
    Convert(SeedsConvertArgs),
    /// Generate new random seeds
    #[command(before_help = "Example: tokentap seeds generate --count 200 --to csv --out seeds.csv")]
    Generate(SeedsGenerateArgs),
    /// The enrolment QR code of one seed
    #[command(before_help = "Example: tokentap seeds qr seeds.csv --row 1 --png code.png")]
    Qr(SeedsQrArgs),
}

#[derive(Debug, Args)]
pub struct SeedsCheckArgs {
    /// The seed file
    #[arg(value_name = "FILE", required_unless_present = "qr")]
    pub input: Option<PathBuf>,

    /// Check the QR codes in a picture instead
    ///
    /// PNG, JPEG, WebP, GIF or BMP.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["input", "from", "secret_encoding", "columns", "pskc_key", "pskc_password", "hotp"])]
    pub qr: Option<PathBuf>,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub whole: WholeFileArgs,

    /// Duo's third field is a counter
    #[arg(long)]
    pub hotp: bool,

    /// Also check that this format can carry every row
    #[arg(long = "for", value_name = "FORMAT")]
    pub for_format: Option<String>,

    /// A field that may be lost in that format: serial, counter, hash, step, digits, user, …; repeatable
    #[arg(long, value_name = "FIELD", value_delimiter = ',', requires = "for_format")]
    pub drop: Vec<String>,

    /// Also check that a token can hold every row
    #[arg(long)]
    pub for_token: bool,
}

/// The output and its place.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// The format to write, and its file; repeatable
    #[arg(long, value_name = "FORMAT[=FILE]", required = true)]
    pub to: Vec<String>,

    /// The file of a single --to [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Overwrite files
    #[arg(long)]
    pub force: bool,

    /// Write secrets to standard output though it is a terminal
    #[arg(long, hide_short_help = true)]
    pub show_secrets: bool,

    #[command(flatten)]
    pub encode: EncodeArgs,
}

/// How formats that leave a choice are written.
#[derive(Debug, Args)]
pub struct EncodeArgs {
    /// Encrypt PSKC under this AES key: raw bytes, hex or Base64
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub to_pskc_key: Option<PathBuf>,

    /// Encrypt PSKC under the password in this file
    #[arg(long, value_name = "FILE", conflicts_with = "to_pskc_key", hide_short_help = true)]
    pub to_pskc_password: Option<PathBuf>,

    /// How PSKC names a hash: SHA256, or HMAC-SHA256 [default: sha]
    #[arg(long, value_enum, ignore_case = true, value_name = "SUITE", hide_short_help = true)]
    pub pskc_suite: Option<SuiteArg>,

    /// Head Entra's column "timeinterval", as older files have it
    #[arg(long, hide_short_help = true)]
    pub entra_timeinterval: bool,
}

/// How PSKC names a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuiteArg {
    /// SHA256
    Sha,
    /// HMAC-SHA256
    Hmac,
}

#[derive(Debug, Args)]
pub struct SeedsConvertArgs {
    /// The seed file
    #[arg(value_name = "FILE")]
    pub input: PathBuf,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub whole: WholeFileArgs,

    /// Duo's third field is a counter
    #[arg(long)]
    pub hotp: bool,

    #[command(flatten)]
    pub output: OutputArgs,

    /// Add users to the rows: a table of serial and user, or one user a line
    ///
    /// Matched by serial if the list has serials, otherwise in order.
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,

    /// A field that may be lost: serial, counter, hash, step, digits, user, …; repeatable
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub drop: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SeedsGenerateArgs {
    /// How many
    #[arg(long, value_name = "N", required_unless_present_any = ["serials", "serial_range"])]
    pub count: Option<usize>,

    /// Serials, one a line
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub serials: Option<PathBuf>,

    /// Serials from A to B
    #[arg(long, value_name = "A..B", conflicts_with = "serials")]
    pub serial_range: Option<String>,

    /// Bytes of a seed [default: 20; 32 for SHA-256]
    #[arg(long, value_name = "N")]
    pub bytes: Option<usize>,

    /// Hash [default: sha1]
    #[arg(long, value_enum, ignore_case = true)]
    pub hash: Option<HashArg>,

    /// Time step: 30 or 60 s [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub step: Option<u32>,

    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Args)]
pub struct SeedsQrArgs {
    /// The seed file; without one, an otpauth:// URI on standard input
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub choice: ChoiceArgs,

    /// Write a PNG picture
    #[arg(long, value_name = "FILE", conflicts_with = "svg")]
    pub png: Option<PathBuf>,

    /// Write an SVG picture
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,

    /// Overwrite the file
    #[arg(long)]
    pub force: bool,

    /// Show the code, which is the secret, on the terminal
    #[arg(long)]
    pub show_secrets: bool,
}
