//! `inventory export` and `import`: sealed seeds out of it, and existing ones into it.

use std::cell::Cell;

use super::{event, failed};
use crate::cli::Ran;
use crate::cli::args::{ExportArgs, Global, ImportArgs, SeedKind};
use crate::cli::describe::{self, counted};
use crate::cli::output::Output;
use crate::cli::record;
use crate::cli::rows::Hotp;
use crate::cli::seeds::{check_drop, conclude, fields_of, named_files, rows_of, write_options};
use crate::device::families::capabilities_on_record;
use crate::device::{Capabilities, DisplayTime, Family, Profile};
use crate::inventory::{
    Deed, Entry, Event, Inventory, InventoryError, SealError, SeedChange, SlotKey, TokenChange, TokenFilter,
    TokenRecord, open_of, seal,
};
use crate::job::bad_file;
use crate::job::batch::unwritable;
use crate::job::paths;
use crate::job::remedy::TokenRemedy;
use crate::job::{self, Exit, Failure};
use crate::report::{self, ExportReport, ImportReport, row_problem};
use crate::seedfile::{
    Checker, Converted, Field, Place, Problem, Row, Rules, SecretFile, Severity, Sink, Target, check_texts, convert,
    for_device, strange_serial,
};

pub fn export(inventory: &dyn Inventory, global: &Global, args: &ExportArgs, output: &Output) -> Ran {
    let Some(identity) = record::identity(Some(&args.identity))? else {
        return Err(Failure::usage("no identity was named", "use --identity FILE"));
    };
    let files = named_files(&args.to)?;
    let own = record::path(global).map_err(failed)?;
    let reads = [
        ("the inventory", own.as_deref()),
        ("--identity", Some(args.identity.as_path())),
        ("--to-pskc-key", args.encode.to_pskc_key.as_deref()),
        ("--to-pskc-password", args.encode.to_pskc_password.as_deref()),
    ];
    let writes: Vec<_> = files.iter().map(|(_, path)| ("--to", Some(path.as_path()))).collect();
    paths::check(&reads, &writes)?;
    let formats: Vec<_> = files.iter().map(|(format, _)| *format).collect();
    let mut options = write_options(&args.encode, &formats)?;
    let dropped = fields_of(&args.drop)?;
    check_drop(&dropped, &formats)?;
    let (serial, slot) = args.serial.as_deref().map(SlotKey::of_text).unzip();
    let filter = TokenFilter { serial: serial.map(str::to_owned), sealed: true, ..TokenFilter::default() };
    let mut tokens = Vec::new();
    inventory.visit_tokens(&filter, u64::MAX, &mut |token| tokens.push(token)).map_err(failed)?;
    tokens.retain(|token| slot.flatten().is_none_or(|slot| token.key.slot == slot));
    tokens.retain(|token| args.kind.is_none_or(|kind| (kind == SeedKind::Totp) == can_of(token).has_clock()));
    if tokens.is_empty() {
        return Err(Failure::usage("the inventory keeps no sealed seed of that kind", "see tokentap inventory tokens"));
    }
    options.slots = tokens.iter().any(|token| can_of(token).slots > 1) && !dropped.contains(&Field::Slot);
    let mut sinks = Vec::new();
    for (format, path) in &files {
        let target = SecretFile::create(path, args.force).map_err(|error| unwritable(&error))?;
        sinks.extend(Sink::new(format, Target::File(target)));
    }
    let key = inventory.fingerprint_key().clone();
    let has_foreign = Cell::new(false);
    let places: Vec<(SlotKey, String)> = tokens.iter().map(|token| (token.key.clone(), token.name())).collect();
    let rows = (1_u64..).zip(tokens).map(|(number, token)| -> Result<Row, Problem> {
        if token.pending.as_ref().is_some_and(|pending| pending.sealed.is_some()) {
            output.note(&format!("{}: whether it holds this seed is not known; burn it again", token.name()));
        }
        let row = open_of(&token, &key, &identity).map_err(|error| {
            let next = match error {
                SealError::OtherToken(_) | SealError::OtherSeed => {
                    has_foreign.set(true);
                    "somebody or something has changed the inventory: run tokentap inventory check --identity FILE"
                }
                _ => "name the identity that opens it",
            };
            Problem::new(number, 0, error.to_string(), next)
        })?;
        // The record knows whose it is by now: nobody's, where it was taken back.
        let slot = (can_of(&token).slots > 1).then_some(token.key.slot);
        let place = Place { line: number, column: 0 };
        Ok(Row { user: token.user, serial: Some(token.key.serial), slot, place, ..row })
    });
    // Where two tokens hold one seed, somebody has said that they may.
    let rules = Rules { drop: &dropped, shares_secrets: true };
    let converted = convert(rows, sinks, &options, rules, &|_| None).map_err(|error| unwritable(&error))?;
    let count = converted.rows;
    conclude_export(converted, &places, has_foreign.get(), output)?;
    let names: Vec<String> = files.iter().map(|(_, path)| describe::path(path)).collect();
    let detail = format!("into {}", names.join(", "));
    let mut exported = places.iter();
    let mut next = |_: &[String]| {
        let event_of = |(key, _): &(SlotKey, String)| {
            let event = event(global, Deed::Export, Some(&key.serial), Some(detail.clone()));
            Entry::of(Event { slot: key.slot, ..event })
        };
        Ok(exported.next().map(event_of))
    };
    inventory.keep_all(false, &mut next).map_err(failed)?;
    output.report(&ExportReport { rows: count, files: names });
    Ok(Exit::Done)
}

/// Says the warnings, or fails: with exit code 5 where a seal is another token's. An inventory has no lines: each problem names its
/// token.
fn conclude_export(
    converted: Converted,
    places: &[(SlotKey, String)],
    has_foreign: bool,
    output: &Output,
) -> Result<(), Failure> {
    let named = |problem: &Problem| {
        let index = usize::try_from(problem.place.line).ok().and_then(|line| line.checked_sub(1));
        match index.and_then(|index| places.get(index)) {
            Some((_, token)) => {
                Problem { what: format!("{token}: {}", problem.what), place: Place::default(), ..problem.clone() }
            }
            None => problem.clone(),
        }
    };
    let problems = converted.problems.iter().map(named).collect();
    let named = Converted { problems, ..converted };
    let concluded = conclude(&named, "the inventory", "use another format, or leave them out", output);
    concluded.map_err(|failure| match has_foreign {
        true => Failure {
            problem: job::Problem::WrongSeals(report::fact(&failure.problem)),
            remedies: vec![TokenRemedy::DistrustExport.into()],
            ..failure
        },
        false => failure,
    })
}

/// What the device of a token on record can do.
fn can_of(token: &TokenRecord) -> &'static Capabilities {
    capabilities_on_record(token.model.as_deref(), &token.key.serial)
}

pub fn import(inventory: &dyn Inventory, global: &Global, args: &ImportArgs, output: &Output) -> Ran {
    inventory.check_alone().map_err(failed)?;
    if inventory.recipients().map_err(failed)?.is_empty() {
        return Err(Failure::usage(
            "this inventory keeps no seeds",
            "choose who can open them: tokentap inventory init --recipient age1… (or --passphrase --out FILE)",
        ));
    }
    let name = describe::path(&args.input);
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    let mut checker = Checker::sharing(args.whole.allow_shared_secret);
    for row in rows_of(&args.input, &args.file, Hotp::No, &args.whole)? {
        match row.and_then(importable) {
            Ok(row) => {
                checker.see(&row);
                rows.push(row);
            }
            Err(problem) if problem.severity == Severity::Warning => {
                output.note(&format!("{name}:{}", row_problem(&problem)))
            }
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(checker.finish().into_iter().filter(|problem| problem.severity == Severity::Error));
    if !problems.is_empty() || rows.is_empty() {
        problems.extend(rows.is_empty().then(|| Problem::of_file("the file has no rows", "is this the right file?")));
        return Err(bad_file(&name, &problems, 0));
    }
    for row in &rows {
        problems.extend(contradiction(inventory, row)?.filter(|_| !args.force));
    }
    if !problems.is_empty() {
        return Err(bad_file(&name, &problems, 0));
    }
    let key = inventory.fingerprint_key().clone();
    let sealed_to = inventory.recipients().map_err(failed)?;
    let seal = |row: &Row, to: &[String]| seal(row, to).map_err(|error| InventoryError::Seal(error.to_string()));
    // Sealed before, so that others need not wait for that; and anew, should the recipients change in between.
    let sealed: Vec<Vec<u8>> =
        rows.iter().map(|row| seal(row, &sealed_to)).collect::<Result<_, _>>().map_err(failed)?;
    let mut left = rows.iter().zip(sealed);
    // Kept in one transaction: all rows or none.
    let mut next = |recipients: &[String]| {
        let Some((row, sealed)) = left.next() else { return Ok(None) };
        let sealed = if recipients == sealed_to { sealed } else { seal(row, recipients)? };
        let place = place_of(row);
        let seed = SeedChange::Is {
            seed: key.of(&row.seed),
            sealed: Some(sealed),
            replaces: args.force || args.whole.allow_shared_secret,
        };
        let (user, profile) = (row.user.clone(), profile(row));
        let model = row.slot.map(|_| crate::device::molto2::MODEL.name.to_owned());
        let event = event(global, Deed::Import, Some(&place.serial), Some(format!("from {name}")));
        let event = Event { slot: place.slot, ..event };
        let change = TokenChange { user, profile, seed, model, ..TokenChange::of(place) };
        Ok(Some(Entry { event, token: Some(change), row: None }))
    };
    inventory.keep_all(true, &mut next).map_err(failed)?;
    let words = format!(
        "{} sealed; {name} still has them unencrypted: delete it when it is no longer needed",
        counted(rows.len() as u64, "row")
    );
    output.report(&ImportReport { rows: rows.len(), file: name, words });
    Ok(Exit::Done)
}

/// A contradiction between a row and the inventory.
fn contradiction(inventory: &dyn Inventory, row: &Row) -> Result<Option<Problem>, Failure> {
    let place = place_of(row);
    let seed = inventory.fingerprint_key().of(&row.seed);
    if let Some(holder) = inventory.holder(&seed).map_err(failed)?.filter(|holder| *holder != place) {
        let what = format!("its seed is on record for the token {holder}");
        return Ok(Some(Problem::at(row.place, what, "one of the two is wrong; --force takes it all the same")));
    }
    let token = inventory.token(&place).map_err(failed)?;
    let others = token.map(|token| [token.seed, token.pending.and_then(|pending| pending.seed)]);
    let is_other = others.is_some_and(|others| others.iter().flatten().any(|known| *known != seed));
    let what = format!("the inventory has another seed of {place}, which this would replace");
    Ok(is_other.then(|| Problem::at(row.place, what, "use --force if the file is right")))
}

/// The token, or the slot of a device, that a row is for.
fn place_of(row: &Row) -> SlotKey {
    SlotKey::of(row.serial.as_deref().unwrap_or_default(), row.slot.unwrap_or_default())
}

/// A row that can stand for a token.
fn importable(row: Row) -> Result<Row, Problem> {
    if row.serial.is_none() {
        return Err(Problem::at(row.place, "the row has no serial", "a sealed seed belongs to a token"));
    }
    let family = if row.slot.is_some() { Family::Molto2 } else { Family::Nfc };
    match check_texts(&row).or_else(|| strange_serial(&row)).or_else(|| for_device(&row, family)) {
        Some(problem) => Err(problem),
        None => Ok(row),
    }
}

/// The profile that a row states, if it states any.
fn profile(row: &Row) -> Option<Profile> {
    let factory = Profile::FACTORY;
    let is_stated = row.hash.is_some() || row.step.is_some();
    let (hash, step) = (row.hash.unwrap_or(factory.hash()), row.step.unwrap_or(factory.step()));
    is_stated.then(|| Profile::new(hash, step, DisplayTime::S30))
}
