//! The arguments, as clap reads them. What they mean is checked where they are used.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::otp::Hash;
use crate::seed::SecretEncoding;

/// Tap a token on the reader: its seed is burned, its clock is right, its code is checked.
#[derive(Debug, Parser)]
#[command(
    name = "tokentap",
    version,
    after_help = "Examples:\n  tokentap info               what lies on the reader, and how wrong its clock is\n  \
                  tokentap sync               set the clock to the host's\n  \
                  tokentap burn               seed, profile and clock; asks for the seed\n  \
                  tokentap --time 0           the same as tokentap sync --time 0"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,

    /// Without a command: sync to this time; 0 is now
    #[arg(long, value_name = "0|UNIX|RFC3339", allow_hyphen_values = true)]
    pub time: Option<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// The command's name, as JSON has it.
    pub fn command_name(&self) -> &'static str {
        match &self.command {
            None => "sync",
            Some(Command::Readers) => "readers",
            Some(Command::Info(_)) => "info",
            Some(Command::Sync(_)) => "sync",
            Some(Command::Burn(_)) => "burn",
            Some(Command::Config(_)) => "config",
            Some(Command::Verify(_)) => "verify",
            Some(Command::Code(_)) => "code",
            Some(Command::Seeds(_)) => "seeds",
            Some(Command::Doctor(_)) => "doctor",
            Some(Command::Emulate(_)) => "emulate",
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// Reader: name, part of it, number; or emulated, emulated:FILE
    #[arg(long, global = true, env = "TOKENTAP_READER", value_name = "READER", hide_env_values = true)]
    pub reader: Option<String>,

    /// Only go on if the token has this serial
    #[arg(long, global = true, value_name = "SERIAL")]
    pub expect_serial: Option<String>,

    /// Report as one JSON object
    #[arg(long, global = true)]
    pub json: bool,

    /// How long to wait for a token [default: 30 on a terminal, else 0]
    #[arg(long, global = true, env = "TOKENTAP_WAIT", value_name = "SECONDS", hide_env_values = true)]
    pub wait: Option<String>,

    /// Read the token and show what would be done; write nothing
    #[arg(long, global = true)]
    pub dry_run: bool,

    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Show headers, lengths and status words of all APDUs
    #[arg(long, global = true)]
    pub trace: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The readers, what lies on each, and what is wrong with them
    #[command(before_help = "Example: tokentap readers")]
    Readers,
    /// Serial, model, clock, drift
    #[command(before_help = "Example: tokentap info --precise")]
    Info(InfoArgs),
    /// Set the clock to the host's
    #[command(before_help = "Example: tokentap sync")]
    Sync(SyncArgs),
    /// Seed, profile and clock onto the token, then check
    #[command(before_help = "Example: tokentap burn --seed-file seed.txt")]
    Burn(BurnArgs),
    /// The profile (and the clock)
    #[command(before_help = "Example: tokentap config --step 60")]
    Config(ConfigArgs),
    /// A code typed off the display: right, drifted, other seed, other profile
    #[command(before_help = "Example: tokentap verify 123456 --seed-file seed.txt")]
    Verify(VerifyArgs),
    /// The codes of a seed, now or at a time
    #[command(before_help = "Example: tokentap code --seed-file seed.txt")]
    Code(CodeArgs),
    /// Seed files: check, convert, generate, qr
    #[command(subcommand, before_help = "Example: tokentap seeds convert tokens.csv --to duo --out duo.csv")]
    Seeds(SeedsCommand),
    /// Service, readers, permissions, host clock: each with its remedy
    #[command(before_help = "Example: tokentap doctor")]
    Doctor(DoctorArgs),
    /// A token in software on pcscd's virtual reader
    #[command(before_help = "Example: tokentap emulate --drift -97.25")]
    Emulate(EmulateArgs),
}

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Catch the tick: the drift to a few milliseconds
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

/// Where a seed comes from; never from an argument.
#[derive(Debug, Default, Args)]
pub struct SeedArgs {
    /// Read the seed from standard input
    #[arg(long, group = "seed_source")]
    pub seed_stdin: bool,

    /// Read the seed from a file: the bare seed, a URI, or a seed file
    #[arg(long, group = "seed_source", value_name = "FILE")]
    pub seed_file: Option<PathBuf>,

    /// Read the seed from a QR code in a PNG or JPEG picture
    #[arg(long, group = "seed_source", value_name = "IMAGE")]
    pub qr: Option<PathBuf>,

    /// Read the seed from this environment variable
    #[arg(long, group = "seed_source", value_name = "NAME")]
    pub seed_env: Option<String>,

    #[command(flatten)]
    pub file: FileArgs,

    #[command(flatten)]
    pub choice: ChoiceArgs,
}

/// How a seed file is read.
#[derive(Debug, Default, Args)]
pub struct FileArgs {
    /// The seed file's format [default: by looking at it]
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,

    /// Say which it is where the secrets could be either
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub secret_encoding: Option<EncodingArg>,

    /// The columns of a table without a header
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,

    /// The key of an encrypted PSKC file: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE")]
    pub pskc_key: Option<PathBuf>,

    /// The password of an encrypted PSKC file, in a file
    #[arg(long, value_name = "FILE", conflicts_with = "pskc_key")]
    pub pskc_password: Option<PathBuf>,
}

/// Which row of a seed file.
#[derive(Debug, Default, Args)]
pub struct ChoiceArgs {
    /// The row of this serial
    #[arg(long, value_name = "SERIAL", group = "choice")]
    pub serial: Option<String>,

    /// The row of this number, counted from 1 without the header
    #[arg(long, value_name = "N", group = "choice")]
    pub row: Option<usize>,

    /// The row of this user
    #[arg(long, value_name = "USER", group = "choice")]
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
    Sha1,
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
    #[arg(long, value_enum)]
    pub hash: Option<HashArg>,

    /// Time step in seconds, 30 or 60 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub step: Option<u32>,

    /// Display time in seconds: 15, 30, 60 or 120 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub display: Option<u32>,
}

/// What is demanded of the host's clock before a token is set by it.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// Ask this NTP server, and correct by what it says; repeatable
    #[arg(long, value_name = "SERVER[:PORT]")]
    pub ntp: Vec<String>,

    /// Do not correct: refuse a clock that is off
    #[arg(long, requires = "ntp")]
    pub ntp_check: bool,

    /// Refuse a clock that nothing keeps synchronised
    #[arg(long)]
    pub strict_clock: bool,

    /// What --ntp-check lets pass
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    pub max_host_error: f64,

    /// Take the host's clock as it is; recorded
    #[arg(long)]
    pub trust_host_clock: bool,
}

impl Default for HostArgs {
    fn default() -> Self {
        Self { ntp: Vec::new(), ntp_check: false, strict_clock: false, max_host_error: 2.0, trust_host_clock: false }
    }
}

/// What goes for every write.
#[derive(Debug, Default, Args)]
pub struct WriteArgs {
    #[command(flatten)]
    pub host: HostArgs,

    /// Allow a --time more than 60 s from the host's clock
    #[arg(long)]
    pub allow_other_time: bool,

    /// The token's own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE")]
    pub token_key: Option<PathBuf>,

    /// Write to a token of a model that is not known
    #[arg(long)]
    pub allow_unknown_model: bool,
}

#[derive(Debug, Default, Args)]
pub struct SyncArgs {
    /// What to set the clock to; 0 is now
    #[arg(long, value_name = "0|UNIX|RFC3339", default_value = "0", allow_hyphen_values = true)]
    pub time: String,

    /// Leave a token alone that is surely within so many seconds
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub if_drift_over: Option<f64>,

    /// Accept that a restricted token loses its seed
    #[arg(long)]
    pub erase_seed: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// One reading instead of catching ticks, no wait for the second
    #[arg(long)]
    pub fast: bool,

    #[command(flatten)]
    pub write: WriteArgs,
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
    #[arg(long)]
    pub erase_seed: bool,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// One reading instead of catching ticks, no wait for the second
    #[arg(long)]
    pub fast: bool,

    #[command(flatten)]
    pub write: WriteArgs,
}

/// What becomes of the clock when something else is written.
#[derive(Debug, Default, Args)]
pub struct ClockArgs {
    /// What to set the clock to; 0 is now [default: 0]
    #[arg(long, value_name = "0|UNIX|RFC3339", conflicts_with = "no_auto_sync", allow_hyphen_values = true)]
    pub time: Option<String>,

    /// Set the clock to now (the default)
    #[arg(long, overrides_with = "no_auto_sync")]
    pub auto_sync: bool,

    /// Carry the token's own clock on, to within a second
    #[arg(long, overrides_with = "auto_sync")]
    pub no_auto_sync: bool,
}

#[derive(Debug, Args)]
pub struct BurnArgs {
    #[command(flatten)]
    pub seed: SeedArgs,

    /// Make a new seed of so many bytes [20; 32 for SHA-256]; needs --out
    #[arg(long, group = "seed_source", value_name = "BYTES", num_args = 0..=1, require_equals = true, requires = "out")]
    pub generate: Option<Option<usize>>,

    /// Where the new seed is kept: a csv file that does not exist yet
    #[arg(long, value_name = "FILE", requires = "generate")]
    pub out: Option<PathBuf>,

    /// Also print the seed
    #[arg(long)]
    pub show_secrets: bool,

    /// Leave profile and clock alone
    #[arg(long, conflicts_with_all = ["hash", "step", "display", "time", "auto_sync", "no_auto_sync"])]
    pub seed_only: bool,

    #[command(flatten)]
    pub profile: ProfileArgs,

    #[command(flatten)]
    pub clock: ClockArgs,

    /// Set the clock to the millisecond: catch ticks, write on the second
    #[arg(long, conflicts_with = "seed_only")]
    pub precise: bool,

    /// Do not ask for the displayed code
    #[arg(long, conflicts_with = "verify")]
    pub no_verify: bool,

    /// The displayed code, for scripts that can read it
    #[arg(long, value_name = "CODE")]
    pub verify: Option<String>,

    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The code on the display; a second one settles an accident
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,

    #[command(flatten)]
    pub seed: SeedArgs,

    /// Hash [default: sha1]
    #[arg(long, value_enum)]
    pub hash: Option<HashArg>,

    /// Time step in seconds [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub step: Option<u32>,

    /// How far to look, to both sides
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub window: u32,

    /// Count a drift up to this as right [default: one time step]
    #[arg(long, value_name = "SECONDS")]
    pub accept_drift: Option<u32>,

    /// Find the counter of a token or key whose button was pressed too often
    #[arg(long)]
    pub hotp: bool,

    /// The counter that the server expects next
    #[arg(long, value_name = "N", default_value_t = 0, requires = "hotp")]
    pub counter: u64,

    /// Digits of a HOTP code [default: as typed, else 6]
    #[arg(long, value_name = "N", requires = "hotp")]
    pub digits: Option<u32>,

    /// How far ahead of it to look
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "hotp", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub look_ahead: u32,
}

#[derive(Debug, Args)]
pub struct CodeArgs {
    #[command(flatten)]
    pub seed: SeedArgs,

    /// The time of the code [default: now]
    #[arg(long, value_name = "UNIX|RFC3339", conflicts_with = "counter")]
    pub at: Option<String>,

    /// A HOTP code: its counter
    #[arg(long, value_name = "N", conflicts_with = "step")]
    pub counter: Option<u64>,

    /// Digits of the code: 6 or 8 [default: 6]
    #[arg(long, value_name = "N")]
    pub digits: Option<u32>,

    /// Hash [default: sha1]
    #[arg(long, value_enum)]
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

#[derive(Debug, Args)]
pub struct EmulateArgs {
    /// Where the virtual reader listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:35963")]
    pub connect: SocketAddr,

    /// The serial; its first digits are the model [default: 86596120000001, or 86596220000001 with --restricted]
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,

    /// A clock write erases the seed
    #[arg(long)]
    pub restricted: bool,

    /// How many seconds its clock is ahead; negative: behind
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, default_value_t = 0.0)]
    pub drift: f64,

    /// How much too fast its clock runs
    #[arg(long, value_name = "PPM", allow_hyphen_values = true, default_value_t = 0.0)]
    pub ppm: f64,

    /// Its clock keeps the fraction of its second at a write
    #[arg(long)]
    pub free_running: bool,

    /// Keep its state in this file; what is there wins over the flags above
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Its own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE")]
    pub token_key: Option<PathBuf>,

    /// Lock for good after so many wrong answers
    #[arg(long, value_name = "N")]
    pub lock_after: Option<u32>,

    /// Milliseconds that every APDU takes
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    pub latency: f64,

    /// Leave before the N-th APDU is carried out
    #[arg(long, value_name = "N")]
    pub leave_before: Option<u32>,

    /// Leave after the N-th APDU was carried out, without its answer
    #[arg(long, value_name = "N")]
    pub leave_after: Option<u32>,

    /// Show the display whenever it changes
    #[arg(long)]
    pub show: bool,

    /// Press the button of the token in --state: show its display once, and end
    #[arg(long, requires = "state", conflicts_with = "create")]
    pub press: bool,

    /// Make the token's --state file, and end
    #[arg(long, requires = "state", conflicts_with_all = ["leave_before", "leave_after"])]
    pub create: bool,
}

#[derive(Debug, Subcommand)]
pub enum SeedsCommand {
    /// All that is wrong with a seed file, in one go
    #[command(before_help = "Example: tokentap seeds check tokens.csv --for-token")]
    Check(SeedsCheckArgs),
    /// From one format to others; what would be lost is refused
    #[command(before_help = "Example: tokentap seeds convert tokens.csv --to duo=duo.csv --to entra=entra.csv")]
    Convert(SeedsConvertArgs),
    /// New seeds from the system's generator
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

    /// QR codes in a PNG or JPEG picture instead
    #[arg(long, value_name = "IMAGE", conflicts_with = "input")]
    pub qr: Option<PathBuf>,

    #[command(flatten)]
    pub file: FileArgs,

    /// Duo's third field is a counter
    #[arg(long)]
    pub hotp: bool,

    /// Also whether this format can carry every row
    #[arg(long = "for", value_name = "FORMAT")]
    pub for_format: Option<String>,

    /// Also whether a token can do what every row states
    #[arg(long)]
    pub for_token: bool,
}

/// What is written, and where to.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// The format to write, and its file; repeatable with files
    #[arg(long, value_name = "FORMAT[=FILE]", required = true)]
    pub to: Vec<String>,

    /// The file of a single --to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Overwrite files
    #[arg(long)]
    pub force: bool,

    /// Write secrets to standard output though it is a terminal
    #[arg(long)]
    pub show_secrets: bool,

    /// Encrypt PSKC under this key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE")]
    pub to_pskc_key: Option<PathBuf>,

    /// Encrypt PSKC under the password in this file
    #[arg(long, value_name = "FILE", conflicts_with = "to_pskc_key")]
    pub to_pskc_password: Option<PathBuf>,

    /// Head Entra's column "timeinterval", as older files have it
    #[arg(long)]
    pub entra_timeinterval: bool,
}

#[derive(Debug, Args)]
pub struct SeedsConvertArgs {
    /// The seed file
    #[arg(value_name = "FILE")]
    pub input: PathBuf,

    #[command(flatten)]
    pub file: FileArgs,

    /// Duo's third field is a counter
    #[arg(long)]
    pub hotp: bool,

    #[command(flatten)]
    pub output: OutputArgs,

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
    #[arg(long, value_name = "FILE")]
    pub serials: Option<PathBuf>,

    /// Serials from A to B
    #[arg(long, value_name = "A..B", conflicts_with = "serials")]
    pub serial_range: Option<String>,

    /// Bytes of a seed: 16 to 63 [default: 20, or 32 for SHA-256]
    #[arg(long, value_name = "N")]
    pub bytes: Option<usize>,

    /// Hash [default: sha1]
    #[arg(long, value_enum)]
    pub hash: Option<HashArg>,

    /// Time step in seconds, 30 or 60 [default: 30]
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
