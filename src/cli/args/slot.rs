//! Arguments of what is done with a slot or a whole device beside burning.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::common::SlotArgs;
use super::write::yes_or_no;

#[derive(Debug, Subcommand)]
pub enum SlotCommand {
    /// Take the seed out of a slot
    #[command(before_help = "Example: tokentap slot clear --slot 3")]
    Clear(SlotClearArgs),
    /// Write the title of a slot of a Molto2
    #[command(before_help = "Example: tokentap slot title --slot 3 GitHub")]
    Title(SlotTitleArgs),
    /// Set how a FIDO2 key types the codes of its HOTP slot
    #[command(before_help = "Example: tokentap slot options --enter no")]
    Options(SlotOptionsArgs),
}

#[derive(Debug, Args)]
pub struct SlotClearArgs {
    #[command(flatten)]
    pub slot: SlotArgs,

    /// The HOTP slot of a FIDO2 key
    #[arg(long, conflicts_with_all = ["slot", "customer_key"])]
    pub hotp: bool,

    /// The age identity that opens the customer key that the inventory keeps
    #[arg(long, value_name = "FILE", conflicts_with = "hotp")]
    pub identity: Option<PathBuf>,

    /// Do not ask: accept the loss of the seed
    #[arg(long)]
    pub erase_seed: bool,

    /// Try the key even if the device is on record as having refused it
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,
}

#[derive(Debug, Args)]
pub struct SlotTitleArgs {
    /// The title: 1 to 12 bytes; letters beyond ASCII take two or more
    #[arg(value_name = "TITLE")]
    pub title: String,

    #[command(flatten)]
    pub slot: SlotArgs,

    /// The age identity that opens the customer key that the inventory keeps
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Try the key even if the device is on record as having refused it
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,
}

#[derive(Debug, Args)]
pub struct SlotOptionsArgs {
    /// Press Enter after a code
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub enter: Option<bool>,

    /// The touch that types a code
    #[arg(long, value_name = "short|long", value_parser = ["short", "long"])]
    pub touch: Option<String>,

    /// The keys that are pressed: the row of digits, or the number pad
    #[arg(long, value_name = "row|pad", value_parser = ["row", "pad"])]
    pub keys: Option<String>,

    /// Switch the key's keyboard on or off; while it is off, the key types nothing
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    pub keyboard: Option<bool>,
}

/// A device with a customer key.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// The customer key, if it is not the factory's: a text file, the vendor's Molto2Cfg.ini, or - to be asked
    #[arg(long, value_name = "FILE")]
    pub customer_key: Option<PathBuf>,

    /// The age identity that opens the customer key that the inventory keeps
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Try the key even if the device is on record as having refused it
    #[arg(long, hide_short_help = true)]
    pub try_again: bool,
}

#[derive(Debug, Subcommand)]
pub enum CustomerKeyCommand {
    /// Give a Molto2 another customer key
    #[command(before_help = "Example: tokentap customer-key set --new-key key.txt")]
    Set(CustomerKeySetArgs),
    /// See whether a customer key is that of the Molto2: one attempt
    #[command(before_help = "Example: tokentap customer-key check --customer-key key.txt")]
    Check(DeviceArgs),
    /// Write the customer key that the inventory keeps of a Molto2 to a file
    #[command(
        before_help = "Example: tokentap customer-key export 826658719844 --identity i.age --out k.txt",
        override_usage = "tokentap customer-key export --identity <FILE> --out <FILE> <SERIAL>"
    )]
    Export(CustomerKeyExportArgs),
}

#[derive(Debug, Args)]
pub struct CustomerKeyExportArgs {
    /// The device's serial
    #[arg(value_name = "SERIAL")]
    pub serial: String,

    /// The age identity that opens it
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,

    /// The file, which must not exist yet; only its owner can read it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct CustomerKeySetArgs {
    /// The new customer key: a text file, or - to be asked
    #[arg(long, value_name = "FILE")]
    pub new_key: PathBuf,

    /// Do not ask: the new key is kept where it will be found again
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub device: DeviceArgs,
}

#[derive(Debug, Args)]
pub struct FactoryResetArgs {
    /// Do not ask: accept the loss of every seed on the device
    #[arg(long)]
    pub erase_all: bool,
}
