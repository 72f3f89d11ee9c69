//! A batch that is started from the page.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use data_encoding::BASE64;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::readers::Readers;
use super::state::Waiting;
use super::words::{verdict, words};
#[cfg(feature = "servers")]
use crate::cli::batch::burned;
#[cfg(feature = "servers")]
use crate::cli::batch::hand_over::ToServer;
use crate::cli::batch::plan::server_files;
use crate::cli::input::open_secret;
use crate::cli::screen::expected_end;
use crate::cli::{describe, interrupt};
use crate::device::Family;
#[cfg(feature = "servers")]
use crate::inventory::BatchRecord;
use crate::inventory::{BatchId, Counts};
use crate::job::batch::{Allowed, BatchNews, Departure, Left, ListTerms, PlannedBatch, check_files};
use crate::job::{Books, Failure, ProfileWish, bad_file, locked};
use crate::reader::Wanted;
use crate::report::{Audience, BatchLeft, BatchSummary, Report, Summed};
#[cfg(feature = "servers")]
use crate::report::{HandOverReport, HandedToken};
use crate::seedfile::{ReadOptions, Rows, Source, recognise};
use crate::time::HostClock;
use crate::web::{List, Place, PlaceState};

/// The largest list that is dropped onto the page, in bytes.
const LARGEST: usize = 5 << 20;

/// A list, as it was read.
pub struct Read {
    name: String,
    rows: Rows,
}

impl Read {
    /// Reads a list: a file on this computer, or one that was dropped onto the page.
    ///
    /// # Errors
    /// A failure of the file.
    pub fn of(list: &List) -> Result<Self, Failure> {
        let next = "enter the path of a seed file that you can read";
        if matches!(list, List::Path { path } if path.trim().is_empty()) {
            return Err(Failure::usage("no list was chosen", "enter its path, or drop it onto the page"));
        }
        let (name, source) = match list {
            List::Path { path } => {
                let path = Path::new(path);
                // What is no file could be waited for without end.
                if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
                    return Err(Failure::file(format!("{} is not a file", describe::path(path)), next));
                }
                let source = Source::new(open_secret(path, next)?);
                (dunce::canonicalize(path).map_or_else(|_| describe::path(path), |path| describe::path(&path)), source)
            }
            List::Dropped { name, content } => {
                let bytes = BASE64.decode(content.as_bytes()).map(Zeroizing::new);
                let bytes = bytes.ok().filter(|bytes| bytes.len() <= LARGEST).ok_or_else(|| {
                    Failure::file("that file is larger than 5 MiB, or was cut off on the way", "enter its path instead")
                })?;
                (describe::plain(name), Source::new(Dropped(Cursor::new(bytes))))
            }
        };
        let options = ReadOptions { is_guessed: true, ..ReadOptions::default() };
        let rows = source.and_then(|mut source| (recognise(&mut source, &options)?.read)(source, &options));
        rows.map(|rows| Self { rows, name: name.clone() }).map_err(|problem| bad_file(&name, &[problem], 0))
    }

    /// The batch that this list is; what is only worth a warning is told.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn planned(
        self,
        books: &Books,
        flags: ProfileWish,
        warn: &mut dyn FnMut(String),
    ) -> Result<PlannedBatch, Failure> {
        let key = books.fingerprint_key();
        let allowed = Allowed { short: false, shared: false, family: Family::Nfc };
        let mut warn = |problem: &crate::seedfile::Problem| warn(problem.to_string());
        let terms = ListTerms { key, flags, allowed, anew: false, warn: &mut warn };
        PlannedBatch::of_rows(&self.name, self.rows, terms)
    }
}

/// What was dropped, wiped when it was read.
struct Dropped(Cursor<Zeroizing<Vec<u8>>>);

impl std::io::Read for Dropped {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let rest = self.0.get_ref().get(usize::try_from(self.0.position()).unwrap_or(usize::MAX)..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(from), Some(to)) = (rest.get(..count), into.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.0.set_position(self.0.position() + count as u64);
        Ok(count)
    }
}

/// How far a batch is, as the page shows it.
struct Progress {
    id: BatchId,
    name: String,
    counts: Counts,
    began: std::time::Duration,
    done_at_first: u64,
}

/// What a batch does now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It burns what is laid down.
    Burns,
    /// What is burned goes to its server; the readers do nothing.
    #[cfg(feature = "servers")]
    HandsOver,
    /// Nothing.
    Over,
}

impl Progress {
    fn shown(&self, host: &crate::cli::host::Host, words: &[String], phase: Phase) -> Value {
        let runs = phase != Phase::Over;
        let counts = self.counts;
        let done = counts.done() - self.done_at_first.min(counts.done());
        let end = expected_end(&host.system, self.began, done, counts.left()).filter(|_| phase == Phase::Burns);
        json!({
            "burns": phase == Phase::Burns,
            "id": self.id, "name": self.name, "rows": counts.rows(), "done": counts.done(), "left": counts.left(), "unknown": counts.unknown(),
            "failed": counts.of(crate::inventory::RowState::Failed), "end": end, "words": words, "runs": runs,
        })
    }
}

/// Said of a batch whose rows are all burned.
const NOTHING_TO_BURN: &str = "nothing is left to burn: every row of this list is burned";

/// What became of the tokens at a server: those that are not there as they should be, and how many are.
#[cfg(feature = "servers")]
fn at_server(report: &HandOverReport) -> Vec<String> {
    let undone = report.tokens.iter().filter(|token| token.hindrance.is_some()).map(HandedToken::line);
    let summed = HandOverReport { lines_shown: true, ..report.clone() };
    undone.chain([summed.text()]).collect()
}

impl Readers<'_> {
    /// Whether the host's clock may be written to a token: where the desk only measures, nobody has vouched for it yet.
    ///
    /// # Errors
    /// A usage failure where nobody vouches for the clock; one with exit code 9 where it cannot be trusted any more.
    pub fn check_host(&self) -> Result<(), Failure> {
        let now = self.watched.standing()?;
        let standing = now.as_ref().unwrap_or(&self.host.standing);
        match standing.warning.as_ref().filter(|_| !standing.trusted && self.terms.only_measures) {
            None => Ok(()),
            Some(warning) => Err(Failure::usage(
                format!("{warning}, and every token that is burned would be set by it"),
                format!(
                    "synchronise it, and try again; or, to accept the clock as it is, {}",
                    self.terms.audience.flag("--trust-host-clock")
                ),
            )),
        }
    }

    /// Whether a token may be laid down for something else than a batch.
    ///
    /// # Errors
    /// A usage failure while a batch runs, or waits: it would burn the next seed of its list onto that token.
    pub fn check_no_batch(&self) -> Result<(), Failure> {
        let is_wanted = locked(&self.wanted).is_some();
        if !is_wanted && !locked(&self.state).burns {
            return Ok(());
        }
        Err(Failure::usage(
            "a batch is running: a token that is laid down now gets a seed from its list",
            "stop the batch, or wait until it is done; then try again",
        ))
    }

    /// Prepares a batch of a list.
    ///
    /// # Errors
    /// A failure of the list, of a file that is to be written, or of the inventory.
    pub fn prepare(&self, list: &List, to: &[String], server: Option<&str>) -> Result<Waiting, Failure> {
        let record = self.record;
        self.check_host()?;
        let books = record.books().ok_or_else(|| {
            Failure::usage(
                "a batch needs an inventory, and there is none",
                "start tokentap web without --inventory none",
            )
        })?;
        if record.seals()? {
            books.check_alone()?;
        }
        let plan = self.terms.batch.clone().plan()?;
        let planned = Read::of(list)?.planned(books, plan.flags, &mut |_| ())?;
        let files = server_files(to)?;
        if let Some(file) = files.iter().find(|file| !file.path.is_absolute()) {
            return Err(Failure::usage(
                format!("{} is not a full path", describe::path(&file.path)),
                "enter where the server's file goes, from the root of its drive on",
            ));
        }
        let input: Option<PathBuf> = match list {
            List::Path { path } => Some(path.into()),
            List::Dropped { .. } => None,
        };
        let reads = [("the inventory", record.path()), ("the seed file", input.as_deref())];
        check_files(&reads, "the server's file", &files)?;
        let planned = PlannedBatch { files, ..planned };
        if !planned.is_kept(record.is_lasting()) {
            return Err(Failure::usage(
                "nothing would record which row went to which token",
                "choose a file for the server, or add a serial to every row",
            ));
        }
        planned.check_formats(plan.flags)?;
        let finished = planned.finished(books, server.is_some())?;
        if let (Some(done), None) = (&finished, server) {
            let rows = describe::counted(done.counts.rows(), "row");
            return Err(Failure::usage(
                format!("nothing is left to do: the batch of this list is finished, {rows}"),
                "its file is written; for more tokens, use another list",
            ));
        }
        #[cfg(not(feature = "servers"))]
        if server.is_some() {
            return Err(Failure::usage("this tokentap was built without servers", "leave the server out"));
        }
        Ok(Waiting {
            #[cfg(feature = "servers")]
            to_server: server
                .map(|name| ToServer::open(self.global, name, self.opener(), record, (&planned, plan.flags)))
                .transpose()?,
            #[cfg(feature = "servers")]
            finished,
            planned,
            plan,
        })
    }

    /// Burns a batch, and says on the board how it ended.
    pub(super) fn burn(&self, waiting: Waiting) {
        let name = waiting.planned.origin.name.clone();
        #[cfg(feature = "servers")]
        let waiting = match (waiting.finished.clone(), waiting) {
            (Some(done), Waiting { to_server: Some(server), planned, .. }) => {
                return self.hand_over_the_rest(&planned.origin.name, &done, server);
            }
            (_, waiting) => waiting,
        };
        if let Err(failure) = self.burned(waiting) {
            self.board.batch(json!({
                "name": name, "rows": 0, "done": 0, "left": 0, "unknown": 0, "failed": 0, "end": null, "runs": false, "burns": false,
                "words": [words(&failure)],
            }));
        }
    }

    fn burned(&self, waiting: Waiting) -> Result<(), Failure> {
        let Some(books) = self.record.books() else { return Ok(()) };
        let Waiting { planned, plan, .. } = waiting;
        let run = planned.open(books, plan.flags, self.host.clock().now().wall)?;
        let counts = run.batch.counts();
        let (name, began) = (run.name.clone(), self.host.system.now().monotonic);
        let done_at_first = counts.done();
        let progress =
            std::sync::Mutex::new(Progress { id: run.batch.id(), name: name.clone(), counts, began, done_at_first });
        let stops_batch = locked(&self.state).stops_batch.clone();
        #[cfg(feature = "servers")]
        let on_the_way = waiting
            .to_server
            .map(|server| server.stopped_by(stops_batch.clone()).begin(run.batch.id(), None))
            .transpose()?;
        let show = |words: &[String], phase| self.board.batch(locked(&progress).shown(self.host, words, phase));
        if run.is_finished() {
            let said = vec![NOTHING_TO_BURN.to_owned()];
            #[cfg(feature = "servers")]
            let said = match on_the_way {
                Some(on_the_way) => {
                    show(&said, Phase::HandsOver);
                    [said, at_server(&on_the_way.wait(Audience::Page))].concat()
                }
                None => said,
            };
            show(&said, Phase::Over);
            return Ok(());
        }
        show(&[], Phase::Burns);
        let look = || self.watched.look();
        let tell = |news: BatchNews| match news {
            BatchNews::Reader(place, news) => self.reader(place.as_ref(), &news),
            BatchNews::Asks(question) => self.asks(&question),
            // Not begun at the page.
            BatchNews::HandedOver(..) => {}
            BatchNews::Begins(place, info, row) => {
                interrupt::stop().take(info.serial.as_str());
                self.begins(&place, PlaceState::Writing, format!("row {row}: {info}"), info.serial.as_str());
            }
            BatchNews::Left(departure) => {
                #[cfg(feature = "servers")]
                if let (Some(on_the_way), Some(serial)) = (&on_the_way, burned(&departure)) {
                    on_the_way.burned(serial);
                }
                locked(&progress).counts = departure.counts;
                self.departed(&departure);
                show(&[], Phase::Burns);
            }
        };
        let stop = || self.is_over() || stops_batch.load(Ordering::Relaxed);
        let around = self.around(&look, &tell, &stop);
        let at = || self.host.clock().now().wall;
        let mut end = run.run(books, plan, around, &at, |visitor| {
            self.work(visitor, Wanted::Token);
        })?;
        end.clean_up();
        locked(&progress).counts = end.counts;
        let written = if end.fatal.is_none() { end.written } else { Vec::new() };
        let summed = Summed {
            name: &name,
            counts: end.counts,
            rows: &end.rows,
            files: &written,
            holding: 0,
            slips: None,
            again: "start the same list again to continue",
        };
        let mut said: Vec<String> =
            BatchSummary::of(summed).text().lines().map(|line| line.trim().to_owned()).collect();
        said.extend(end.fatal.iter().map(words));
        #[cfg(feature = "servers")]
        if let Some(on_the_way) = on_the_way {
            show(&[&said[..], &["what is burned is on its way to the server …".to_owned()]].concat(), Phase::HandsOver);
            said.extend(at_server(&on_the_way.wait(Audience::Page)));
        }
        show(&said, Phase::Over);
        Ok(())
    }

    /// Hands over what is burned of a batch that is finished and is not at the server yet, as after a run that was cut.
    #[cfg(feature = "servers")]
    fn hand_over_the_rest(&self, name: &str, done: &BatchRecord, server: ToServer) {
        let began = self.host.system.now().monotonic;
        let counts = done.counts;
        let progress = Progress { id: done.id, name: name.to_owned(), counts, began, done_at_first: counts.done() };
        let show = |words: &[String], phase| self.board.batch(progress.shown(self.host, words, phase));
        let said = vec![NOTHING_TO_BURN.to_owned()];
        show(&said, Phase::HandsOver);
        let stops_batch = locked(&self.state).stops_batch.clone();
        let more = match server.stopped_by(stops_batch).begin(done.id, None) {
            Ok(on_the_way) => at_server(&on_the_way.wait(Audience::Page)),
            Err(failure) => vec![words(&failure)],
        };
        show(&[said, more].concat(), Phase::Over);
    }

    fn departed(&self, departure: &Departure) {
        if let Some(info) = &departure.info {
            interrupt::stop().let_go(info.serial.as_str());
        }
        let left = BatchLeft::of(departure, Audience::Page);
        let may_come_back = matches!(&departure.how, Left::Failed(failure) if failure.may_come_back);
        let is_well = left.is_well != Some(false);
        let place = Place {
            reader: departure.place.reader.clone(),
            number: departure.place.number,
            state: verdict(is_well, may_come_back),
            token: left.token.as_ref().map(|token| token.line.clone()).unwrap_or_default(),
            slots: Vec::new(),
            serial: left.token.as_ref().map(|token| token.serial.clone()),
            user: left.user.clone(),
            drift: None,
            remedy: None,
            what: left.what,
            next: left.next.unwrap_or_else(|| "take the token off; lay the next one down".to_owned()),
        };
        self.left(place, is_well, matches!(departure.how, Left::Burned(_) | Left::Judged(..)));
    }
}
