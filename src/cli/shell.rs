//! `tokentap completions` and `tokentap man`: what packages install beside the program.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Ran;
use super::args::{Cli, ManArgs};
use super::describe::{self};
use super::output::Output;
use crate::job::{Exit, Failure};

/// Writes the completions of a shell to standard output.
///
/// # Errors
/// When they cannot be written.
pub fn completions(shell: Shell) -> Ran {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tokentap", &mut text);
    put(&text)
}

/// Writes the manual page of the program to standard output, or one page a command into a folder.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &ManArgs, output: &Output) -> Ran {
    let command = with_all_help(Cli::command());
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(|error| failed(Path::new("the page"), &error))?;
        return put(&page);
    };
    clap_mangen::generate_to(command, folder).map_err(|error| failed(folder, &error))?;
    output.text(&format!("manual pages are in {}", describe::path(folder)));
    Ok(Exit::Done)
}

/// The same command with nothing left for `--help` alone: a manual page has it all.
fn with_all_help(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| argument.hide_short_help(false));
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_all_help))
}

fn put(text: &[u8]) -> Ran {
    let mut to = std::io::stdout();
    match to.write_all(text).and_then(|()| to.flush()) {
        // A reader that closed the pipe early has what it wanted.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::file(
            format!("the text could not be written to standard output: {error}"),
            "see that the disk has room, and run the same command again",
        )),
        _ => Ok(Exit::Done),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::file(format!("{} cannot be written: {error}", describe::path(path)), "name a folder that is there")
}
