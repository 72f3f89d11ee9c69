//! `inventory copy`: a whole inventory into another one, and whether two are the same.

use std::path::Path;

use super::{check, failed};
use crate::cli::args::{CopyArgs, Global};
use crate::cli::output::Output;
use crate::cli::store::{self, Store};
use crate::cli::{Ran, describe};
use crate::inventory::{InventoryError, copy, differences};
use crate::job::{Exit, Failure, TokenState};
use crate::report::CopyReport;

/// How many differences are named.
const SHOWN: usize = 20;

pub fn run(global: &Global, args: &CopyArgs, output: &Output) -> Ran {
    if args.from == args.to {
        return Err(Failure::usage("these are one and the same inventory", "name two"));
    }
    let from = open(global, &args.from, false)?;
    let to = open(global, &args.to, !args.compare)?;
    let (from_name, to_name) = (from.name(), to.name());
    // A copy of damage is none.
    let found = from.findings().map_err(failed)?;
    if !found.is_empty() {
        return Err(check::damaged(&from, found));
    }
    let mut copied = None;
    if !args.compare {
        let (sealed_to, sealed) =
            (to.inventory().recipients().map_err(failed)?, from.inventory().recipients().map_err(failed)?);
        if sealed_to != sealed {
            settle_recipients(&to, &to_name, &sealed_to, &sealed)?;
        }
        match copy(from.whole().map_err(failed)?, to.whole().map_err(failed)?) {
            Ok(done) => copied = Some(done),
            Err(InventoryError::NotEmpty(_)) if is_same(&from, &to) => {}
            Err(error) => return Err(failed(error)),
        }
        // Read anew: the key of fingerprints is another one by now.
        drop(to);
    }
    let to = open(global, &args.to, false)?;
    let compared = differences(from.whole().map_err(failed)?, to.whole().map_err(failed)?, SHOWN);
    let (shown, many) = compared.map_err(failed)?;
    if many > 0 {
        let what = format!("{from_name} and {to_name} differ in {}", describe::counted(many, "record"));
        let failure = Failure::usage(
            what,
            "if one of them was used since, they go different ways from here: go on with one of the two",
        );
        return Err(failure.in_state(TokenState::RecordUnchanged).with_details(shown));
    }
    output.report(&CopyReport {
        from: from_name,
        to: to_name,
        copied: copied.is_some(),
        tokens: copied.map(|copied| copied.tokens),
        events: copied.map(|copied| copied.events),
        batches: copied.map(|copied| copied.batches),
    });
    Ok(Exit::Done)
}

/// Opens one of the two; the second one is made where it is a file that is not there.
fn open(global: &Global, path: &Path, may_make: bool) -> Result<Store, Failure> {
    let named = Global { inventory: Some(path.to_owned()), ..global.clone() };
    let located = store::locate(&named).map_err(failed)?;
    if let Some(store::Where::File(file, _)) = &located
        && !may_make
        && !file.exists()
    {
        return Err(Failure::file(
            format!("there is no inventory at {}", describe::path(file)),
            "name the one to copy",
        ));
    }
    let opened = store::open_at(Ok(located)).map_err(failed)?;
    opened.ok_or_else(|| Failure::usage("--inventory none has nothing in it", "name a file, or a database's address"))
}

/// The seals of the first one are kept as they are: the second one must seal to the same recipients from now on.
fn settle_recipients(to: &Store, name: &str, sealed_to: &[String], sealed: &[String]) -> Result<(), Failure> {
    let flags: Vec<String> = sealed.iter().map(|recipient| format!("--recipient {recipient}")).collect();
    let next = match (sealed_to.is_empty(), to) {
        (true, Store::File(_)) => {
            format!("make it so first: tokentap --inventory {name} inventory init {}", flags.join(" "))
        }
        #[cfg(feature = "postgres")]
        (true, Store::Server(_)) => {
            format!("make it so on the database's host first: tokentap inventory serve-init, with {}", flags.join(" "))
        }
        (false, _) => "copy into one that seals to the same recipients".to_owned(),
    };
    let list = |recipients: &[String]| match recipients {
        [] => "keeps no seeds".to_owned(),
        some => format!("seals seeds to {}", some.join(", ")),
    };
    Err(Failure::usage(format!("the first one {}, and {name} {}", list(sealed), list(sealed_to)), next))
}

/// Whether two inventories have the same in them already: a copy whose end was not seen is made again.
fn is_same(from: &Store, to: &Store) -> bool {
    let compared = from.whole().and_then(|from| differences(from, to.whole()?, 1));
    compared.is_ok_and(|(_, many)| many == 0)
}
