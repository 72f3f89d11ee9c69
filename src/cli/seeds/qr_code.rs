//! `seeds qr`: the enrolment code of one seed.

use std::io::{IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::rows_of;
use crate::cli::args::{SeedsQrArgs, WholeFileArgs};
use crate::cli::describe::{self};
use crate::cli::output::Output;
use crate::cli::rows::Hotp;
use crate::cli::{Ran, input, secret};
use crate::job::batch::unwritable;
use crate::job::paths;
use crate::job::{Exit, Failure};
use crate::report::FilesReport;
use crate::seedfile::{otpauth, qr, save_secret};

pub(super) fn make_qr(args: &SeedsQrArgs, inventory: Option<&Path>, output: &Output) -> Ran {
    paths::check(
        &[("the seed file", args.input.as_deref()), ("the inventory", inventory)],
        &[("the picture", args.png.as_deref()), ("the picture", args.svg.as_deref())],
    )?;
    let row = match &args.input {
        Some(path) => {
            let rows = rows_of(path, &args.file, Hotp::No, &WholeFileArgs::default())?;
            let sheet = secret::read_sheet(Ok(rows), &describe::path(path))?;
            secret::choose(sheet, &args.choice)?.single()?
        }
        None => {
            let mut text = Zeroizing::new(String::new());
            let read = input::standard_input()?.take(1 << 16).read_to_string(&mut text);
            read.map_err(|error| {
                Failure::file(format!("standard input cannot be read: {error}"), "use an otpauth:// URI")
            })?;
            otpauth::parse(&text).map_err(|error| Failure::usage(error.to_string(), "use an otpauth:// URI"))?
        }
    };
    // Authenticators show an account; a token's row may have a user or a serial only.
    let mut named = row;
    named.account = named.account.take().or_else(|| named.user.clone()).or_else(|| named.serial.clone());
    let uri = otpauth::uri(&named);
    let too_long = |error: qr::QrError| Failure::usage(error.to_string(), "a shorter issuer or account helps");
    let (path, content) = match (&args.png, &args.svg) {
        (Some(path), _) => (path, qr::png(&uri).map_err(too_long)?),
        (None, Some(path)) => (path, Zeroizing::new(qr::svg(&uri).map_err(too_long)?.as_bytes().to_vec())),
        (None, None) => {
            if output.is_json() {
                return Err(Failure::usage("--json has no picture of the code", "use --png FILE or --svg FILE"));
            }
            if std::io::stdout().is_terminal() && !args.show_secrets {
                return Err(Failure::usage(
                    "the code is the secret, and this is a terminal",
                    "use --show-secrets, --png FILE or --svg FILE",
                ));
            }
            output.text(&qr::for_terminal(&uri).map_err(too_long)?);
            return Ok(Exit::Done);
        }
    };
    save_secret(path, &content, args.force).map_err(|error| unwritable(&error))?;
    let words = format!("written to {}", describe::path(path));
    output.report(&FilesReport { files: vec![describe::path(path)], words });
    Ok(Exit::Done)
}
