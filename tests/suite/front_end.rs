//! A second front end: it takes requests in JSON, runs them over emulated tokens, and gives reports in JSON. It knows nothing of the
//! command line.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokentap::device::Info;
use tokentap::device::token2::NfcToken;
use tokentap::emulator::{EmulatedTray, FixedTrays, StateFile};
use tokentap::inventory::{Deed, Inventory, Sqlite, Station};
use tokentap::job::batch::{BatchNews, BatchVisitor};
use tokentap::job::desk::{DeskNews, DeskVisitor};
use tokentap::job::request::SyncRequest;
use tokentap::job::{BatchRequest, DeskRequest, Failure, Front, HourWatch, Notice, Recorder, Surroundings, attend};
use tokentap::report::{Audience, BatchLeft, DeskVisit, FailureReport, WORDING, WriteReport, notice};
use tokentap::time::{CorrectedClock, HostClock, SimulatedClock};

use crate::support::{UNRESTRICTED, link, simulated_clock, token};

/// The front end: an inventory, a clock, and what it has reported.
struct FrontEnd {
    books: Sqlite,
    clock: SimulatedClock,
    reports: Mutex<Vec<Value>>,
}

impl FrontEnd {
    fn new() -> Self {
        let books = Sqlite::in_memory().unwrap();
        Self { books, clock: simulated_clock(), reports: Mutex::default() }
    }

    fn report(&self, report: &impl serde::Serialize) {
        self.reports.lock().unwrap().push(serde_json::to_value(report).unwrap());
    }

    fn fail(&self, failure: &Failure) {
        self.report(&FailureReport { error: failure.into() });
    }

    /// One request, of the command that it names.
    fn take(&self, request: &Value, tokens: &Path) {
        let body = request["request"].clone();
        let taken = match request["command"].as_str().unwrap() {
            "sync" => self.sync(serde_json::from_value(body).unwrap()),
            "batch" => self.batch(serde_json::from_value(body).unwrap(), tokens),
            "desk" => self.desk(serde_json::from_value(body).unwrap(), tokens),
            other => panic!("{other}"),
        };
        if let Err(failure) = taken {
            self.fail(&failure);
        }
    }

    fn sync(&self, request: SyncRequest) -> Result<(), Failure> {
        let write = request.prepare()?;
        let recorder = Recorder {
            books: Some(&self.books),
            station: Station::default(),
            emulated: true,
            deed: Deed::Sync,
            user: RefCell::default(),
            remark: None,
            wording: WORDING,
        };
        let tell = |told: Notice| self.report(&json!({ "notice": notice(&told) }));
        let mut before = |_: &Info, _: &tokentap::job::WritePlan| Ok(());
        let mut front = Front { tell: &tell, confirm: None, before: &mut before, interrupted: &|| false };
        let mut device = NfcToken(link(token(UNRESTRICTED, b"a seed of 20 bytes..", -97.25), &self.clock));
        let outcome = write.run(&mut device, &self.clock, recorder, &mut front)?;
        self.report(&WriteReport::of(&outcome, "emulated", true));
        Ok(())
    }

    fn trays(&self, tokens: &Path) -> FixedTrays {
        let shared: Arc<dyn HostClock> = Arc::new(self.clock.clone());
        FixedTrays::new(vec![Box::new(
            EmulatedTray::open("emulated", tokens, tokentap::reader::Wanted::Token, shared).unwrap(),
        )])
    }

    fn surroundings<'a, News>(
        &'a self,
        host: &'a (dyn Fn() -> Result<CorrectedClock<'a>, Failure> + Sync),
        tell: &'a (dyn Fn(News) + Sync),
    ) -> Surroundings<'a, News> {
        Surroundings {
            station: Station::default(),
            remark: None,
            wording: WORDING,
            host,
            tell,
            has_person: false,
            hours: HourWatch::default(),
            stop: &|| false,
        }
    }

    fn batch(&self, request: BatchRequest, tokens: &Path) -> Result<(), Failure> {
        let key = self.books.fingerprint_key().clone();
        let (planned, plan) = request.prepare(&key)?;
        let host = || Ok(CorrectedClock::new(&self.clock, chrono::TimeDelta::zero()));
        let tell = |news: BatchNews| {
            if let BatchNews::Left(departure) = news {
                self.report(&BatchLeft::of(&departure, Audience::Page));
            }
        };
        let at = || self.clock.now().wall;
        let run = planned.open(&self.books, plan.flags, at())?;
        let mut trays = self.trays(tokens);
        let work = |visitor: &BatchVisitor<'_>| attend(&mut trays, visitor);
        let end = run.run(&self.books, plan, self.surroundings(&host, &tell), &at, work)?;
        self.report(&json!({ "left": end.counts.left(), "done": end.counts.done() }));
        end.fatal.map_or(Ok(()), Err)
    }

    fn desk(&self, request: DeskRequest, tokens: &Path) -> Result<(), Failure> {
        let plan = request.prepare()?;
        let bound = plan.if_drift_over;
        let host = || Ok(CorrectedClock::new(&self.clock, chrono::TimeDelta::zero()));
        let tell = |news: DeskNews| {
            if let DeskNews::Visited(visited) = news {
                self.report(&DeskVisit::of(&visited, bound));
            }
        };
        let visitor = DeskVisitor::new(Some(&self.books), plan, self.surroundings(&host, &tell));
        attend(&mut self.trays(tokens), &visitor);
        visitor.fatal().map_or(Ok(()), Err)
    }
}

#[test]
fn a_front_end_without_the_command_line_runs_a_sync_a_batch_and_a_desk_from_json_to_json() {
    let front_end = FrontEnd::new();
    let folder = tempfile::tempdir().unwrap();
    for serial in ["86596120000101", "86596120000102"] {
        let file = StateFile::new(folder.path().join(format!("{serial}.json")));
        file.save(&token(serial, b"", -50.0)).unwrap();
    }
    let row = |serial: &str, last: &str| json!({ "secret": format!("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX{last}"), "serial": serial });
    let rows = [row("86596120000101", "A"), row("86596120000102", "E")];
    for request in [
        json!({ "command": "sync", "request": { "profile": { "hash": "SHA1", "step_s": 30 } } }),
        json!({ "command": "sync", "request": { "profile": { "step_s": 45 } } }),
        json!({ "command": "sync", "request": { "terms": { "expect_serial": "86596120009999" } } }),
        json!({ "command": "batch", "request": { "name": "a box", "rows": rows } }),
        json!({ "command": "desk", "request": { "if_drift_over_s": 0.1 } }),
    ] {
        front_end.take(&request, folder.path());
    }
    let reports = front_end.reports.into_inner().unwrap();
    let at = |number: usize, pointer: &str| reports[number].pointer(pointer).cloned().unwrap_or_default();
    assert_eq!((at(0, "/outcome"), at(0, "/token/serial")), (json!("synced"), json!(UNRESTRICTED)), "{reports:#?}");
    assert_eq!(at(1, "/error/kind"), json!("usage"));
    assert_eq!((at(2, "/error/kind"), at(2, "/error/exit")), (json!("wrong-token"), json!(5)));
    assert_eq!((at(3, "/outcome"), at(4, "/outcome")), (json!("burned"), json!("burned")));
    assert_eq!(reports[5], json!({ "left": 0, "done": 2 }));
    assert_eq!((at(6, "/outcome"), at(7, "/outcome")), (json!("within"), json!("within")), "{reports:#?}");
    assert_eq!(reports.len(), 8);
}
