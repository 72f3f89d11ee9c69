//! `logins`: exports of password managers as CSV, read only: of each login its one-time password, and nothing else.

use super::accounts::of_text;
use super::column::{Column, Meaning, looks_like_a_code_setting, meaning_of};
use super::format::{Format, ReadOptions, Rows, Sample};
use super::names::kind_of_name;
use super::problem::Problem;
use super::row::{Field, Kind, Row};
use super::table::{Fields, Records};
use super::text::Source;

/// The format.
pub const FORMAT: Format = Format {
    name: "logins",
    title: "a password manager's export, CSV",
    carries: &[Field::Counter, Field::Hash, Field::Step, Field::Digits, Field::Issuer, Field::Account],
    one_kind: false,
    fits: is_logins,
    read,
    write: None,
};

/// Whether a table is a password manager's export.
pub fn is_logins(sample: &Sample<'_>) -> bool {
    let has = |names: &[&str]| sample.fields.iter().any(|field| names.contains(&field.as_str()));
    has(OTP) && has(PASSWORD)
}

/// The column of the one-time password: Bitwarden, KeePassXC and LastPass, 1Password and Apple, Proton.
const OTP: &[&str] = &[
    "login_totp",
    "totp",
    "otpauth",
    "otp",
    "otp url",
    "totpauth",
    "onetimepassword",
    "one-time password",
    "otpsecret",
    "otpurl",
];
const PASSWORD: &[&str] = &["password", "login_password"];
const TITLE: &[&str] = &["title", "name", "account"];
const OWNER: &[&str] = &["username", "login_username", "user name", "login", "email"];

fn read(source: Source, _: &ReadOptions) -> Result<Rows, Problem> {
    let mut records = Records::new(source)?;
    let Some(header) = records.next()? else {
        return Err(Problem::of_file("the file is empty", "export the logins again"));
    };
    let words: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let find = |names: &[&str]| names.iter().find_map(|name| words.iter().position(|word| word == name));
    let otps: Vec<usize> =
        words.iter().enumerate().filter(|(_, word)| OTP.contains(&word.as_str())).map(|(at, _)| at).collect();
    if otps.is_empty() {
        return Err(header.line_problem("no column has one-time passwords", "export the logins with them"));
    }
    for (index, word) in words.iter().enumerate().filter(|(index, _)| !otps.contains(index)) {
        let is_setting =
            matches!(meaning_of(word), Meaning::Is(Column::Hash | Column::Step | Column::Digits | Column::Counter))
                || ((word.contains("otp") || word.contains("2fa")) && looks_like_a_code_setting(word, &[]));
        if is_setting {
            let what = "this column may change the codes, and is not read";
            return Err(header.problem(
                index,
                what,
                "use the one-time passwords as otpauth:// URIs, which say it themselves",
            ));
        }
    }
    let kind = find(&["type", "otp type", "otptype"]);
    let (title, owner) = (find(TITLE), find(OWNER));
    let width = header.count();
    records.take_header();
    records.allow_long_texts();
    let mut rows = Vec::new();
    while let Some(fields) = records.next()? {
        rows.extend(one(&fields, width, &otps, [title, owner, kind]));
    }
    if rows.is_empty() {
        return Err(Problem::of_file("no login of this export has a one-time password", "is this the right file?"));
    }
    Ok(Box::new(rows.into_iter()))
}

/// A login; one without a one-time password is nothing to be read here.
fn one(
    fields: &Fields<'_>,
    width: usize,
    otps: &[usize],
    [title, owner, kind]: [Option<usize>; 3],
) -> Option<Result<Row, Problem>> {
    // A comma too many moves a password into the column of the secrets.
    if let Err(problem) = fields.at_most(width) {
        return Some(Err(problem));
    }
    let text = |index: Option<usize>| index.and_then(|index| fields.get(index)).unwrap_or_default();
    let mut found = otps.iter().filter_map(|index| fields.get(*index));
    let (otp, place) = (found.next()?, fields.place());
    if found.next().is_some() {
        return Some(Err(fields.line_problem("the login has two one-time passwords", "leave one of them in the file")));
    }
    if kind_of_name(text(kind)) == Some(Kind::Hotp) {
        return Some(Err(
            fields.line_problem("the login's one-time password counts presses", "use it as an otpauth:// URI")
        ));
    }
    Some(of_text(otp, text(title), text(owner), place).map_err(|fault| fault.at(place)))
}
