//! The table of formats. Adding one is one file and one line here; `docs/formats.md` is checked against this table.

use super::format::{Format, ReadOptions, Sample};
use super::problem::Problem;
use super::text::Source;
use super::{
    aegis, csv, duo, entra, graph, linotp, migration, molto2, netiq, otpauth, pingid, privacyidea, pskc, twofas, webadm,
};

/// All formats.
pub static FORMATS: &[Format] = &[
    csv::FORMAT,
    entra::FORMAT,
    graph::FORMAT,
    duo::FORMAT,
    privacyidea::FORMAT,
    linotp::FORMAT,
    netiq::FORMAT,
    pingid::FORMAT,
    webadm::FORMAT,
    pskc::FORMAT,
    otpauth::FORMAT,
    migration::FORMAT,
    molto2::FORMAT,
    aegis::FORMAT,
    twofas::FORMAT,
];

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// The one format that a file has, by looking at its beginning.
///
/// # Errors
/// A [`Problem`] where none fits, or several whose difference matters.
pub fn recognise(source: &mut Source, options: &ReadOptions) -> Result<&'static Format, Problem> {
    let sample = Sample::new(source.sample()?);
    if sample.first.is_empty() {
        return Err(Problem::of_file("the file is empty", "name a file with at least one row"));
    }
    if options.columns.is_some() {
        return Ok(&csv::FORMAT);
    }
    let fitting: Vec<&'static Format> = FORMATS.iter().filter(|format| (format.fits)(&sample)).collect();
    match fitting.as_slice() {
        [format] => Ok(format),
        [] => {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            let next = format!("use --from and one of {}, or --columns for a table without a header", names.join(", "));
            Err(Problem::of_file("no known format looks like this", next))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|format| format.name).collect();
            // Without this, a Duo file of counters could pass for one of time steps.
            let hotp = if names.contains(&"duo") { " (duo counters: --from duo --hotp)" } else { "" };
            Err(Problem::of_file(
                format!("this could be {}", names.join(" or ")),
                format!("say which: --from {}{hotp}", names.join(", --from ")),
            ))
        }
    }
}
