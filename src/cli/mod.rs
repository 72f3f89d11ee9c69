//! The command line: arguments to plan, job, report as text or JSON. One file a command.

mod args;
mod batch;
mod burn;
mod code;
mod config;
mod describe;
mod desk;
mod doctor;
mod emulate;
mod harden;
mod host;
mod info;
mod interrupt;
mod inventory;
mod output;
mod paths;
mod plan;
mod prompt;
mod readers;
mod record;
mod screen;
mod secret;
mod seeds;
mod shell;
mod station;
mod sync;
mod time_arg;
mod trays;
mod verify;
mod writing;

use std::ffi::OsString;

use clap::Parser;

use crate::job::{Exit, Failure};
use crate::seed::wipe_stack;
use args::{Cli, Command};
use output::Output;

/// What a command reports when it has done what it was asked, or has checked and found something wrong.
type Ran = Result<Exit, Failure>;

/// Runs the program with these arguments, the program's name first, and returns its exit code.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> u8 {
    harden::keep_memory_private();
    let exit = parse_and_run(arguments);
    wipe_stack();
    exit
}

/// Not inlined: what it leaves on the stack must lie below its caller's frame to be wiped.
#[inline(never)]
fn parse_and_run(arguments: Vec<OsString>) -> u8 {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, wants_json),
    };
    interrupt::install(cli.global.json);
    let output = Output::new(cli.global.json, cli.command_name());
    let exit = match dispatch(&cli, &output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    };
    if output.is_lost() {
        output::note("the report could not be written to standard output");
        return if exit == Exit::Done { Exit::Fault as u8 } else { exit as u8 };
    }
    exit as u8
}

fn dispatch(cli: &Cli, output: &Output) -> Ran {
    let global = &cli.global;
    match (&cli.command, &cli.time) {
        (Some(_), Some(_)) => {
            Err(Failure::usage("--time stands in front of the command", "write it behind: tokentap sync --time 0"))
        }
        (None, Some(time)) => sync::run(global, &args::SyncArgs::with_time(time), output),
        (None, None) => Err(Failure::usage("no command was given", "tokentap --help lists the commands")),
        (Some(command), None) => match command {
            Command::Readers => readers::run(global, output),
            Command::Info(args) => info::run(global, args, output),
            Command::Sync(args) => sync::run(global, args, output),
            Command::Burn(args) => burn::run(global, args, output),
            Command::Config(args) => config::run(global, args, output),
            Command::Verify(args) => verify::run(args, output),
            Command::Code(args) => code::run(args, output),
            Command::Batch(args) => batch::run(global, args, output),
            Command::Desk(args) => desk::run(global, args, output),
            Command::Inventory(command) => inventory::run(global, command, output),
            Command::Seeds(command) => seeds::run(command, output),
            Command::Doctor(args) => doctor::run(args, output),
            Command::Emulate(args) => emulate::run(args, output),
            Command::Completions { shell } => shell::completions(*shell),
            Command::Man(args) => shell::man(args, output),
        },
    }
}

/// The commands, for the usage error of one.
const COMMANDS: &[&str] = &[
    "readers",
    "info",
    "sync",
    "burn",
    "config",
    "verify",
    "code",
    "batch",
    "desk",
    "seeds",
    "inventory",
    "doctor",
    "emulate",
    "completions",
    "man",
];

/// Help and version as clap has them; usage errors in the form of all others.
fn usage(error: &clap::Error, json: bool) -> u8 {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            return Exit::Done as u8;
        }
        _ => {}
    }
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_fact = |line: &&&str| !["Usage:", "tip:", "For more"].iter().any(|other| line.starts_with(other));
    let fact: Vec<&str> = lines.iter().take_while(is_fact).copied().collect();
    let fact = fact.join(" ");
    let fact = fact.strip_prefix("error: ").unwrap_or(&fact);
    // What stands where no argument belongs may be a secret: it is not repeated.
    let given = error.get(ContextKind::InvalidArg).or_else(|| error.get(ContextKind::InvalidSubcommand));
    let is_stray = matches!(given, Some(ContextValue::String(given)) if !given.starts_with('-'));
    let fact = match error.kind() {
        ErrorKind::UnknownArgument if is_stray => "there is an argument too many",
        ErrorKind::InvalidSubcommand if is_stray => "there is no such command",
        _ => fact,
    };
    let tip = lines.iter().find_map(|line| line.strip_prefix("tip: ")).map(|tip| format!("{tip}; "));
    let usage = lines.iter().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("tokentap");
    let command: Vec<&str> = usage.split(' ').take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect();
    let next = format!("{}see {} --help", tip.unwrap_or_default(), command.join(" "));
    let failure = Failure::usage(fact, next);
    let named = command.last().and_then(|word| COMMANDS.iter().find(|known| *known == word));
    Output::new(json, named.unwrap_or(&"tokentap")).failure(&failure);
    Exit::Usage as u8
}
