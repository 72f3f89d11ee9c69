//! The seed that a code is checked with or made from: one that is given, the row of the token on the reader, or the one that the
//! inventory keeps sealed.

use std::path::Path;

use super::args::{Global, HostArgs, SeedArgs};
use super::host::Host;
use super::output::Output;
use super::record::{self, Need, Record};
use super::secret;
use super::station::{self, Workplace};
use super::store::{Where, locate};
use super::unused::check_unused;
use crate::clock::Drift;
use crate::device::{Info, Profile};
use crate::inventory::{Deed, Identity, SlotKey, TokenRecord, open_of};
use crate::job::find;
use crate::job::remedy::TokenRemedy;
use crate::job::{self, Failure, Problem, ReadOutcome, SeedChoice, Sheet, TokenState};
use crate::reader::Wanted;
use crate::seedfile::Row;

/// A seed, and the token that it is of, as far as that is known.
pub struct Found {
    /// The seed's row.
    pub row: Row,
    /// The token that was read for it.
    pub read: Option<Read>,
    /// The record of the token.
    pub known: Option<TokenRecord>,
    /// The inventory, where it was opened.
    pub record: Option<Record>,
}

impl Found {
    /// The token, where it was read or is on record.
    pub fn key(&self) -> Option<SlotKey> {
        match (&self.read, &self.known) {
            (Some(read), _) => Some(SlotKey::of(read.info.serial.as_str(), read.info.slot_number())),
            (None, known) => known.as_ref().map(|token| token.key.clone()),
        }
    }
}

/// A token that was read.
pub struct Read {
    pub info: Info,
    pub drift: Option<Drift>,
    pub reader: String,
    pub emulated: bool,
}

impl Found {
    /// The profile on record.
    pub fn profile(&self) -> Option<Profile> {
        self.known.as_ref().and_then(TokenRecord::meant_profile)
    }
}

/// What is known of a code before its seed is found.
pub struct OfCode {
    /// It is one that counts.
    pub hotp: bool,
    /// The slot whose code it is.
    pub slot: Option<u16>,
    /// Hash and time step are named.
    pub is_stated: bool,
}

/// Finds the seed that the arguments mean. A file of many rows is asked for the row of the token on the reader; without any
/// seed, `identity` opens the one of the token on the reader, or of the one that `--serial` or `--user` names.
///
/// # Errors
/// A failure of the seed's source, the reader, the token or the inventory.
pub fn seed_of(
    global: &Global,
    args: &SeedArgs,
    identity: Option<&Path>,
    of: OfCode,
    output: &Output,
) -> Result<Found, Failure> {
    let OfCode { hotp, slot, is_stated } = of;
    let reads_token = global.reads_token || slot.is_some();
    let device = match (slot, hotp) {
        (Some(slot), _) => Some((Wanted::Molto2, slot)),
        (None, true) => Some((Wanted::HotpKey, 0)),
        (None, false) => None,
    };
    let given = match identity {
        Some(_) => None,
        None => Some(secret::from_args_or_prompt(args, hotp)?),
    };
    let rows = match given {
        // Who names a reader means the token on it: the seed has to be that token's.
        Some(SeedChoice::One(row)) if reads_token => Some(SeedChoice::OfToken(Sheet::of(*row))),
        Some(SeedChoice::One(row)) => {
            check_expected(global, &row)?;
            return of_one(global, *row, is_stated, output);
        }
        // Without serials, no token can tell which row is its own.
        Some(SeedChoice::OfToken(rows)) if !reads_token && rows.is_without_serials() => {
            return of_one(global, SeedChoice::OfToken(rows).single()?, is_stated, output);
        }
        Some(given) => Some(given),
        None => {
            check_unused(args, "--identity opens a sealed seed")?;
            None
        }
    };
    let record = Record::open(global, if rows.is_some() { Need::Reading } else { Need::Must }, output)?;
    let named = args.choice.serial.as_ref().or(args.choice.user.as_ref());
    let (read, known) = match (named, record.books()) {
        (Some(text), Some(books)) if rows.is_none() => (None, Some(find::one(books, text)?)),
        _ => {
            let is_chosen_by_it = rows.is_some() && !reads_token;
            let read = read_token(global, &record, device, output).map_err(|failure| match is_chosen_by_it {
                true => failure.and(TokenRemedy::OrChooseRow),
                false => failure,
            })?;
            let known = recorded(&record, &read)?;
            (Some(read), known)
        }
    };
    let row = match (rows, &read) {
        (Some(SeedChoice::OfToken(rows)), Some(_)) if rows.is_without_serials() => {
            SeedChoice::OfToken(rows).single()?
        }
        (Some(rows), Some(read)) => {
            let (row, unread) = rows.for_token(&read.info)?;
            secret::note_unread(&rows, unread);
            row
        }
        (Some(rows), None) => rows.single()?,
        (None, _) => sealed(&record, known.as_ref(), read.as_ref(), record::identity(identity)?)?,
    };
    if given_is_another(&record, &row, known.as_ref()) {
        output.note("the inventory has another seed for this token than the one that was given: a code of one says nothing of the other");
    }
    Ok(Found { row, read, known, record: Some(record) })
}

/// Whether the inventory has another seed for the token than this one.
fn given_is_another(record: &Record, row: &Row, known: Option<&TokenRecord>) -> bool {
    let held = known.and_then(TokenRecord::held);
    let given = record.books().map(|books| books.fingerprint_key().of(&row.seed));
    held.zip(given).is_some_and(|(held, given)| held != given)
}

/// A seed of another token than the one that is meant is not taken.
fn check_expected(global: &Global, row: &Row) -> Result<(), Failure> {
    let expected = station::guard(global, true)?.expect_serial;
    match (expected, &row.serial) {
        (Some(expected), Some(serial)) if expected.as_str() != serial => Err(Failure::usage(
            format!("the seed belongs to {serial}, and --expect-serial names {expected}"),
            "use the seed of the token that you mean",
        )),
        _ => Ok(()),
    }
}

/// One seed that was given, with the token that holds it by the record: its profile is then no guess. No inventory is made for that.
///
/// # Errors
/// A failure of an inventory that is there and cannot be read, where it may know the profile: a code of another one would be a wrong code.
fn of_one(global: &Global, row: Row, is_stated: bool, output: &Output) -> Result<Found, Failure> {
    let is_there = match locate(global) {
        Ok(None) => false,
        Ok(Some(Where::File(path, _))) => path.exists(),
        // One on a server is asked, and an address that cannot be used is told.
        #[cfg(feature = "postgres")]
        Ok(Some(Where::Server(_))) => true,
        Err(_) => true,
    };
    if !is_there {
        return Ok(Found { row, read: None, known: None, record: None });
    }
    let looked_up = Record::open(global, Need::Profile, output).and_then(|record| {
        let known = holder_of(&record, &row)?;
        Ok((record, known))
    });
    match looked_up {
        Ok((record, known)) => Ok(Found { row, read: None, known, record: Some(record) }),
        // Nothing of it is needed then.
        Err(failure) if is_stated || (row.hash.is_some() && row.step.is_some()) => {
            output.note(&crate::report::fact(&failure.problem));
            Ok(Found { row, read: None, known: None, record: None })
        }
        Err(failure) => Err(failure),
    }
}

/// The token that holds a seed, by the record.
fn holder_of(record: &Record, row: &Row) -> Result<Option<TokenRecord>, Failure> {
    let Some(books) = record.books() else { return Ok(None) };
    match books.holder(&books.fingerprint_key().of(&row.seed))? {
        Some(holder) => Ok(books.token(&holder)?),
        None => Ok(None),
    }
}

/// Reads the token on the reader: serial and clock, and nothing else.
/// `device` is the kind that is wanted, and its slot, where it is no NFC token.
fn read_token(
    global: &Global,
    record: &Record,
    device: Option<(Wanted, u16)>,
    output: &Output,
) -> Result<Read, Failure> {
    let host = Host::assess(&HostArgs::default())?;
    let guard = station::guard(global, true)?;
    let wanted = device.map_or(Wanted::Token, |(wanted, _)| wanted);
    let desk = Workplace::new(global, &host, record, output).wanting(wanted);
    let clock = host.clock();
    let (report, station) = desk.work(&mut |station| match device {
        None => job::read(&mut *station.device, &clock, &guard, false),
        Some((_, slot)) => job::read_slot(&mut *station.device, &clock, &guard, slot),
    })?;
    let ReadOutcome { info, drift, .. } = report;
    check_seed_there(&info, device.map(|(_, slot)| slot))?;
    Ok(Read { info, drift, reader: station.reader, emulated: station.emulated })
}

/// Whether a slot that is named is there, and shows codes.
///
/// # Errors
/// A usage failure.
fn check_seed_there(info: &Info, slot: Option<u16>) -> Result<(), Failure> {
    let Some(slot) = slot else { return Ok(()) };
    let next = "look which slots hold a seed: tokentap info";
    match &info.slot {
        None => Err(Failure::usage(format!("{info} has no slot {slot}"), next)),
        Some(shown) if shown.has_seed == Some(false) => {
            Err(Failure::usage(format!("{info} holds no seed: it shows no code"), next))
        }
        Some(_) => Ok(()),
    }
}

fn recorded(record: &Record, read: &Read) -> Result<Option<TokenRecord>, Failure> {
    Ok(record
        .recorder(Deed::Verify, &read.reader, read.emulated)
        .token(&SlotKey::of(read.info.serial.as_str(), read.info.slot_number()))?)
}

/// The sealed seed of a token, opened.
fn sealed(
    record: &Record,
    known: Option<&TokenRecord>,
    read: Option<&Read>,
    identity: Option<Identity>,
) -> Result<Row, Failure> {
    let who = match (read, known) {
        (Some(read), _) => read.info.to_string(),
        (None, Some(token)) => token.key.serial.clone(),
        (None, None) => "this token".to_owned(),
    };
    let no_seed = |why, remedy: TokenRemedy| {
        Failure::new(Problem::NoSeed { token: who.clone(), why }, TokenState::Untouched, remedy)
    };
    let not_sealed = || no_seed(None, TokenRemedy::SupplyInstead);
    let token = known.filter(|token| token.held_sealed().is_some()).ok_or_else(not_sealed)?;
    let opener = record.opener(identity).ok_or_else(not_sealed)?;
    let (identity, key) = &*opener;
    open_of(token, key, identity).map_err(|error| no_seed(Some(error), TokenRemedy::OpenAndCheckSeals))
}
