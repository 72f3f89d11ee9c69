//! Remedies for seed files in words, and the problems of their rows with them.

use crate::seedfile::{FileRemedy, Problem};

/// A remedy for a seed file in words; empty where there is nothing to add.
#[must_use]
pub fn remedy_of_file(remedy: &FileRemedy) -> String {
    match remedy {
        FileRemedy::Words(words) => words.clone().into_owned(),
        FileRemedy::NameColumns(columns) => {
            format!("name its columns, with - for those that are left out: --columns={columns}")
        }
        FileRemedy::RenameOrLeaveOut(column) => format!(
            "rename it to hash, step, digits, counter or type; if it is none of them, name the columns and leave \"{column}\" \
             out: --columns=serial,secret,-"
        ),
        FileRemedy::IfEncodingIs(encoding) => {
            let flag = encoding.to_string().to_lowercase();
            format!("it would fit as {encoding}: use --secret-encoding {flag} if it is that")
        }
        FileRemedy::NameFormat(formats) => {
            // Without this, a Duo file of counters could pass for one of time steps.
            let hotp = if formats.contains(&"duo") { " (duo counters: --from duo --hotp)" } else { "" };
            format!("name the format: --from {}{hotp}", formats.join(", --from "))
        }
        FileRemedy::NameFormatOrUse(kind) => format!("name the format with --from, or use the {kind} file"),
        FileRemedy::Drop(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
            format!("use --drop {} if that may be lost", names.join(","))
        }
        fixed => fixed_words(fixed).to_owned(),
    }
}

fn fixed_words(remedy: &FileRemedy) -> &'static str {
    match remedy {
        FileRemedy::HeaderOrColumns => {
            "add a header with the words serial and secret to the file, or name the columns: --columns=serial,secret"
        }
        FileRemedy::HeaderOrAllColumns => {
            "add a header with the words serial and secret, or name all of its columns: --columns=serial,secret,- (- for one \
             that is left out)"
        }
        FileRemedy::RemoveOrNameColumns => "remove one, or name the columns: --columns=serial,secret,-",
        FileRemedy::RenameSerial => "rename it to serial, or name the columns: --columns=serial,secret",
        FileRemedy::SwapColumns => {
            "is that the serial's column? name the columns: --columns=serial,secret or --columns=secret,serial"
        }
        FileRemedy::SerialsOfTheirOwn => {
            "a server would take them for one token: write csv, give each row a serial of its own there (such as SERIAL-SLOT), remove its \
             column slot, and convert that"
        }
        FileRemedy::OneKindAFile => {
            "write each kind into a file of its own: tokentap inventory export does that with --type totp and --type hotp"
        }
        FileRemedy::DropColumns => "drop --columns, or correct it",
        FileRemedy::StateEncoding => "use --secret-encoding hex or --secret-encoding base32",
        FileRemedy::OneEncoding => "write all of them in one encoding, or use --secret-encoding",
        FileRemedy::HeaderOrNoFormat => "add its header, or drop --from",
        FileRemedy::DropFormat => "drop --from: a table with a header is read by its words",
        FileRemedy::IfCounter => "if it is a counter, use --hotp",
        FileRemedy::Password => "use the password of this export: --file-password FILE",
        FileRemedy::PasswordOrPlain => "use its password: --file-password FILE, or export it again without encryption",
        FileRemedy::KeyOrPassword => "use its key: --pskc-key FILE, or its password: --file-password FILE",
        FileRemedy::DecryptOpenPgp => "decrypt it first: gpg --decrypt FILE > seeds.txt",
        FileRemedy::DecryptAge => "decrypt it first: age --decrypt -i IDENTITY FILE",
        FileRemedy::AsPicture => "use --qr to read it",
        FileRemedy::ConvertPicture => "save it as PNG or JPEG, and use --qr to read it",
        FileRemedy::Screenshot => "make a PNG of it, such as by a screenshot, and use --qr to read it",
        FileRemedy::ConvertForDuo => {
            "an administrator imports tokens into Duo, with their serials and seeds: tokentap seeds convert FILE --to duo"
        }
        FileRemedy::AgainOrSeedFile => "run the same command again, or supply the secret with --seed-file",
        FileRemedy::OtherFormat => {
            "write it in a format with a field for it, or give these tokens seeds of the usual kind"
        }
        FileRemedy::OtherFormatOrDropStep => {
            "write it in a format with a field for it; where the step is chosen on the server, as with PingID: --drop step"
        }
        FileRemedy::ShareSecret => {
            "two tokens with one seed show the same codes; if that is intended, use --allow-shared-secret"
        }
        FileRemedy::WholeSecret => "use the whole secret, or --allow-short-seed",
        FileRemedy::OtherLength => "use another length",
        FileRemedy::NameProfile => {
            "use --hash, --step or --display, or --digits for a slot: what is not named is written as the inventory knows it, else as the \
             factory's, and for a slot as the device has it; to set only the clock use tokentap sync"
        }
        FileRemedy::SkipUnusable => {
            "skip such rows with --skip-unusable; burn, verify and code take one row of the file with --row"
        }
        // Worded above, with what they name.
        FileRemedy::Words(_)
        | FileRemedy::NameColumns(_)
        | FileRemedy::RenameOrLeaveOut(_)
        | FileRemedy::IfEncodingIs(_)
        | FileRemedy::NameFormat(_)
        | FileRemedy::NameFormatOrUse(_)
        | FileRemedy::Drop(_) => "",
    }
}

/// A problem of a row with its remedy: `3:2 (secret): the secret is missing (every row needs one)`.
#[must_use]
pub fn row_problem(problem: &Problem) -> String {
    match remedy_of_file(&problem.remedy) {
        remedy if remedy.is_empty() => problem.to_string(),
        remedy => format!("{problem} ({remedy})"),
    }
}
