//! `tokentap burn`: seed, profile and clock onto the token, then the code that it must show.

use std::path::{Path, PathBuf};

use super::args::{BurnArgs, Global};
use super::burned::{Burned, Checked};
use super::counted::{self, Counted};
use super::describe;
use super::host::Host;
use super::new_seed::new_seed;
use super::output::Output;
use super::record::{self, Need, Record};
use super::seeds::{check_drop, fields_of, named_files, writable};
use super::settings::{self, Named};
use super::station::{InReach, Workplace};
use super::unused::check_unused;
use super::verify::parse_code;
use super::writing::Writing;
use super::{Ran, device, secret};
use crate::device::{Info, Profile};
use crate::inventory::{Deed, Outcome, SlotKey};
use crate::job::keepers::Keepers;
use crate::job::paths;
use crate::job::remedy::{Again, Remedy};
use crate::job::verify::expected_profile;
use crate::job::{self, Exit, Failure, SeedChoice, WriteOutcome, WritePlan};
use crate::otp::search::TotpProfile;
use crate::otp::{Code, Digits};
use crate::plain::shell_word;
use crate::reader::Wanted;
use crate::report::slip::{self, Card};
use crate::report::{self, BurnReport, WriteReport};
use crate::seed::Seed;
use crate::seedfile::Row;
use crate::time::HostClock;

/// A seed of fewer bytes is not only short: all that there are can be tried.
const GUESSED: usize = 10;

pub fn run(global: &Global, args: &BurnArgs, output: &Output) -> Ran {
    check_paths(global, args)?;
    settings::check_identity(&args.write, args.seed.is_named() || args.generate.is_some(), &args.slot)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let seed = given(args, identity.is_some())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.write.host)?;
    record.ready(global, Need::Must, output)?;
    if args.slot.slot.is_some() {
        device::check_opener(args.write.identity.as_deref(), &record)?;
    }
    let keepers = keepers(args)?;
    slip::check(args.slip.as_ref(), false)?;
    if args.generate.is_some() && keepers.is_empty() && !record.seals()? {
        return Err(Failure::usage(
            "the new seed would exist only on the token",
            "name a file for it with --out FILE or --to FORMAT=FILE, or let the inventory keep it: tokentap inventory init --recipient age1…",
        ));
    }
    let new_row = seed.as_ref().filter(|_| args.generate.is_some()).and_then(SeedChoice::one);
    let new_row = new_row.map(|row| Row { slot: args.slot.slot, ..row.clone() });
    let named = Named { seed, opener: record.opener(identity), now: host.clock().now().wall };
    let mut write = settings::burn(global, args, named)?.prepare()?;
    let digits = write.terms.wish.digits.and_then(Digits::of_count).unwrap_or_default();
    let typed = Typed::of(args, digits)?;
    if let Some(first) = keepers.first() {
        write.again = Again::WithKeptSeed(first.to_owned());
    }
    let profile = write.config.map_or(Profile::FACTORY, |config| config.profile);
    keepers.rehearse(new_row.as_ref(), write.user.as_deref(), profile)?;
    let writing = Writing::new(global, &host, &record, write, output);
    let wanted = match () {
        () if args.hotp => Wanted::HotpKey,
        () if args.slot.slot.is_some() => Wanted::Molto2,
        () => Wanted::Token,
    };
    let desk = Workplace::new(global, &host, &record, output).wanting(wanted);
    if global.dry_run {
        return desk.work(&mut |station| writing.show(station)).map(|(exit, _)| exit);
    }
    let burned = burn(&writing, desk, &keepers)?;
    report(&writing, args, &burned, typed)
}

/// The codes of `--verify`.
enum Typed {
    None,
    Code(Code),
    Two([Code; 2]),
}

impl Typed {
    fn of(args: &BurnArgs, digits: Digits) -> Result<Self, Failure> {
        let Some(text) = args.verify.as_deref() else { return Ok(Self::None) };
        match (args.hotp, args.slot.slot) {
            (true, _) => counted::typed(text, digits).map(Self::Two),
            (false, None) => parse_code(text).map(Self::Code),
            (false, Some(_)) => Code::of_digits(text, digits)
                .map(Self::Code)
                .map_err(|error| Failure::usage(error.to_string(), "type the digits that the slot shows")),
        }
    }
}

/// The burn, and its place.
struct Done {
    outcome: WriteOutcome,
    reader: String,
    emulated: bool,
    seed: Seed,
    /// The profile of the display.
    profile: TotpProfile,
    /// The digits of its codes.
    digits: Digits,
    user: Option<String>,
}

/// The files that a new seed goes into before it is burned.
fn keepers(args: &BurnArgs) -> Result<Keepers, Failure> {
    let mut files = Vec::new();
    if let Some(out) = &args.out {
        files.push((writable("csv")?, out.clone()));
    }
    files.extend(named_files(&args.to)?);
    let formats: Vec<_> = files.iter().map(|(format, _)| *format).collect();
    let dropped = fields_of(&args.drop)?;
    check_drop(&dropped, &formats)?;
    Keepers::new(files, dropped)
}

/// Burns the token; a new seed is in its files before that. The reader is free again afterwards.
fn burn(writing: &Writing<'_>, desk: Workplace<'_>, keepers: &Keepers) -> Result<Done, Failure> {
    let user = writing.write.user.clone();
    let mut kept = false;
    let mut sent = None;
    let mut digits = None;
    let mut before = |info: &Info, plan: &WritePlan| {
        if plan.config.is_some() && info.can.has_clock() {
            writing.host.warn(writing.output);
        }
        sent = plan.seed.clone().map(|seed| (seed, plan.stated));
        digits = plan.wish.digits;
        match &plan.seed {
            Some(seed) if !keepers.is_empty() => {
                let profile = plan.config.map(|config| config.profile);
                let row = job::row_of(seed.clone(), info, profile, user.clone()).with_digits(plan.wish.digits);
                keepers.keep(&row).inspect(|()| kept = true)
            }
            _ => Ok(()),
        }
    };
    let result = desk.work(&mut |station| writing.run(station, &mut before));
    let (outcome, station) = result.map_err(|failure| match keepers.first() {
        Some(first) if kept => kept_though_failed(failure, first),
        _ => failure,
    })?;
    let InReach { reader, emulated, device, .. } = station;
    drop(device);
    let Some((seed, stated)) = sent else {
        return Err(Failure::usage("no seed was burned", "supply one with --seed-file FILE"));
    };
    let profile = match &outcome.config {
        Some(config) => TotpProfile { hash: config.profile.hash(), step: config.profile.step() },
        None => expected_profile(stated.hash, stated.step),
    };
    let digits = digits.and_then(Digits::of_count).unwrap_or_default();
    Ok(Done { outcome, reader, emulated, seed, profile, digits, user })
}

/// Tells what was burned, and checks the code on the display.
fn report(writing: &Writing<'_>, args: &BurnArgs, done: &Done, typed: Typed) -> Ran {
    let (output, host) = (writing.output, writing.host);
    let Done { outcome, seed, profile, .. } = done;
    output.text(&report::line(outcome, done.emulated));
    let clock = host.clock();
    let counts = !outcome.info.can.has_clock();
    let burned = Burned { seed, profile: *profile, digits: done.digits, outcome, clock: &clock };
    if !counts {
        output.text(&burned.codes().words());
    }
    if args.show_secrets {
        output.text(&format!("seed    {}", seed.to_base32().as_str()));
    }
    if let Some(path) = &args.slip {
        write_slip(path, args.with_secret, done, output);
    }
    let (code, two) = match typed {
        Typed::None => (None, None),
        Typed::Code(code) => (Some(code), None),
        Typed::Two(two) => (None, Some(two)),
    };
    let checked = if counts { Checked::Unchecked } else { burned.check(code, args, output) };
    let counted = if counts { counted::check(seed, done.digits, two, args, output) } else { Counted::Unchecked };
    let (verify, judged) = match &checked {
        Checked::Unchecked => (None, counted.judged()),
        Checked::Right(verdict) => (Some(verdict.into()), Some(Outcome::Right)),
        Checked::Wrong(verdict) => (Some(verdict.into()), Some(Outcome::Wrong)),
    };
    let whole = BurnReport {
        write: WriteReport::of(outcome, &done.reader, done.emulated).with_host_clock(&host.standing),
        seed_bytes: seed.len(),
        codes: (!counts).then(|| burned.codes()),
        secret: args.show_secrets.then(|| seed.to_base32().as_str().to_owned()),
        verify,
        next_counter: counted.next(),
    };
    if let Some(judged) = judged {
        let recorder = writing.record.recorder(Deed::Verify, &done.reader, done.emulated);
        let key = SlotKey::of(outcome.info.serial.as_str(), outcome.info.slot_number());
        if let Err(error) = recorder.note(clock.now().wall, &key, judged, None) {
            output.note(&record::unrecorded(&error, "the check is not recorded"));
        }
    }
    if seed.len() < GUESSED {
        output.note(&format!(
            "the seed has only {}: it can be computed from a few codes; let the server make a longer one",
            describe::counted(seed.len() as u64, "byte")
        ));
    }
    if let Checked::Wrong(verdict) = &checked {
        return Err(burned.wrong(verdict));
    }
    match counted {
        Counted::Wrong => return Err(counted::wrong(&outcome.info)),
        Counted::Right(next) => output.text(&counted::words(next)),
        Counted::Unchecked => {}
    }
    if output.is_json() {
        output.report(&whole);
    } else if matches!((&checked, &counted), (Checked::Unchecked, Counted::Unchecked)) {
        output.text(if counts { "no codes of the key were checked" } else { "the displayed code was not checked" });
    }
    report::remarks(outcome, Deed::Burn, &[]).iter().for_each(|remark| output.note(remark));
    Ok(Exit::Done)
}

/// The user's slip. That it is missing changes nothing on the token.
fn write_slip(path: &Path, with_secret: bool, done: &Done, output: &Output) {
    let (serial, user) = (done.outcome.info.serial.to_string(), done.user.clone());
    let seed = with_secret.then(|| Row {
        account: user.clone().or_else(|| Some(serial.clone())),
        hash: Some(done.profile.hash),
        step: Some(done.profile.step),
        digits: u32::try_from(done.digits.count()).ok(),
        ..job::row_of(done.seed.clone(), &done.outcome.info, None, user.clone())
    });
    match slip::save(path, &[Card { user, serial, seed }], false) {
        Ok(()) => output.text(&format!("slip    {}", shell_word(path))),
        Err(failure) => output.note(&format!("{}; {}", report::fact(&failure.problem), report::state(&failure.state))),
    }
}

/// Whether the new seed's file is another one than all that are read.
fn check_paths(global: &Global, args: &BurnArgs) -> Result<(), Failure> {
    let inventory = record::path(global).ok().flatten();
    let reads = [
        ("the inventory", inventory.as_deref()),
        ("--identity", args.write.identity.as_deref()),
        ("--token-key", args.write.token_key.as_deref()),
    ];
    let files: Vec<PathBuf> = args.to.iter().filter_map(|to| to.split_once('=')).map(|(_, file)| file.into()).collect();
    let mut writes: Vec<paths::Named<'_>> = vec![("--out", args.out.as_deref()), ("--slip", args.slip.as_deref())];
    writes.extend(files.iter().map(|file| ("--to", Some(file.as_path()))));
    paths::check(&reads, &writes)
}

/// The seed that the arguments name; none where the inventory's is meant.
fn given(args: &BurnArgs, has_identity: bool) -> Result<Option<SeedChoice>, Failure> {
    if args.out.is_some() && args.generate.is_none() {
        return Err(Failure::usage("--out keeps a new seed", "use --generate too, or remove --out"));
    }
    if args.generate.is_some() {
        check_unused(&args.seed, "a new seed is made")?;
    }
    match args.generate {
        Some(bytes) => new_seed(bytes, args.profile.hash).map(|row| Some(SeedChoice::One(Box::new(row)))),
        None if has_identity => secret::from_args(&args.seed, false),
        None => secret::from_args_or_prompt(&args.seed, false).map(Some),
    }
}

/// A failure after a new seed was kept: the file stays, and is what the next try takes.
fn kept_though_failed(failure: Failure, out: &Path) -> Failure {
    let again = Again::WithKeptSeed(out.to_owned());
    let is_said = failure.remedies.iter().any(|remedy| remedy.again() == Some(&again));
    let state = failure.state.clone().with_seed_kept(out.to_owned());
    let failure = failure.in_state(state);
    if is_said { failure } else { failure.and(Remedy::Retry(again)) }
}
