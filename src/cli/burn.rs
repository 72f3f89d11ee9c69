//! `tokentap burn`: seed, profile and clock onto the token, then the code that it must show.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::args::{BurnArgs, ChoiceArgs, Global, HashArg};
use super::describe::{self};
use super::host::Host;
use super::keepers::Keepers;
use super::output::Output;
use super::record::{self, Need, Record};
use super::secret::Given;
use super::slip::{self, Card};
use super::station::{Contact, Workplace};
use super::unused::{check_unused, unused};
use super::verify::parse_code;
use super::writing::Writing;
use super::{Ran, paths, plan, prompt, secret};
use crate::inventory::{Deed, Outcome};
use crate::job::batch::fresh_seed;
use crate::job::remedy::{Again, Remedy, TokenRemedy};
use crate::job::verify::{Verdict, WINDOW_S, expected_profile, judge, token_time};
use crate::job::{self, Completion, ConfigPlan, Exit, Failure, Problem, TokenState, WriteOutcome, WritePlan};
use crate::otp::search::TotpProfile;
use crate::otp::{Code, Digits, totp};
use crate::plain::shell_word;
use crate::report::{self, BurnReport, CodesReport, verdict_words};
use crate::seed::{Seed, TOKEN_MAX_BYTES};
use crate::seedfile::Row;
use crate::time::HostClock;
use crate::token::Info;

/// A seed of fewer bytes is not only short: all that there are can be tried.
const GUESSED: usize = 10;

/// How often a person may mistype, or forget to switch the token off and on.
const TRIES: usize = 3;

pub fn run(global: &Global, args: &BurnArgs, output: &Output) -> Ran {
    let typed = args.verify.as_deref().map(parse_code).transpose()?;
    check_paths(global, args)?;
    let identity = record::identity(args.write.identity.as_deref())?;
    let given = given(args, identity.is_some())?;
    let host = Host::assess(&args.write.host)?;
    let clock = host.clock();
    let record = Record::open(global, Need::Must, output)?;
    let keepers = Keepers::of(args)?;
    slip::check(args.slip.as_ref(), false)?;
    if args.generate.is_some() && keepers.is_empty() && !record.seals()? {
        return Err(Failure::usage(
            "a new seed would be nowhere but on the token",
            "name a file for it with --out FILE or --to FORMAT=FILE, or let the inventory keep it: tokentap inventory init --recipient age1…",
        ));
    }
    let opener = record.opener(identity);
    let mut desk = Workplace::new(global, &host, &record, output);
    let row = given.map(|given| desk.row_for(given)).transpose()?;
    let wish = plan::wish(&args.profile, row.as_ref())?;
    let (profile, from) = wish.resolve(None)?;
    let config = if args.seed_only {
        None
    } else {
        let clock_plan = plan::clock_plan(&args.clock, &clock, args.write.allow_other_time)?;
        Some(ConfigPlan { profile, from, clock: clock_plan })
    };
    if args.generate.is_some() && args.write.allow_short_seed {
        return Err(unused("--allow-short-seed", "a new seed is never short"));
    }
    // The user of a seed that names none is told with --user.
    let choice = ChoiceArgs { user: None, ..args.seed.choice.clone() };
    plan::check_used(&args.write, &choice, row.as_ref(), config.map(|config| config.clock))?;
    let mut plan =
        WritePlan { fine: args.precise, ..plan::make(global, config, row.as_ref(), &args.seed.choice, &args.write)? };
    if let Some(first) = keepers.first() {
        plan.again = Again::WithKeptSeed(first.to_owned());
    }
    let user = row.as_ref().and_then(|row| row.user.clone()).or_else(|| args.seed.choice.user.clone());
    let burns_sealed = row.is_none();
    keepers.rehearse(row.as_ref(), user.as_deref(), profile)?;
    let completion = Completion { wish, learns: true, opener: opener.as_ref(), burns_sealed };
    let whose = user.clone();
    let writing = Writing {
        global,
        host: &host,
        record: &record,
        plan,
        completion,
        deed: Deed::Burn,
        user,
        flags: plan::wish(&args.profile, None)?,
        replaces_seed: args.replace_seed,
        reassigns: args.reassign,
        confirmed: RefCell::default(),
        output,
    };

    if global.dry_run {
        return desk.work(&mut |station| writing.show(station)).map(|(exit, _)| exit);
    }
    let mut recorded = false;
    let mut burned_seed = None;
    let mut before = |info: &Info, plan: &WritePlan| {
        if plan.config.is_some() {
            host.warn(output);
        }
        burned_seed.clone_from(&plan.seed);
        match &plan.seed {
            Some(seed) if !keepers.is_empty() => {
                let profile = plan.config.map(|config| config.profile);
                let row = job::row_of(seed.clone(), info, profile, whose.clone());
                keepers.keep(&row).inspect(|()| recorded = true)
            }
            _ => Ok(()),
        }
    };
    let result = desk.work(&mut |station| writing.run(station, &mut before));
    let (report, station) = result.map_err(|failure| match keepers.first() {
        Some(first) if recorded => kept_though_failed(failure, first),
        _ => failure,
    })?;
    // The reader is free again while somebody types.
    let Contact { reader, emulated, link } = station;
    drop(link);
    let Some(seed) = burned_seed else {
        return Err(Failure::usage("no seed was burned", "give one with --seed-file FILE"));
    };

    output.text(&report::line(&report, emulated));
    let profile = shown_profile(&report, row.as_ref());
    let with_config = report.config.is_some();
    let burned = Burned { seed: &seed, profile, report: &report, clock: &clock, with_config };
    output.text(&burned.codes().words());
    if args.show_secrets {
        output.text(&format!("seed    {}", seed.to_base32().as_str()));
    }
    if let Some(path) = &args.slip {
        let (serial, account) = (report.info.serial.to_string(), whose.clone());
        let made = args.with_secret.then(|| Row {
            account: account.or_else(|| Some(serial.clone())),
            hash: Some(profile.hash),
            step: Some(profile.step),
            ..job::row_of(seed.clone(), &report.info, None, whose.clone())
        });
        match slip::save(path, &[Card { user: whose.clone(), serial, seed: made }], false) {
            Ok(()) => output.text(&format!("slip    {}", shell_word(path))),
            Err(failure) => {
                output.note(&format!("{}; {}", report::fact(&failure.problem), report::state(&failure.state)));
            }
        }
    }
    let checked = burned.check(typed, args, output);
    let (verify, outcome) = match &checked {
        Checked::Unchecked => (None, None),
        Checked::Right(verdict) => (Some(verdict.into()), Some(Outcome::Right)),
        Checked::Wrong(verdict) => (Some(verdict.into()), Some(Outcome::Wrong)),
    };
    let whole = BurnReport {
        write: report::WriteReport::of(&report, &reader, emulated).with_host_clock(&host.standing),
        seed_bytes: seed.len(),
        codes: burned.codes(),
        secret: args.show_secrets.then(|| seed.to_base32().as_str().to_owned()),
        verify,
    };
    if let Some(outcome) = outcome {
        let recorder = record.recorder(Deed::Verify, &reader, emulated);
        if let Err(error) = recorder.note(clock.now().wall, report.info.serial.as_str(), outcome, None) {
            output.note(&record::unrecorded(&error, "the check is not recorded"));
        }
    }
    if seed.len() < GUESSED {
        output.note(&format!(
            "the seed has only {}: it can be computed from a few codes; have the server give a longer one",
            describe::counted(seed.len() as u64, "byte")
        ));
    }
    match checked {
        Checked::Wrong(verdict) => Err(wrong(&verdict, &report.info, burned.accepted(false))),
        right => {
            if output.is_json() {
                output.report(&whole);
            } else if matches!(right, Checked::Unchecked) {
                output.text("the displayed code was not checked");
            }
            report::remarks(&report, Deed::Burn).iter().for_each(|remark| output.note(remark));
            Ok(Exit::Done)
        }
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
fn given(args: &BurnArgs, has_identity: bool) -> Result<Option<Given>, Failure> {
    if args.out.is_some() && args.generate.is_none() {
        return Err(Failure::usage("--out keeps a new seed", "use --generate too, or leave --out out"));
    }
    if args.generate.is_some() {
        check_unused(&args.seed, "a new seed is made")?;
    }
    match args.generate {
        Some(bytes) => new_seed(bytes, args.profile.hash).map(|row| Some(Given::One(Box::new(row)))),
        None if has_identity => secret::from_args(&args.seed, false),
        None => secret::from_args_or_prompt(&args.seed, false).map(Some),
    }
}

/// How many bytes a new seed has: so many, or as many as are usual for the hash.
///
/// # Errors
/// A usage failure for a length that is not made.
pub fn seed_length(bytes: Option<usize>, hash: Option<HashArg>) -> Result<usize, Failure> {
    let usual = if matches!(hash, Some(HashArg::Sha256)) { 32 } else { 20 };
    let count = bytes.unwrap_or(usual);
    if !(16..=TOKEN_MAX_BYTES).contains(&count) {
        return Err(Failure::usage(
            format!("a new seed must have 16 to {TOKEN_MAX_BYTES} bytes, not {count}"),
            format!("give 16 (RFC 4226, section 4, R6) to {TOKEN_MAX_BYTES} bytes; 20 is usual, 32 for SHA-256"),
        ));
    }
    Ok(count)
}

/// A new seed from the operating system's generator.
///
/// # Errors
/// A failure for a length that is not made, or of the generator.
pub fn new_seed(bytes: Option<usize>, hash: Option<HashArg>) -> Result<Row, Failure> {
    fresh_seed(seed_length(bytes, hash)?).map(Row::of_seed)
}

/// A failure after a new seed was kept: the file stays, and is what the next try takes.
fn kept_though_failed(failure: Failure, out: &Path) -> Failure {
    let again = Again::WithKeptSeed(out.to_owned());
    let is_said = failure.remedies.iter().any(|remedy| remedy.again() == Some(&again));
    let state = failure.state.clone().with_seed_kept(out.to_owned());
    let failure = failure.in_state(state);
    if is_said { failure } else { failure.and(Remedy::Retry(again)) }
}

/// What the display counts with: as written, or as the seed states, or the factory's.
fn shown_profile(report: &WriteOutcome, row: Option<&Row>) -> TotpProfile {
    match &report.config {
        Some(config) => TotpProfile { hash: config.profile.hash(), step: config.profile.step() },
        None => expected_profile(row.and_then(|row| row.hash), row.and_then(|row| row.step)),
    }
}

/// A token whose seed was just burned.
struct Burned<'a> {
    seed: &'a Seed,
    profile: TotpProfile,
    report: &'a WriteOutcome,
    clock: &'a dyn HostClock,
    /// Profile and clock were written too.
    with_config: bool,
}

enum Checked {
    Unchecked,
    Right(Verdict),
    Wrong(Verdict),
}

impl Burned<'_> {
    /// The token's own time now, in Unix seconds.
    fn token_time(&self) -> i64 {
        token_time(self.clock.now().wall, self.report.after)
    }

    fn code_at(&self, time: i64) -> Code {
        totp(self.seed, self.profile.hash, self.profile.step, Digits::Six, time)
    }

    fn codes(&self) -> CodesReport {
        let (now, step) = (self.token_time(), self.profile.step);
        CodesReport {
            now: self.code_at(now).to_string(),
            next: self.code_at(now + i64::from(step.seconds())).to_string(),
            seconds_left: step.seconds_left(now),
        }
    }

    /// What the token has accepted.
    fn accepted(&self, unchecked: bool) -> TokenState {
        TokenState::Accepted { config: self.with_config, unchecked }
    }

    /// Compares what the display shows: the code given, or those that a person types.
    fn check(&self, typed: Option<Code>, args: &BurnArgs, output: &Output) -> Checked {
        let judged = |code| judge(self.seed, self.profile, &[code], self.token_time(), WINDOW_S);
        let accept = self.profile.step.seconds();
        if let Some(code) = typed {
            let verdict = judged(code);
            if !verdict.is_accepted(accept) {
                return Checked::Wrong(verdict);
            }
            output.text(&verdict_words(&verdict, WINDOW_S));
            return Checked::Right(verdict);
        }
        if args.no_verify || output.is_json() || !prompt::has_person() {
            return Checked::Unchecked;
        }
        let mut last = Checked::Unchecked;
        for _ in 0..TRIES {
            let question = "Code on the display (Enter to skip): ";
            let Some(answer) = prompt::line(question, self.accepted(true), "check it later with tokentap verify")
            else {
                return last;
            };
            let Ok(code) = parse_code(&answer) else {
                output.note("a code has 6 digits");
                continue;
            };
            let verdict = judged(code);
            output.text(&verdict_words(&verdict, WINDOW_S));
            if verdict.is_accepted(accept) {
                return Checked::Right(verdict);
            }
            output.note("was the token switched off and on since it was burned?");
            last = Checked::Wrong(verdict);
        }
        last
    }
}

fn wrong(verdict: &Verdict, info: &Info, accepted: TokenState) -> Failure {
    let problem = Problem::WrongCode { verdict: Box::new(verdict.clone()), window_s: WINDOW_S, token: info.clone() };
    Failure::new(problem, accepted, TokenRemedy::CheckAgain)
}
