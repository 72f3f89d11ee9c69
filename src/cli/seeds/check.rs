//! `seeds check`: all that is wrong with a seed file, and what was understood of it.

use std::cell::RefCell;

use super::convert::{check_drop, conclude, fields_of, warnings};
use super::read_file;
use crate::cli::args::SeedsCheckArgs;
use crate::cli::describe::{self, counted};
use crate::cli::output::Output;
use crate::cli::rows::Hotp;
use crate::cli::rows::format_of_name;
use crate::cli::{Ran, secret};
use crate::job::batch::unwritable;
use crate::job::{CORRECT_FILE, Exit, Failure};
use crate::report::{SeedsCheckReport, Understood};
use crate::seedfile::{Problem, Row, Rows, Rules, Sink, Target, WriteOptions, convert, entra, for_token, usable};

pub(super) fn check(args: &SeedsCheckArgs, output: &Output) -> Ran {
    let (rows, name, format): (Rows, String, &str) = match (&args.qr, &args.input) {
        (Some(picture), _) => {
            let rows = secret::of_picture(picture)?;
            for row in rows.iter().flatten().filter(|_| !output.is_json()) {
                output.text(&named(row));
            }
            let rows: Rows = Box::new(rows.into_iter());
            (if args.whole.skip_unusable { usable(rows) } else { rows }, describe::path(picture), "QR codes")
        }
        (None, Some(path)) => {
            let (format, rows) = read_file(path, &args.file, Hotp::of_field(args.hotp), &args.whole)?;
            (rows, describe::path(path), format.name)
        }
        (None, None) => return Err(Failure::usage("no seed file was named", "name one")),
    };
    let wanted = args.for_format.as_deref().map(format_of_name).transpose()?;
    let sinks = match wanted {
        None => Vec::new(),
        Some(format) => {
            let sink = Sink::new(format, Target::Nowhere);
            vec![sink.ok_or_else(|| {
                Failure::usage(format!("{} is only read, never written", format.name), "name another format with --for")
            })?]
        }
    };
    let dropped = fields_of(&args.drop)?;
    check_drop(&dropped, wanted.as_slice())?;
    let is_for_entra = wanted.is_some_and(|format| format.name == "entra");
    let lacks = |row: &Row| {
        let lacks = entra::lacks(row);
        let what = format!("the row has no {}, which Entra ID asks for", lacks.join(", no "));
        (!lacks.is_empty()).then(|| Problem::at(row.place, what, "add it before you upload the file").as_warning())
    };
    let understood = RefCell::new(Understood::default());
    let also = |row: &Row| {
        understood.borrow_mut().see(row);
        match args.for_token.then(|| for_token(row)).flatten() {
            None if is_for_entra => lacks(row),
            problem => problem,
        }
    };
    let rules = Rules { drop: &dropped, shares_secrets: args.whole.allow_shared_secret };
    let converted = convert(rows, sinks, &WriteOptions::default(), rules, &also).map_err(|error| unwritable(&error))?;
    conclude(&converted, &name, CORRECT_FILE, output)?;
    let warned = warnings(&converted, &name);
    let verdict = match warned.len() as u64 {
        0 => "nothing wrong".to_owned(),
        count => counted(count, "warning"),
    };
    let understood = understood.into_inner();
    let words = format!(
        "{name}: {}, {verdict}\nread as {format}: {}",
        counted(converted.rows, "row"),
        understood.words().join("\n  and ")
    );
    output.report(&SeedsCheckReport {
        rows: converted.rows,
        problems: warned,
        format: Some(format),
        understood: understood.into_groups(),
        words,
    });
    Ok(Exit::Done)
}

/// A seed in a picture: whose it is, never what it is.
fn named(row: &Row) -> String {
    let text = |field: &Option<String>| field.as_deref().unwrap_or("-").escape_debug().to_string();
    format!(
        "issuer {}, account {}, {} bytes, {}, {} digits, {} s",
        text(&row.issuer),
        text(&row.account),
        row.seed.len(),
        row.effective_hash(),
        row.effective_digits(),
        row.effective_step(),
    )
}
