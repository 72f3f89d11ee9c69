//! The flags that stand for every command, and the commands that have a use for them. One that does nothing where it was typed is
//! refused: who types it believes that it does something.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// The flags that may not be typed for a command, with the names that clap knows them by. What the environment says is for those
/// commands that have a use for it.
fn without_use(command: &[&str]) -> Vec<&'static str> {
    let of_tokens = of_tokens(command);
    // Where no inventory is used, no database is.
    let of_databases: &[&str] = if of_tokens.contains(&"inventory") { &["db_ca", "db_plaintext"] } else { &[] };
    [of_tokens, of_databases].concat()
}

/// Those that are no database's.
fn of_tokens(command: &[&str]) -> &'static [&'static str] {
    match command {
        ["info" | "selftest"] => &["dry_run"],
        ["inventory", "assign" | "unassign" | "forget" | "import" | "export" | "init"] => {
            &["reader", "expect_serial", "wait", "verbose", "trace"]
        }
        ["server", "add" | "remove" | "resync" | "mended"] => {
            &["reader", "expect_serial", "wait", "verbose", "trace", "dry_run"]
        }
        ["server", ..] => &["reader", "expect_serial", "wait", "verbose", "trace", "dry_run", "remark"],
        ["hand-over"] => &["reader", "expect_serial", "wait", "verbose", "trace"],
        ["sync" | "burn" | "config"] => &[],
        ["verify"] => &["dry_run"],
        ["code"] => &["dry_run", "remark"],
        // Those of one token are refused there, with what to do instead.
        ["batch" | "desk"] => &["verbose"],
        ["web"] => &["expect_serial", "wait", "dry_run", "verbose", "trace", "json"],
        ["inventory", "serve-init" | "join"] => {
            &["reader", "expect_serial", "wait", "verbose", "trace", "dry_run", "remark"]
        }
        ["inventory", "copy" | "prune"] => &["reader", "expect_serial", "wait", "verbose", "trace", "dry_run"],
        ["inventory", ..] => &["reader", "expect_serial", "wait", "verbose", "trace", "remark"],
        ["emulate"] | ["seeds", ..] => &["reader", "inventory", "expect_serial", "wait", "verbose", "trace", "remark"],
        ["readers" | "doctor"] => {
            &["reader", "inventory", "expect_serial", "wait", "dry_run", "verbose", "trace", "remark"]
        }
        ["completions" | "man"] => {
            &["reader", "inventory", "expect_serial", "wait", "dry_run", "verbose", "trace", "remark", "json"]
        }
        _ => &[],
    }
}

/// Whether one of these flags was typed, and not set by the environment.
pub fn is_typed(matches: &ArgMatches, flags: &[&str]) -> bool {
    let mut leaf = matches;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    flags.iter().any(|flag| leaf.value_source(flag) == Some(ValueSource::CommandLine))
}

/// Whether every flag that was typed has a use for the command that was typed.
///
/// # Errors
/// A usage error that names the flag.
pub fn check(matches: &ArgMatches, root: &mut Command) -> Result<(), clap::Error> {
    let mut names = Vec::new();
    let mut leaf = matches;
    while let Some((name, below)) = leaf.subcommand() {
        names.push(name);
        leaf = below;
    }
    let is_typed = |flag: &&str| leaf.value_source(flag) == Some(ValueSource::CommandLine);
    let Some(flag) = without_use(&names).into_iter().find(is_typed) else { return Ok(()) };
    root.build();
    let mut command = &mut *root;
    for name in &names {
        command = match command.find_subcommand_mut(name) {
            Some(command) => command,
            None => return Ok(()),
        };
    }
    let mut error = clap::Error::new(ErrorKind::ArgumentConflict).with_cmd(command);
    error.insert(ContextKind::InvalidArg, ContextValue::String(format!("--{}", flag.replace('_', "-"))));
    error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    error.insert(ContextKind::Custom, ContextValue::String(names.join(" ")));
    Err(error)
}
