//! The arguments, as clap reads them. What they mean is checked where they are used.

mod applies;
mod check;
mod common;
mod emulate;
mod forecast;
mod inventory;
mod run;
mod seeds;
#[cfg(feature = "servers")]
mod server;
mod slot;
mod write;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::seedfile::check_text;
pub use check::{CodeArgs, DoctorArgs, InfoArgs, SelftestArgs, VerifyArgs};
pub use common::{
    ChoiceArgs, ClockArgs, FileArgs, HashArg, HostArgs, ProfileArgs, SeedArgs, SlotArgs, SlotSettingArgs,
    WholeFileArgs, WriteArgs,
};
pub use emulate::EmulateArgs;
pub use forecast::{ForecastArgs, ShowArgs};
use inventory::SELDOM;
pub use inventory::{
    AssignArgs, BackupArgs, BatchesArgs, CheckArgs, CopyArgs, EventsArgs, ExportArgs, ForgetArgs, ImportArgs, InitArgs,
    InventoryCommand, ListArgs, SeedKind, TokensArgs, UnassignArgs,
};
#[cfg(feature = "postgres")]
pub use inventory::{JoinArgs, PruneArgs, ServeInitArgs};
#[cfg(feature = "web")]
pub use run::WebArgs;
pub use run::{BatchArgs, DeskArgs};
pub use seeds::{
    EncodeArgs, OutputArgs, SeedsCheckArgs, SeedsCommand, SeedsConvertArgs, SeedsGenerateArgs, SeedsQrArgs, SuiteArg,
};
#[cfg(feature = "servers")]
pub use server::{
    HandOverArgs, MendArgs, ServerAddArgs, ServerCommand, ServerConfirmArgs, ServerMendedArgs, ServerRemoveArgs,
    ServerResyncArgs,
};
pub use slot::{
    CustomerKeyCommand, CustomerKeyExportArgs, CustomerKeySetArgs, DeviceArgs, FactoryResetArgs, SlotClearArgs,
    SlotCommand, SlotOptionsArgs, SlotTitleArgs,
};
pub use write::{BurnArgs, ConfigArgs, SyncArgs};

/// The commands for a Molto2 as a whole.
const OF_A_MOLTO2: [&str; 4] = ["lock", "unlock", "customer-key", "factory-reset"];

/// Tap a token on the reader: seed burned, clock set, code checked.
#[derive(Debug, Parser)]
#[command(
    name = "tokentap",
    // Usage errors name the help by it, and the name of the file ends in .exe on Windows.
    bin_name = "tokentap",
    version,
    before_help = "Example: tokentap sync",
    after_long_help = "Examples:\n  tokentap info               show the token on the reader and its drift\n  \
                  tokentap sync               set the clock to the host's\n  \
                  tokentap burn               write seed, profile and clock; asks for the seed\n  \
                  tokentap desk               set the clock of every token that you lay on a reader\n  \
                  tokentap --time 0           the same as tokentap sync --time 0"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,

    /// Without a command: set the clock to TIME; 0 is now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub time: Option<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads arguments, the program's name first.
    ///
    /// # Errors
    /// Usage errors, help and version; a flag that has no use for the command among them.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command =
            if arguments.iter().any(|argument| argument == "-h") { Self::brief() } else { Self::command() };
        let matches = command.try_get_matches_from_mut(arguments)?;
        applies::check(&matches, &mut command)?;
        let mut read = Self::from_arg_matches(&matches)?;
        read.global.reads_token = applies::is_typed(&matches, &["reader", "wait", "trace"]);
        Ok(read)
    }

    /// The command line for short help: the commands that few need are only named there, so that it fits a screen.
    pub fn brief() -> clap::Command {
        let mut all = Self::command().after_help(format!("For a Molto2 as a whole: {}", OF_A_MOLTO2.join(", ")));
        for name in OF_A_MOLTO2 {
            all = all.mut_subcommand(name, |one| one.hide(true));
        }
        all.mut_subcommand("inventory", |mut inventory| {
            for name in SELDOM.into_iter().chain(["unassign"]) {
                if inventory.find_subcommand(name).is_some() {
                    inventory = inventory.mut_subcommand(name, |one| one.hide(true));
                }
            }
            inventory.about(format!("Look up and edit the record; also: {}", SELDOM.join(", ")))
        })
    }

    /// The command's name, as JSON has it.
    pub fn command_name(&self) -> &'static str {
        match &self.command {
            None => "sync",
            Some(Command::Readers) => "readers",
            Some(Command::Info(_)) => "info",
            Some(Command::Sync(_)) => "sync",
            Some(Command::Burn(_)) => "burn",
            Some(Command::Config(_)) => "config",
            Some(Command::Slot(_)) => "slot",
            Some(Command::Lock(_)) => "lock",
            Some(Command::Unlock(_)) => "unlock",
            Some(Command::CustomerKey(_)) => "customer-key",
            Some(Command::FactoryReset(_)) => "factory-reset",
            Some(Command::Verify(_)) => "verify",
            Some(Command::Code(_)) => "code",
            Some(Command::Batch(_)) => "batch",
            Some(Command::Desk(_)) => "desk",
            #[cfg(feature = "web")]
            Some(Command::Web(_)) => "web",
            Some(Command::Inventory(_)) => "inventory",
            Some(Command::Seeds(_)) => "seeds",
            #[cfg(feature = "servers")]
            Some(Command::Server(_)) => "server",
            #[cfg(feature = "servers")]
            Some(Command::HandOver(_)) => "hand-over",
            Some(Command::Doctor(_)) => "doctor",
            Some(Command::Selftest(_)) => "selftest",
            Some(Command::Emulate(_)) => "emulate",
            Some(Command::Completions { .. }) => "completions",
            Some(Command::Man(_)) => "man",
        }
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// The reader: its name, a part of it, or its number
    ///
    /// Use "emulated" or "emulated:FILE" for an emulated token. Without the flag: TOKENTAP_READER.
    #[arg(long, global = true, env = "TOKENTAP_READER", value_name = "READER", hide_env = true)]
    pub reader: Option<String>,

    /// The inventory's file, its database, or none [default: a file in the user's data folder]
    ///
    /// A database: postgres://USER@HOST/NAME, with the password in the file of PGPASSFILE. Without the flag: TOKENTAP_INVENTORY.
    #[arg(
        long,
        global = true,
        env = "TOKENTAP_INVENTORY",
        value_name = "FILE|postgres://…|none",
        value_parser = OsStringValueParser::new().map(PathBuf::from),
        hide_env = true,
        hide_short_help = true
    )]
    pub inventory: Option<PathBuf>,

    /// The authorities of the database's certificate [default: the system's]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub db_ca: Option<PathBuf>,

    /// Speak to a database on another computer in plain text
    #[arg(long, global = true, hide_short_help = true)]
    pub db_plaintext: bool,

    /// Only go on if the token has this serial
    #[arg(long, global = true, value_name = "SERIAL", hide_short_help = true)]
    pub expect_serial: Option<String>,

    /// Report as one JSON object
    #[arg(long, global = true, hide_short_help = true)]
    pub json: bool,

    /// How long to wait for a token [default: 30 on a terminal, else 0; batch and desk wait indefinitely]
    ///
    /// Without the flag: TOKENTAP_WAIT.
    #[arg(long, global = true, env = "TOKENTAP_WAIT", value_name = "SECONDS", hide_env = true, hide_short_help = true)]
    pub wait: Option<String>,

    /// Read the token and show what would be done; write nothing
    #[arg(long, global = true, hide_short_help = true)]
    pub dry_run: bool,

    /// A remark for the record, such as a ticket's number
    #[arg(long, global = true, value_name = "TEXT", value_parser = remark, hide_short_help = true)]
    pub remark: Option<String>,

    /// Print more details to standard error
    #[arg(short, long, global = true, hide_short_help = true)]
    pub verbose: bool,

    /// Show headers, lengths and status words of all APDUs
    #[arg(long, global = true, hide_short_help = true)]
    pub trace: bool,

    /// A flag was typed that says how a token is read: one is meant to be, also where a seed alone would do.
    #[arg(skip)]
    pub reads_token: bool,
}

/// The longest remark, in characters.
const LONGEST_REMARK: usize = 200;

fn remark(text: &str) -> Result<String, String> {
    let text = text.trim();
    check_text(text)?;
    match text.chars().count() {
        1..=LONGEST_REMARK => Ok(text.to_owned()),
        count => Err(format!("a remark has 1 to {LONGEST_REMARK} characters, not {count}")),
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the readers, what is on each, and any problems
    #[command(before_help = "Example: tokentap readers")]
    Readers,
    /// Show a token's serial, model, clock and drift
    #[command(before_help = "Example: tokentap info --precise")]
    Info(InfoArgs),
    /// Set a token's clock to the host's clock
    #[command(before_help = "Example: tokentap sync")]
    Sync(SyncArgs),
    /// Burn (write) seed, profile and clock, then check the code
    #[command(before_help = "Example: tokentap burn --seed-file seed.txt")]
    Burn(BurnArgs),
    /// Set the profile (hash, time step, display time) and the clock
    #[command(before_help = "Example: tokentap config --step 60")]
    Config(ConfigArgs),
    /// Clear or title a slot of a Molto2; set how a FIDO2 key types
    #[command(subcommand, before_help = "Example: tokentap slot clear --slot 3")]
    Slot(SlotCommand),
    /// Lock the screen of a Molto2
    #[command(before_help = "Example: tokentap lock")]
    Lock(DeviceArgs),
    /// Unlock the screen of a Molto2
    #[command(before_help = "Example: tokentap unlock")]
    Unlock(DeviceArgs),
    /// Set or check the customer key of a Molto2
    #[command(subcommand, before_help = "Example: tokentap customer-key set --new-key key.txt")]
    CustomerKey(CustomerKeyCommand),
    /// Erase everything on a Molto2, its customer key too
    #[command(before_help = "Example: tokentap factory-reset")]
    FactoryReset(FactoryResetArgs),
    /// Check a code from the display: right, drifted or wrong
    #[command(before_help = "Example: tokentap verify 123456 --seed-file seed.txt")]
    Verify(VerifyArgs),
    /// Show a seed's codes, now or at another time
    #[command(before_help = "Example: tokentap code --seed-file seed.txt")]
    Code(CodeArgs),
    /// Burn many tokens, from a seed file or with new seeds
    #[command(before_help = "Example: tokentap batch tokens.csv --to duo=duo.csv --drop user")]
    Batch(BatchArgs),
    /// Identify, measure, sync and record every token on a reader
    #[command(before_help = "Example: tokentap desk")]
    Desk(DeskArgs),
    /// Open the desk as a page in the browser
    #[cfg(feature = "web")]
    #[command(before_help = "Example: tokentap web")]
    Web(WebArgs),
    /// Check, convert and generate seed files; make QR codes
    #[command(
        subcommand,
        disable_help_subcommand = true,
        before_help = "Example: tokentap seeds convert tokens.csv --to duo --out duo.csv"
    )]
    Seeds(SeedsCommand),
    /// Look up and edit the record: tokens, events, batches, seeds
    #[command(
        subcommand,
        disable_help_subcommand = true,
        before_help = "Example: tokentap inventory show 86596120001234"
    )]
    Inventory(InventoryCommand),
    /// Make authentication servers known, and see what they have
    #[cfg(feature = "servers")]
    #[command(
        subcommand,
        disable_help_subcommand = true,
        before_help = "Example: tokentap server check pi --identity key.txt"
    )]
    Server(ServerCommand),
    /// Hand burned seeds to a server, and to their users
    #[cfg(feature = "servers")]
    #[command(before_help = "Example: tokentap hand-over pi --batch 3 --identity key.txt")]
    HandOver(HandOverArgs),
    /// Check the service, readers, permissions and the host's clock
    #[command(before_help = "Example: tokentap doctor")]
    Doctor(DoctorArgs),
    /// Find out what a spare token does, for a report to hand on
    #[command(before_help = "Example: tokentap selftest --read-only")]
    Selftest(SelftestArgs),
    /// Emulate a token on pcscd's virtual reader
    #[command(before_help = "Example: tokentap emulate --drift -97.25")]
    Emulate(EmulateArgs),
    /// Print a shell's completions for commands and flags
    #[command(before_help = "Example: tokentap completions bash > /etc/bash_completion.d/tokentap")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(before_help = "Example: tokentap man | man -l -")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page per command into this folder, instead of printing the main page
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}
