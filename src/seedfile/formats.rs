//! The table of formats. Adding one is one file and one line here; `docs/formats.md` is checked against this table.

use super::format::{Format, ReadOptions, Sample};
use super::problem::Problem;
use super::remedy::FileRemedy;
use super::shown::shown;
use super::text::Source;
use super::{
    accounts, aegis, csv, duo, entra, graph, linotp, logins, migration, molto2, netiq, otpauth, pingid, privacyidea,
    privacyidea_yaml, pskc, safenet, twofas, webadm, yubico,
};

/// All formats.
pub static FORMATS: &[Format] = &[
    csv::FORMAT,
    entra::FORMAT,
    graph::FORMAT,
    duo::FORMAT,
    privacyidea::FORMAT,
    privacyidea_yaml::FORMAT,
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
    accounts::FORMAT,
    logins::FORMAT,
    yubico::FORMAT,
    safenet::FORMAT,
];

impl Format {
    /// The format of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// The look of a file that no format fits, without anything that could be a secret, and the one thing to try.
fn seen(sample: &Sample<'_>) -> (String, FileRemedy) {
    const MOST: usize = 8;
    let text = sample.text.trim_start();
    if text.starts_with('<') {
        let names = text.split('<').skip(1).filter(|tag| !tag.starts_with(['?', '!']));
        let root = names.map(|tag| tag.split([' ', '>', '/', '\n', '\r']).next().unwrap_or_default()).next();
        let root = shown(root.unwrap_or_default());
        return (format!("XML with the root <{root}>"), "ask for the seeds as PSKC (RFC 6030) or CSV".into());
    }
    if text.starts_with(['{', '[']) {
        let parts: Vec<&str> = text.split('"').collect();
        let is_key = |pair: &&[&str]| pair.get(1).is_some_and(|behind| behind.trim_start().starts_with(':'));
        let mut keys: Vec<String> = Vec::new();
        for key in parts.get(1..).unwrap_or_default().chunks(2).filter(is_key).filter_map(|pair| pair.first()) {
            let key = shown(key);
            if keys.len() < MOST && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let with =
            if keys.is_empty() { "without any names in it".to_owned() } else { format!("with {}", keys.join(", ")) };
        return (format!("JSON {with}"), "docs/formats.md shows which exports are read".into());
    }
    if text.contains("otpauth://") {
        return ("text with otpauth:// in it".to_owned(), "put each otpauth:// URI on a line of its own".into());
    }
    // Words of a header are shown, and nothing that could be a part of a secret.
    let is_word = |field: &&String| {
        !field.is_empty()
            && field.len() <= 24
            && !field.contains([':', '='])
            && !field.chars().any(|c| c.is_ascii_digit())
    };
    let words: Vec<String> =
        sample.fields.iter().filter(is_word).take(MOST).map(|field| format!("\"{}\"", shown(field))).collect();
    let begins = if words.is_empty() { String::new() } else { format!(", with {}", words.join(", ")) };
    match sample.fields.len() {
        // A word that stands alone may be a password, or a key.
        1 => ("lines of text".to_owned(), "use a table with a serial and a secret in each line".into()),
        count => (format!("a table of {count} columns{begins}"), FileRemedy::HeaderOrAllColumns),
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
            let (seen, next) = seen(&sample);
            Err(Problem::of_file(format!("no known format looks like this: it is {seen}"), next))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|format| format.name).collect();
            let what = format!("this could be {}", names.join(" or "));
            Err(Problem::of_file(what, FileRemedy::NameFormat(names)))
        }
    }
}
