//! `tokentap selftest`: tries a spare token, for a report to hand on.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::args::{Global, SelftestArgs};
use super::describe;
use super::host::Host;
use super::output::Output;
use super::record::{Need, Record, joined};
use super::station::{self, InReach, Workplace};
use super::verify::parse_code;
use super::{Ran, interrupt, prompt, secret};
use crate::device::Info;
use crate::files::{beside, is_device_on_windows};
use crate::inventory::Deed;
use crate::job::remedy::TokenRemedy;
use crate::job::selftest::{Asked, Bench, Contact, Part, Place, Selftest, Shown};
use crate::job::{Again, Exit, Failure, Guard, TokenState};
use crate::report::{self, Envelope, Report, SCHEMA, SelftestReport, TestedBy, part_words};
use crate::time::{HostClock, UnixTime};

/// How often the serial may be mistyped.
const CONSENT_TRIES: u32 = 3;

pub fn run(global: &Global, args: &SelftestArgs, output: &Output) -> Ran {
    let guard = station::guard(global, args.allow_unknown_model)?;
    check_can_begin(global, args, output)?;
    let files = Files::new(args.out.as_deref())?;
    let key = secret::token_key(args.token_key.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.host)?;
    record.ready(global, if args.read_only { Need::Reading } else { Need::Must }, output)?;
    let Guard { expect_serial, .. } = &guard;
    let serial = expect_serial.as_ref().filter(|_| args.erase).map(ToString::to_string);
    let workplace = Workplace::new(global, &host, &record, output);
    let (may_erase, in_hand) = (serial, None);
    let mut bench = Reader { workplace, host: &host, record: &record, output, may_erase, in_hand };
    let test = Selftest {
        only_reads: args.read_only,
        guard,
        replaces_seed: args.replace_seed,
        tries_again: args.try_again,
        key,
    };
    let tested = test.run(&mut bench)?;
    drop(bench);
    let report = SelftestReport::of(
        &tested,
        TestedBy {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            day: host.clock().now().wall.format("%Y-%m-%d").to_string(),
            host_synchronised: host.standing.kernel.synchronised,
        },
    );
    output.report(&report);
    // The report names no token; the person in front of it needs to know.
    for (part, failure) in tested.failures() {
        output.note(&format!("{part}: {}", report::fact(&failure.problem)));
    }
    match files.write(&report) {
        Ok(()) => output.note(&format!(
            "the report is in {} and {}; it has no seed in it, and only the beginning of the serial",
            describe::path(&files.text),
            describe::path(&files.json)
        )),
        // What was printed says how the token was left.
        Err(what) => {
            output.note(&format!("{what}; copy what was printed"));
            return Ok(Exit::Fault);
        }
    }
    Ok(report.exit())
}

/// Whether somebody can say what may be erased, and it is a token that remembers from one contact to the next.
fn check_can_begin(global: &Global, args: &SelftestArgs, output: &Output) -> Result<(), Failure> {
    if global.reader.as_deref() == Some("emulated") {
        return Err(Failure::usage(
            "an emulated token without a file forgets everything between two parts of the test",
            "make one with a file: tokentap emulate --create --state FILE; then use --reader emulated:FILE",
        ));
    }
    if args.erase && global.expect_serial.is_none() {
        return Err(Failure::usage("--erase needs the serial of the token", "name it: --expect-serial SERIAL"));
    }
    let can_ask = prompt::has_person() && !output.is_json();
    match args.read_only || args.erase || can_ask {
        true => Ok(()),
        false => Err(Failure::usage(
            "the test erases the token, and nobody is there to be asked",
            "run it at a terminal without --json, or use --read-only, or --erase --expect-serial SERIAL",
        )),
    }
}

/// The name of a report where none was chosen; a second one gets a number.
const USUAL_NAME: &str = "tokentap-selftest";

/// The report's files, which are not there yet.
struct Files {
    text: PathBuf,
    json: PathBuf,
}

impl Files {
    /// The files of this name, or the first of the usual names that is free: found out before anything else.
    ///
    /// # Errors
    /// A failure where one of them is there already, or cannot be made.
    fn new(name: Option<&Path>) -> Result<Self, Failure> {
        let Some(name) = name else {
            let numbered = (2..).map(|number| format!("{USUAL_NAME}-{number}"));
            let names = std::iter::once(USUAL_NAME.to_owned()).chain(numbered);
            let mut free = names.map(|name| Self::named(Path::new(&name))).filter(|files| !files.is_there());
            return free.next().map_or(Err(no_name()), Self::tried);
        };
        // Whoever names one of the two files means both.
        let is_whole = name.extension().is_some_and(|ending| ending == "txt" || ending == "json");
        let files = Self::named(&if is_whole { name.with_extension("") } else { name.to_owned() });
        let is_folder = name.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        if is_folder || name.file_name().is_none() || (cfg!(windows) && is_device_on_windows(name)) {
            return Err(no_name());
        }
        if files.is_there() {
            let fact = format!("{} or {} exists already", describe::path(&files.text), describe::path(&files.json));
            return Err(Failure::file(fact, "name another report: --out NAME"));
        }
        files.tried()
    }

    fn named(name: &Path) -> Self {
        Self { text: beside(name, ".txt"), json: beside(name, ".json") }
    }

    fn is_there(&self) -> bool {
        [&self.text, &self.json].iter().any(|file| file.symlink_metadata().is_ok())
    }

    /// The same files, after it was seen that they can be made.
    fn tried(self) -> Result<Self, Failure> {
        for file in [&self.text, &self.json] {
            let made = std::fs::File::create_new(file).and_then(|_| std::fs::remove_file(file));
            made.map_err(|error| {
                let fact = format!("the report cannot be written to {}: {error}", describe::path(file));
                Failure::file(fact, "name another report, in a folder that you may write to: --out NAME")
            })?;
        }
        Ok(self)
    }

    /// Writes the report; what went wrong, in words.
    fn write(&self, report: &SelftestReport) -> Result<(), String> {
        let envelope = Envelope { schema: SCHEMA, command: "selftest", report };
        let json = serde_json::to_string_pretty(&envelope).unwrap_or_default();
        for (file, content) in [(&self.text, report.text()), (&self.json, json)] {
            let written = std::fs::File::create_new(file).and_then(|mut to| writeln!(to, "{content}"));
            written.map_err(|error| format!("the report cannot be written to {}: {error}", describe::path(file)))?;
        }
        Ok(())
    }
}

fn no_name() -> Failure {
    Failure::usage("--out is no name of a file", "use one such as --out report")
}

/// A reader, and the person in front of it.
struct Reader<'a> {
    workplace: Workplace<'a>,
    host: &'a Host,
    record: &'a Record,
    output: &'a Output,
    /// The serial of the token that may be erased without a question.
    may_erase: Option<String>,
    /// The serial of the token that is written to from now on.
    in_hand: Option<String>,
}

impl Reader<'_> {
    /// Whether somebody can be asked.
    fn has_person(&self) -> bool {
        prompt::has_person() && !self.output.is_json()
    }

    fn ask(&self, question: &str) -> Option<String> {
        if !self.has_person() {
            return None;
        }
        prompt::line(question, TokenState::InTest, TokenRemedy::TestAgain)
    }
}

impl Bench for Reader<'_> {
    fn at_token<T>(&mut self, work: &mut Contact<'_, T>) -> Result<T, Failure> {
        let (host, record, in_hand) = (self.host, self.record, self.in_hand.clone());
        let done = self.workplace.work_once(&mut |station: &mut InReach| {
            let mut recorder = record.recorder(Deed::Burn, &station.reader, station.emulated);
            recorder.remark = joined(record.remark(host.remark()), Some("by tokentap selftest".to_owned()));
            let clock = host.clock();
            let place = Place { host: &clock, recorder, reader: &station.reader, emulated: station.emulated };
            // Ctrl-C waits for a token in hand.
            in_hand.iter().for_each(|serial| interrupt::stop().take(serial));
            let done = work(&mut *station.device, place);
            in_hand.iter().for_each(|serial| interrupt::stop().let_go(serial));
            done
        });
        done.map(|(done, _)| done)
    }

    fn consent(&mut self, info: &Info, user: Option<&str>) -> Result<(), Failure> {
        self.host.warn(self.output);
        let serial = info.serial.as_str();
        self.in_hand = Some(serial.to_owned());
        if self.may_erase.as_deref() == Some(serial) {
            return Ok(());
        }
        let owner = user.map_or_else(
            || "nobody can sign in with this one afterwards".to_owned(),
            |user| {
                format!(
                    "by the inventory this one is {}'s, who cannot sign in with it afterwards",
                    describe::plain(user)
                )
            },
        );
        let mut question = format!(
            "This erases the token {info}: its seed is lost for good, profile and clock are set, and throw-away seeds are burned. \
             Use a spare token: {owner}. After a reset one write is sent without the key; a token might count that as a wrong \
             answer.\nType its serial to go on: "
        );
        for _ in 0..CONSENT_TRIES {
            let Some(answer) = prompt::line(&question, TokenState::Untouched, Again::Same) else { break };
            if describe::without_blanks(&answer) == serial {
                return Ok(());
            }
            question = format!("That is not its serial, {serial}. Type it to go on: ");
        }
        let fact = "the test was not wanted: its serial was not typed";
        Err(Failure::usage(fact, "to test a token, run the same command again").in_state(TokenState::Untouched))
    }

    fn begins(&mut self, part: Part) {
        self.output.note(&part_words(&part));
    }

    fn shown(&mut self, asked: Asked) -> Option<Shown> {
        let mut question = match asked {
            Asked::First => "Take the token off, and switch it off and on.",
            Asked::FitsNothing => "That code fits nothing. Switch it off and on once more.",
            Asked::Later => "That is the code of before. Wait for the next one.",
            Asked::ReallyNone => "To be sure, switch it off and on once more.",
        };
        loop {
            let text = format!("{question} The code on its display (none if it shows no code; Enter to skip): ");
            let answer = self.ask(&text)?;
            if answer.eq_ignore_ascii_case("none") || answer.bytes().all(|byte| byte == b'-') {
                return Some(Shown::Nothing);
            }
            match parse_code(&answer) {
                Ok(code) => return Some(Shown::Code(code)),
                Err(_) => question = "That is no code of six digits.",
            }
        }
    }

    fn moved(&mut self) -> bool {
        let mut question = "Take the token off the reader, wait ten seconds, switch it on and lay it back.\n\
                            Type back when it is on the reader again (Enter to skip): ";
        loop {
            match self.ask(question) {
                None => return false,
                Some(answer) if answer.eq_ignore_ascii_case("back") => return true,
                Some(_) => question = "Type back when it is on the reader again (Enter to skip): ",
            }
        }
    }

    fn now(&self) -> UnixTime {
        self.host.clock().now().wall
    }

    fn is_over(&self) -> bool {
        interrupt::asked()
    }
}
