//! Flags that would do nothing where they were given, beside what clap refuses: who typed one believes that it does something.

use super::args::{FileArgs, SeedArgs};
use crate::job::Failure;

/// The flag of a seed file's form that was given, if one was.
pub fn file_flag(args: &FileArgs) -> Option<&'static str> {
    let FileArgs { from, secret_encoding, columns, pskc_key, pskc_password } = args;
    [
        (from.is_some(), "--from"),
        (columns.is_some(), "--columns"),
        (pskc_key.is_some(), "--pskc-key"),
        (pskc_password.is_some(), "--file-password"),
        (secret_encoding.is_some(), "--secret-encoding"),
    ]
    .into_iter()
    .find_map(|(is_given, flag)| is_given.then_some(flag))
}

/// The failure of a flag that does nothing.
pub fn unused(flag: &str, why: &str) -> Failure {
    Failure::usage(format!("{flag} does nothing here: {why}"), format!("remove {flag}"))
}

/// Whether no flag of a seed file's form was given where no such file is read.
///
/// # Errors
/// A usage failure that names the flag.
pub fn check_unused(args: &SeedArgs, why: &str) -> Result<(), Failure> {
    match file_flag(&args.file).or_else(|| args.choice.row.map(|_| "--row")) {
        Some(flag) => Err(unused(flag, why)),
        None => Ok(()),
    }
}
