//! The command line: arguments to plan, job, report as text or JSON. One file a command.

mod args;
mod batch;
mod burn;
mod burned;
#[cfg(windows)]
mod closing;
mod code;
mod config;
mod counted;
mod customer_key;
mod describe;
mod desk;
mod device;
mod doctor;
mod emulate;
mod emulated_device;
mod factory_reset;
#[cfg(feature = "servers")]
mod hand_over;
mod harden;
mod host;
mod info;
mod input;
mod interrupt;
mod inventory;
#[cfg(feature = "servers")]
mod mending;
mod new_seed;
mod output;
mod panics;
mod prompt;
mod readers;
mod record;
mod rows;
mod screen;
mod secret;
mod seed_of;
mod seeds;
mod selftest;
#[cfg(feature = "servers")]
mod server;
mod settings;
mod shell;
mod slot;
mod slot_batch;
mod slots;
mod station;
mod store;
mod sync;
mod terminal;
mod time_arg;
mod trays;
mod unused;
mod usage;
mod verify;
#[cfg(feature = "web")]
mod web;
mod who;
mod writing;

use std::ffi::OsString;
use std::io::Write;

use crate::job::{Exit, Failure};
use crate::seed::wipe_stack;
use args::{Cli, Command};
use output::Output;

/// The result of a command that has done as it was asked, or has checked and found something wrong.
type Ran = Result<Exit, Failure>;

/// Runs the program with these arguments, the program's name first, and returns its exit code.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> u8 {
    harden::keep_memory_private();
    if arguments.get(1).is_some_and(|argument| argument == crate::seedfile::picture_process::CHILD) {
        return crate::seedfile::picture_process::look();
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let exit = panics::caught(json, || parse_and_run(arguments, json));
    wipe_stack();
    exit
}

/// Not inlined: what it leaves on the stack must lie below its caller's frame to be wiped.
#[inline(never)]
fn parse_and_run(arguments: Vec<OsString>, json: bool) -> u8 {
    let cli = match Cli::read(&arguments).or_else(|error| as_sync(arguments.clone()).unwrap_or(Err(error))) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error, &arguments, json),
    };
    let json = cli.global.json;
    interrupt::install(move |failure| {
        if !json {
            // Behind the ^C that the terminal shows.
            let _ = writeln!(std::io::stderr());
        }
        Output::new(json, "tokentap").failure(failure);
    });
    let output = Output::new(cli.global.json, cli.command_name());
    let exit = match dispatch(&cli, &output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit()
        }
    };
    if let Some(waiting) = store::waiting(&cli.global) {
        output.note(&waiting);
    }
    if output.is_lost() {
        output::note("the report could not be written to standard output");
        return match exit {
            // The terminal is gone: that the work is done is on record.
            Exit::Done if interrupt::asked() => Exit::Interrupted as u8,
            Exit::Done => Exit::Fault as u8,
            exit => exit as u8,
        };
    }
    exit as u8
}

/// `tokentap --time 0` takes all of sync's flags: what cannot be read without a command is read as sync.
fn as_sync(mut arguments: Vec<OsString>) -> Option<Result<Cli, clap::Error>> {
    let is_time =
        |argument: &OsString| argument.to_str().is_some_and(|text| text == "--time" || text.starts_with("--time="));
    let has_command = arguments.iter().any(|argument| argument.to_str().is_some_and(usage::is_command));
    if has_command || !arguments.iter().any(is_time) {
        return None;
    }
    arguments.insert(1, "sync".into());
    Some(Cli::read(&arguments))
}

/// The failure of a command that writes, but to no token, and so has nothing to show beforehand.
fn no_dry_run() -> Failure {
    Failure::usage("--dry-run shows what would be done to a token, and this is no such command", "remove --dry-run")
}

fn dispatch(cli: &Cli, output: &Output) -> Ran {
    let global = &cli.global;
    match (&cli.command, &cli.time) {
        (Some(_), Some(_)) => Err(Failure::usage("--time must come after the command", "tokentap sync --time 0")),
        (None, Some(time)) => sync::run(global, &args::SyncArgs::with_time(time), output),
        (None, None) => Err(Failure::usage("no command was given", "tokentap --help lists the commands")),
        (Some(command), None) => match command {
            Command::Readers => readers::run(global, output),
            Command::Info(args) => info::run(global, args, output),
            Command::Sync(args) => sync::run(global, args, output),
            Command::Burn(args) => burn::run(global, args, output),
            Command::Config(args) => config::run(global, args, output),
            Command::Slot(command) => slot::run(global, command, output),
            Command::Lock(args) => device::lock_screen(global, true, args, output),
            Command::Unlock(args) => device::lock_screen(global, false, args, output),
            Command::CustomerKey(command) => customer_key::run(global, command, output),
            Command::FactoryReset(args) => factory_reset::run(global, args, output),
            Command::Verify(args) => verify::run(global, args, output),
            Command::Code(args) => code::run(global, args, output),
            Command::Batch(args) if args.slots => slot_batch::run(global, args, output),
            Command::Batch(args) => batch::run(global, args, output),
            Command::Desk(args) => desk::run(global, args, output),
            #[cfg(feature = "web")]
            Command::Web(args) => web::run(global, args, output),
            Command::Inventory(command) => inventory::run(global, command, output),
            Command::Seeds(command) => seeds::run(global, command, output),
            #[cfg(feature = "servers")]
            Command::Server(command) => server::run(global, command, output),
            #[cfg(feature = "servers")]
            Command::HandOver(args) => hand_over::run(global, args, output),
            Command::Doctor(args) => doctor::run(global, args, output),
            Command::Selftest(args) => selftest::run(global, args, output),
            Command::Emulate(_) if global.dry_run => Err(no_dry_run()),
            Command::Emulate(args) => emulate::run(args, output),
            Command::Completions { shell } => shell::completions(*shell),
            Command::Man(args) => shell::man(args, output),
        },
    }
}
