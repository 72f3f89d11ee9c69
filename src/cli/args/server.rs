//! Arguments of the commands that speak to authentication servers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::server::ServerKind;

#[derive(Debug, Subcommand)]
pub enum ServerCommand {
    /// Make a server known, or change what is known of it
    #[command(before_help = "Example: tokentap server add duo --kind duo --account NAME --url https://HOST")]
    Add(ServerAddArgs),
    /// Sign in, and show what the account may do and how the clocks differ
    #[command(before_help = "Example: tokentap server check pi --identity key.txt")]
    Check(ServerArgs),
    /// List the servers
    #[command(before_help = "Example: tokentap server list")]
    List,
    /// Forget a server; nothing is changed there
    #[command(before_help = "Example: tokentap server remove pi")]
    Remove(ServerRemoveArgs),
    /// Confirm that a server that has moved is the right one, for this user
    #[command(before_help = "Example: tokentap server confirm pi")]
    Confirm(ServerConfirmArgs),
    /// Resynchronise a token at a server with codes from its display
    #[command(before_help = "Example: tokentap server resync duo 2300067890123 123456 234567 345678")]
    Resync(ServerResyncArgs),
    /// Record that a server was mended by hand, so nobody is asked again
    #[command(before_help = "Example: tokentap server mended entra 86596120001234")]
    Mended(ServerMendedArgs),
    /// Read how far a server believes clocks to be off, for the forecast
    #[command(before_help = "Example: tokentap server pull pi --identity key.txt")]
    Pull(ServerArgs),
    /// List where the record and a server disagree; nothing is changed
    #[command(before_help = "Example: tokentap server compare pi --identity key.txt")]
    Compare(ServerArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KindArg {
    #[value(name = "privacyidea")]
    PrivacyIdea,
    Duo,
    Entra,
}

impl From<KindArg> for ServerKind {
    fn from(arg: KindArg) -> Self {
        match arg {
            KindArg::PrivacyIdea => Self::PrivacyIdea,
            KindArg::Duo => Self::Duo,
            KindArg::Entra => Self::Entra,
        }
    }
}

#[derive(Debug, Args)]
pub struct ServerAddArgs {
    /// The name that it gets here: letters, digits, hyphens
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The kind of server
    #[arg(long, value_enum, ignore_case = true, value_name = "KIND")]
    pub kind: KindArg,

    /// Its address [default for entra: Microsoft's]
    #[arg(long, value_name = "URL", required_if_eq_any = [("kind", "privacyidea"), ("kind", "duo")])]
    pub url: Option<String>,

    /// An administrator, Duo's integration key, or the client's id
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,

    /// Entra ID: the tenant, by its domain or id
    #[arg(long, value_name = "TENANT", required_if_eq("kind", "entra"))]
    pub tenant: Option<String>,

    /// privacyIDEA: the realm of the tokens' users
    #[arg(long, value_name = "REALM", hide_short_help = true)]
    pub realm: Option<String>,

    /// The password or secret key, in a file; without it, it is asked for
    #[arg(long, value_name = "FILE", group = "credential")]
    pub credential_file: Option<PathBuf>,

    /// The same from standard input
    #[arg(long, group = "credential")]
    pub credential_stdin: bool,

    /// Do not seal the credential in the inventory: read its file each time
    #[arg(long, requires = "credential_file", hide_short_help = true)]
    pub leave_in_file: bool,

    /// systemd hands the credential over, as tokentap-server-NAME
    #[arg(long, group = "credential", hide_short_help = true)]
    pub credential_systemd: bool,

    /// Entra ID: a person signs in at its page each time
    #[arg(long, group = "credential", hide_short_help = true)]
    pub by_person: bool,

    /// The authorities of the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub ca: Option<PathBuf>,

    /// Entra ID: where accounts sign in [default: Microsoft's]
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub sign_in_url: Option<String>,

    /// This is the same server that tokens went to under this name
    ///
    /// For a server that has moved with its tokens to another address, tenant or integration key, that was removed from the inventory, or
    /// whose record cannot be read.
    #[arg(long, hide_short_help = true)]
    pub same_server: bool,
}

/// A server, and what opens its credential.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's name
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The age identity that opens the credential, and sealed seeds
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ServerRemoveArgs {
    /// The server's name
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct ServerConfirmArgs {
    /// The server's name
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ServerMendedArgs {
    /// The server's name
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The token: its serial, its last four digits, or its user
    #[arg(value_name = "SERIAL")]
    pub token: String,
}

#[derive(Debug, Args)]
pub struct ServerResyncArgs {
    #[command(flatten)]
    pub server: ServerArgs,

    /// The token: its serial, its last four digits, or its user
    #[arg(value_name = "SERIAL")]
    pub token: String,

    /// Codes that follow each other: three for Duo, two for privacyIDEA
    #[arg(value_name = "CODE", num_args = 2..=3, required = true)]
    pub codes: Vec<String>,
}

#[derive(Debug, Args)]
pub struct HandOverArgs {
    #[command(flatten)]
    pub server: ServerArgs,

    /// The tokens that this batch has burned
    #[arg(long, value_name = "BATCH", group = "which")]
    pub batch: Option<i64>,

    /// This token: its serial, its last four digits, or its user; repeatable
    #[arg(long, value_name = "SERIAL", group = "which")]
    pub serial: Vec<String>,

    /// All tokens that were burned and are not there yet
    #[arg(long, group = "which")]
    pub all: bool,

    /// Replace the seed that the server has of the same serial
    #[arg(long)]
    pub replace: bool,

    /// Hand the tokens over without users
    #[arg(long)]
    pub unassigned: bool,

    /// Also tokens that were removed or unassigned at the server
    #[arg(long, hide_short_help = true)]
    pub again: bool,

    /// If some cannot be handed over, hand over the others
    #[arg(long)]
    pub skip_problems: bool,
}

/// What becomes of a server that may have followed a clock.
#[derive(Debug, Default, Args)]
pub struct MendArgs {
    /// Make this server accept the codes again; repeatable
    ///
    /// For a server that follows drift and expects the old clock.
    #[arg(long, value_name = "SERVER")]
    pub mend: Vec<String>,

    /// Enrol the same seed again at the server, where codes do not help
    #[arg(long, requires = "mend", hide_short_help = true)]
    pub re_enrol: bool,
}
