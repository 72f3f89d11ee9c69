//! Usage errors, in the form of all others. What an argument was given is never repeated: it may be a secret, put where the
//! name of a file or nothing at all belongs.

use std::ffi::OsString;
use std::io::Write;
use std::num::ParseIntError;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use super::output::Output;
use crate::job::{Exit, Failure};

/// The commands, for the usage error of one.
const COMMANDS: &[&str] = &[
    "readers",
    "info",
    "sync",
    "burn",
    "config",
    "slot",
    "lock",
    "unlock",
    "customer-key",
    "factory-reset",
    "verify",
    "code",
    "batch",
    "desk",
    "web",
    "seeds",
    "inventory",
    "server",
    "hand-over",
    "doctor",
    "selftest",
    "emulate",
    "completions",
    "man",
];

/// Whether a word is a command.
pub fn is_command(word: &str) -> bool {
    COMMANDS.contains(&word)
}

/// The longest flag that is repeated in a message: no secret is so short, and none has only small letters and hyphens.
const MAX_FLAG: usize = 24;

/// The longest word that is repeated as a command that does not exist, if it has only small letters.
const MAX_WORD: usize = 10;

/// Help and version as clap has them; usage errors in the form of all others.
pub fn report(error: &clap::Error, arguments: &[OsString], json: bool) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return if error.print().is_ok() { Exit::Done as u8 } else { Exit::Fault as u8 };
        }
        _ => {}
    }
    let command = command_of(error, arguments);
    let is_group =
        matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    if let Some(help) = help_of(&command).filter(|_| is_group && !json) {
        let printed = write!(std::io::stdout(), "{help}").and_then(|()| std::io::stdout().flush());
        return if printed.is_ok() { Exit::Done as u8 } else { Exit::Fault as u8 };
    }
    let next = match tip(error) {
        Some(tip) => format!("{tip}; see {command} --help"),
        None => format!("see {command} --help"),
    };
    let named = command.rsplit(' ').find_map(|word| COMMANDS.iter().find(|known| **known == word));
    Output::new(json, named.unwrap_or(&"tokentap")).failure(&Failure::usage(fact(error), next));
    Exit::Usage as u8
}

/// The help of a group of commands: what somebody gets who types the group's name alone.
fn help_of(command: &str) -> Option<clap::builder::StyledStr> {
    let mut tokentap = Cli::brief();
    tokentap.build();
    let group = command.strip_prefix("tokentap ")?;
    Some(tokentap.find_subcommand_mut(group)?.render_help())
}

/// The fault, without the value that was entered.
fn fact(error: &clap::Error) -> String {
    let argument = given_argument(error);
    match error.kind() {
        ErrorKind::UnknownArgument => match argument {
            Some(flag) => format!("unknown flag: {flag}"),
            None => "unexpected argument; its text is not repeated here".to_owned(),
        },
        ErrorKind::InvalidSubcommand => match strings(error, ContextKind::InvalidSubcommand).first() {
            Some(word) if word.len() <= MAX_WORD && word.chars().all(|c| c.is_ascii_lowercase()) => {
                format!("unknown command: {word}")
            }
            _ => "unknown command; its text is not repeated here".to_owned(),
        },
        ErrorKind::InvalidValue => {
            let values = strings(error, ContextKind::ValidValue);
            match (argument, values.is_empty()) {
                (Some(flag), true) => format!("{flag} needs a value"),
                (Some(flag), false) => format!("the value of {flag} must be one of {}", values.join(", ")),
                (None, true) => "an argument needs a value".to_owned(),
                (None, false) => format!("the argument must be one of {}", values.join(", ")),
            }
        }
        ErrorKind::ValueValidation => {
            let why = match std::error::Error::source(error) {
                Some(source) if source.is::<ParseIntError>() => ": it is no whole number, or too large".to_owned(),
                Some(source) => format!(": {source}"),
                None => String::new(),
            };
            format!("the value of {} cannot be used{why}", argument.unwrap_or_else(|| "an argument".to_owned()))
        }
        ErrorKind::TooManyValues => {
            format!("{} takes no value", argument.unwrap_or_else(|| "this flag".to_owned()))
        }
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            format!("{} needs a value", argument.unwrap_or_else(|| "an argument".to_owned()))
        }
        ErrorKind::ArgumentConflict => {
            let others = strings(error, ContextKind::PriorArg);
            let one = argument.unwrap_or_else(|| "this argument".to_owned());
            match others.as_slice() {
                [] if error.get(ContextKind::Custom).is_some() => format!("{one} does nothing with this command"),
                [] => format!("{one} cannot be used with the other arguments"),
                [other] if *other == one => format!("{one} can be used once only"),
                others => format!("{one} cannot be used with {}", others.join(", ")),
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error, ContextKind::InvalidArg);
            format!("missing: {}", missing.join(", "))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "no command was given".to_owned()
        }
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => "the arguments cannot be used together".to_owned(),
    }
}

/// A word that was probably meant. It is one of the program's own.
fn tip(error: &clap::Error) -> Option<String> {
    // Another value is never guessed: a hash that was not meant stops a token's codes.
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    // The likeliest of several is the last one.
    let suggested = kinds.into_iter().find_map(|kind| strings(error, kind).pop())?;
    Some(format!("perhaps you meant {suggested}"))
}

/// The command whose help tells more: the words that the usage line begins with or, where the error has none, those of the
/// arguments that are commands.
fn command_of(error: &clap::Error, arguments: &[OsString]) -> String {
    let text = error.to_string();
    let Some(usage) = text.lines().find_map(|line| line.trim().strip_prefix("Usage: ")) else {
        return command_in(arguments);
    };
    let is_name = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    let words = usage.split(' ').take_while(is_name);
    let words = words.collect::<Vec<_>>();
    if words.is_empty() { "tokentap".to_owned() } else { words.join(" ") }
}

/// The command that these arguments name.
fn command_in(arguments: &[OsString]) -> String {
    let tokentap = Cli::brief();
    let mut command = &tokentap;
    let mut words = vec!["tokentap"];
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(found) = command.get_subcommands().find(|known| known.get_name() == argument) {
            words.push(found.get_name());
            command = found;
        }
    }
    words.join(" ")
}

/// The argument that is wrong, if it is a flag that can be repeated: without its value.
fn given_argument(error: &clap::Error) -> Option<String> {
    strings(error, ContextKind::InvalidArg).into_iter().next().filter(|text| {
        let name = text.split(['=', ' ']).next().unwrap_or_default();
        let is_flag = name.starts_with('-') && name.len() <= MAX_FLAG;
        let is_own = text.starts_with('<') && text.ends_with('>');
        is_own || (is_flag && name.chars().all(|c| c == '-' || c.is_ascii_lowercase()))
    })
}

/// The texts of a context; what follows a "=" in a flag is its value, and left out.
fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    let without_value = |text: &String| {
        let is_pattern = text.contains('<') || text.contains('[');
        if is_pattern { text.clone() } else { text.split('=').next().unwrap_or_default().to_owned() }
    };
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![without_value(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(without_value).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_known_for_its_usage_errors() {
        use clap::CommandFactory as _;
        for command in Cli::command().get_subcommands() {
            assert!(is_command(command.get_name()), "{}", command.get_name());
        }
    }

    #[test]
    fn a_usage_error_names_the_help_of_the_very_command_that_was_typed() {
        for (typed, named) in [
            (&["hand-over"][..], "tokentap hand-over"),
            (&["customer-key", "set"], "tokentap customer-key set"),
            (&["factory-reset", "now"], "tokentap factory-reset"),
            (&["inventory", "assign"], "tokentap inventory assign"),
            (&["sync", "--never"], "tokentap sync"),
            // What has no value that can be used has no usage line either.
            (&["slot", "clear", "--slot", "x"], "tokentap slot clear"),
        ] {
            // Whatever its file is called: on Windows it ends in .exe.
            for program in ["tokentap", "/opt/tools/tokentap.exe"] {
                let arguments: Vec<OsString> = std::iter::once(&program).chain(typed).map(Into::into).collect();
                let error = Cli::read(&arguments).err().unwrap();
                assert_eq!(command_of(&error, &arguments), named);
            }
        }
    }
}
