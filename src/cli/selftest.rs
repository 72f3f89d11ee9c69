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
use crate::files::beside;
use crate::inventory::Deed;
use crate::job::remedy::TokenRemedy;
use crate::job::selftest::{Bench, Contact, Part, Place, Selftest, Shown};
use crate::job::{Again, Failure, Guard, TokenState};
use crate::report::{Envelope, Report, SCHEMA, SelftestReport, TestedBy, part_words};
use crate::time::{HostClock, UnixTime};

pub fn run(global: &Global, args: &SelftestArgs, output: &Output) -> Ran {
    let guard = station::guard(global, args.allow_unknown_model)?;
    check_can_begin(global, args, output)?;
    let files = Files::new(&args.out)?;
    let key = secret::token_key(args.token_key.as_deref())?;
    let record = Record::begin(global);
    let host = Host::assess(&args.host)?;
    record.ready(global, if args.read_only { Need::Reading } else { Need::Must }, output)?;
    let Guard { expect_serial, .. } = &guard;
    let serial = expect_serial.as_ref().filter(|_| args.erase).map(ToString::to_string);
    let workplace = Workplace::new(global, &host, &record, output);
    let mut bench = Reader { workplace, host: &host, record: &record, output, may_erase: serial };
    let test = Selftest { only_reads: args.read_only, guard, replaces_seed: args.replace_seed, key };
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
    files.write(&report)?;
    output.note(&format!(
        "the report is in {} and {}; it has no seed in it, and no more of the serial than the model's digits",
        describe::path(&files.text),
        describe::path(&files.json)
    ));
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

/// The report's files, which are not there yet.
struct Files {
    text: PathBuf,
    json: PathBuf,
}

impl Files {
    /// The files of this name: found out before anything else.
    ///
    /// # Errors
    /// A failure where one of them is there already, or their folder is not.
    fn new(name: &Path) -> Result<Self, Failure> {
        let files = Self { text: beside(name, ".txt"), json: beside(name, ".json") };
        for file in [&files.text, &files.json] {
            if file.symlink_metadata().is_ok() {
                let fact = format!("{} exists already", describe::path(file));
                return Err(Failure::file(fact, "name another report: --out NAME"));
            }
        }
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        match folder.map(Path::is_dir) {
            Some(false) => Err(Failure::file(
                format!("there is no folder for {}", describe::path(&files.text)),
                "make it, or name another report: --out NAME",
            )),
            _ => Ok(files),
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// A failure of a file; the report was printed by then.
    fn write(&self, report: &SelftestReport) -> Result<(), Failure> {
        let envelope = Envelope { schema: SCHEMA, command: "selftest", report };
        let json = serde_json::to_string_pretty(&envelope).unwrap_or_default();
        for (file, content) in [(&self.text, report.text()), (&self.json, json)] {
            let written = std::fs::File::create_new(file).and_then(|mut to| writeln!(to, "{content}"));
            written.map_err(|error| {
                let fact = format!("the report cannot be written to {}: {error}", describe::path(file));
                // What was printed says how the token was left.
                let state = match report.left {
                    "untouched" => TokenState::Untouched,
                    _ => TokenState::Written { config: true, seed: true },
                };
                Failure::file(fact, "copy what was printed").in_state(state)
            })?;
        }
        Ok(())
    }
}

/// A reader, and the person in front of it.
struct Reader<'a> {
    workplace: Workplace<'a>,
    host: &'a Host,
    record: &'a Record,
    output: &'a Output,
    /// The serial of the token that may be erased without a question.
    may_erase: Option<String>,
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
        let (host, record) = (self.host, self.record);
        let done = self.workplace.work_once(&mut |station: &mut InReach| {
            let mut recorder = record.recorder(Deed::Burn, &station.reader, station.emulated);
            recorder.remark = joined(record.remark(host.remark()), Some("by tokentap selftest".to_owned()));
            let clock = host.clock();
            let place = Place { host: &clock, recorder, reader: &station.reader, emulated: station.emulated };
            work(&mut *station.device, place)
        });
        done.map(|(done, _)| done)
    }

    fn consent(&mut self, info: &Info) -> Result<(), Failure> {
        self.host.warn(self.output);
        let serial = info.serial.as_str();
        if self.may_erase.as_deref() == Some(serial) {
            return Ok(());
        }
        let question = format!(
            "This erases the token {info}: its seed is lost for good, profile and clock are set, and throw-away seeds are burned. \
             Use a spare token: nobody can sign in with this one afterwards. After a reset one write is sent without the key; a \
             token might count that as a wrong answer.\nType its serial to go on: "
        );
        let answer = prompt::line(&question, TokenState::Untouched, Again::Same);
        match answer.is_some_and(|answer| describe::without_blanks(&answer) == serial) {
            true => Ok(()),
            false => Err(Failure::usage("that is not the serial of this token", "run it again with a spare token")
                .in_state(TokenState::Untouched)),
        }
    }

    fn begins(&mut self, part: Part) {
        self.output.note(&part_words(&part));
    }

    fn shown(&mut self, again: bool) -> Option<Shown> {
        let mut question = match again {
            true => "That fits nothing. Switch it off and on once more. ",
            false => "Take the token off, and switch it off and on. ",
        };
        loop {
            let text = format!("{question}The code on its display (none if it shows no code; Enter to skip): ");
            let answer = self.ask(&text)?;
            if answer.eq_ignore_ascii_case("none") {
                return Some(Shown::Nothing);
            }
            match parse_code(&answer) {
                Ok(code) => return Some(Shown::Code(code)),
                Err(_) => question = "That is no code of six digits. ",
            }
        }
    }

    fn moved(&mut self) -> bool {
        let question = "Take the token off the reader, wait ten seconds, switch it on and lay it back.\n\
                        Type back when it is on the reader again (Enter to skip): ";
        self.ask(question).is_some_and(|answer| answer.eq_ignore_ascii_case("back"))
    }

    fn now(&self) -> UnixTime {
        self.host.clock().now().wall
    }

    fn is_over(&self) -> bool {
        interrupt::asked()
    }
}
