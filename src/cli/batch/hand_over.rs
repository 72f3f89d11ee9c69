//! `batch --hand-over`: the seeds go to a server beside the burning, each as soon as it is on its token.

use std::collections::{BTreeSet, HashMap};
use std::sync::mpsc::{Receiver, Sender, channel};
#[cfg(feature = "web")]
use std::sync::{Arc, atomic::AtomicBool};
use std::thread::JoinHandle;

use crate::cli::args::{BatchArgs, Global};
use crate::cli::output::Output;
use crate::cli::record::{self, Record};
use crate::cli::screen::Message;
use crate::cli::server::open::{self, Opened, server_failure};
use crate::cli::store::{Store, open_store};
use crate::inventory::{BatchId, RowRecord, RowState, SlotKey};
use crate::job::batch::{BatchNews, PlannedBatch};
use crate::job::server::{HandOverTerms, Handed, Hindrance, ListedRow, Work, check_list, hand_over, plan};
use crate::job::{Failure, Opener, Problem, ProfileWish, TokenState, unopened};
use crate::report::{Audience, BatchEvent, HandOverReport, HandedToken};

/// What became of each token.
type Results = Vec<(SlotKey, Result<Handed, Hindrance>)>;

/// A server that is ready to be given the seeds of a batch.
pub struct ToServer {
    name: String,
    store: Store,
    opened: Opened,
    opener: Opener,
    remark: Option<String>,
}

/// The seeds of a batch on their way.
pub struct OnTheWay {
    name: String,
    sender: Sender<SlotKey>,
    worker: JoinHandle<Results>,
}

impl ToServer {
    /// The server that the arguments name, if they name one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_args(
        global: &Global,
        args: &BatchArgs,
        record: &Record,
        planned: &PlannedBatch,
        flags: ProfileWish,
    ) -> Result<Option<Self>, Failure> {
        let Some(name) = &args.hand_over else { return Ok(None) };
        let opener = record.opener(record::identity(args.identity.as_deref())?);
        Self::open(global, name, opener, record, (planned, flags)).map(Some)
    }

    /// Opens a server, signs in, and looks every row of the batch up: what could not go there is named before the first token is burned.
    ///
    /// # Errors
    /// A usage failure; one of the server.
    pub fn open(
        global: &Global,
        name: &str,
        opener: Option<Opener>,
        record: &Record,
        (planned, flags): (&PlannedBatch, ProfileWish),
    ) -> Result<Self, Failure> {
        let (true, Some(store)) = (record.seals()?, open_store(global).map_err(|error| unopened(&error))?) else {
            return Err(Failure::usage(
                "a hand-over takes the seeds from the inventory, and this one keeps none",
                "let it keep them: tokentap inventory init --recipient age1…",
            ));
        };
        let Some(opener) = opener else {
            return Err(Failure::usage(
                "the seeds are sealed",
                "name the identity that opens them with --identity FILE",
            ));
        };
        let opened = open::open(&store, name, Some(&opener.0))?;
        let ready = Self { name: name.to_owned(), store, opened, opener, remark: global.remark.clone() };
        let books = ready.store.inventory();
        let mut known = HashMap::new();
        for serial in planned.rows.iter().filter_map(|row| row.serial.as_deref()) {
            let token = books.token(&SlotKey::only(serial)).map_err(|error| unopened(&error))?;
            known.extend(token.and_then(|token| token.meant_profile()).map(|profile| (serial, profile)));
        }
        let profile = |serial: &str| known.get(serial).copied();
        let rows = planned.rows_to_be(flags, &profile).map(|(row, is_named)| ListedRow { row, is_named });
        let hindered = ready.work(|work| check_list(work, rows)).map_err(|error| server_failure(name, error))?;
        if hindered.is_empty() {
            return Ok(ready);
        }
        let count = hindered.iter().map(|(_, rows)| rows.len()).sum();
        let problem = Problem::RowsNotForServer { server: name.to_owned(), count };
        // Whatever else stands in the way would stand there after the burn as well.
        let is_by_user = |why: &Hindrance| matches!(why, Hindrance::NoUser(_) | Hindrance::SeveralUsers(..));
        let next = match hindered.iter().all(|(why, _)| is_by_user(why)) {
            true => "correct these rows in the list, or burn them without a server and hand the tokens over afterwards",
            false => {
                "correct these rows in the list: as they are, the server could not be given them after the burn either"
            }
        };
        let failure = Failure::new(problem, TokenState::NotReached, next);
        Err(failure.with_details(hindered.iter().map(|(why, rows)| crate::report::hindered_rows(why, rows)).collect()))
    }

    /// Says that the server was asked about every row, which is all that a dry run does there.
    pub fn note_asked(&self, output: &Output) {
        output.note(&format!(
            "{} was checked: it knows every user on the list, can use every profile, and has no conflicting token for a listed serial; no seed was sent",
            self.name
        ));
    }

    fn work<T>(&self, work: impl FnOnce(&Work<'_>) -> T) -> T {
        self.opened.work(self.remark.as_deref(), self.store.inventory(), work)
    }

    /// Hands over what the batch has burned before, and each token that comes; `shown` is told of each.
    pub fn begin(self, batch: BatchId, shown: Option<Sender<Message<BatchNews>>>) -> Result<OnTheWay, Failure> {
        let mut earlier = Vec::new();
        let mut visit = |row: RowRecord| earlier.extend(row.serial.map(SlotKey::only));
        let states = [RowState::Burned, RowState::Checked];
        self.store.inventory().visit_rows(batch, &states, &mut visit).map_err(|error| unopened(&error))?;
        let (sender, keys) = channel();
        for key in earlier {
            let _ = sender.send(key);
        }
        let name = self.name.clone();
        let worker = std::thread::spawn(move || self.carry_out(&keys, shown.as_ref()));
        Ok(OnTheWay { name, sender, worker })
    }

    /// The same, which stops as soon as this is set.
    #[cfg(feature = "web")]
    pub fn stopped_by(self, stops: Arc<AtomicBool>) -> Self {
        self.opened.stopped_by(stops);
        self
    }

    fn carry_out(&self, keys: &Receiver<SlotKey>, shown: Option<&Sender<Message<BatchNews>>>) -> Results {
        let mut results = Results::new();
        let mut stopped = None;
        for key in keys {
            // What every token would meet is not met by each: the next run hands them over.
            if let Some(why) = stopped.clone().or_else(|| self.opened.is_stopped().then_some(Hindrance::Stopped)) {
                results.push((key, Err(why)));
                continue;
            }
            let result = self.work(|work| self.one(work, &key));
            if let Some(shown) = shown {
                let _ = shown.send(Message::News(BatchNews::HandedOver(
                    self.name.clone(),
                    key.clone(),
                    Box::new(result.clone()),
                )));
            }
            stopped = match &result {
                Err(why @ Hindrance::Server(error)) if error.stops_all() => Some(why.clone()),
                _ => None,
            };
            // A token that came again is as it was the last time.
            results.retain(|(known, _)| *known != key);
            results.push((key, result));
        }
        results
    }

    fn one(&self, work: &Work<'_>, key: &SlotKey) -> Result<Handed, Hindrance> {
        let token = work.books.token(key).map_err(Hindrance::Inventory)?;
        let planned = plan(work, &self.opener.0, vec![(key.clone(), token)], HandOverTerms::default());
        let planned = planned.map_err(Hindrance::Server)?.pop();
        let (_, planned) = planned.ok_or(Hindrance::Unseen)?;
        hand_over(work, &planned?)
    }
}

impl OnTheWay {
    /// Hands a token over that was burned just now.
    pub fn burned(&self, serial: &str) {
        let _ = self.sender.send(SlotKey::only(serial));
    }

    /// Waits until all is handed over: what became of each token, by serial, with the words for where they are read.
    pub fn wait(self, audience: Audience) -> HandOverReport {
        drop(self.sender);
        let mut results = self.worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        results.sort_by(|one, other| one.0.cmp(&other.0));
        let tokens = results.iter().map(|(key, result)| HandedToken::done(&self.name, key, result, audience)).collect();
        HandOverReport::of(&self.name, false, tokens)
    }

    /// Waits until all is handed over, and says what was not said yet. Whether all is there.
    pub fn finish(self, shown: &BTreeSet<SlotKey>, output: &Output) -> bool {
        let report = HandOverReport { lines_shown: true, ..self.wait(Audience::Terminal) };
        let is_shown = |token: &HandedToken| shown.iter().any(|key| key.to_string() == token.serial);
        for token in report.tokens.iter().filter(|token| !is_shown(token)) {
            output.report(&BatchEvent::HandedOver(token.clone()));
        }
        let is_all_there = report.undone == 0;
        output.report(&BatchEvent::HandOver(report));
        is_all_there
    }
}
