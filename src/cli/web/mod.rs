//! `tokentap web`: the desk as a page in the browser, for as long as this program runs.

mod answers;
#[cfg(feature = "servers")]
mod at_servers;
mod batch;
mod browser;
mod burn_again;
mod display_code;
mod lifted;
mod readers;
mod state;
mod stated_profile;
mod undone;
mod words;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::args::{DeskArgs, Global, WebArgs};
use super::describe::{self, counted};
use super::desk::{self, Ready};
use super::host::WatchedHost;
use super::output::Output;
use super::record::Record;
use super::secret::token_key;
#[cfg(feature = "servers")]
use super::server::open;
use super::{Ran, interrupt, prompt, settings};
use crate::clock::Standing;
use crate::job::{BatchTerms, Exit, Failure};
use crate::report::{Audience, host_clock_words};
use crate::web::{Asked, Board, CODE_LASTS, Facts, Served, serve};
use answers::Counter;
use readers::Readers;
use state::PageTerms;
use words::words;

/// How long the page shows the facts on the host's clock and the inventory before they are looked up again.
const FACTS_HOLD: Duration = Duration::from_secs(15);

/// How often it is looked whether the program is to end.
const TICK: Duration = Duration::from_millis(100);

pub fn run(global: &Global, args: &WebArgs, output: &Output) -> Ran {
    let Ready { record, plan, host } = desk::ready(global, &args.desk, output)?;
    let audience = if args.kiosk { Audience::Kiosk } else { Audience::Page };
    let terms = terms(&args.desk, audience)?;
    host.warn(output);
    let watched = WatchedHost::new(&host, &args.desk.run.host);
    let board = Arc::new(Board::new(Facts {
        version: env!("CARGO_PKG_VERSION"),
        desk: record.station().desk.clone(),
        operator: record.station().operator.clone(),
        inventory: inventory_name(&record),
        #[cfg(feature = "servers")]
        servers: record.books().map(open::names).unwrap_or_default(),
        #[cfg(not(feature = "servers"))]
        servers: Vec::new(),
        sets_clocks: !args.desk.no_auto_sync,
        bound_s: args.desk.if_drift_over,
        host_clock: clock_words(&host.standing),
        host_is_trusted: host.standing.warning.is_none(),
        warning: record.warning(),
        kiosk: args.kiosk,
    }));
    let (asks, asked) = channel::<Asked>();
    let served = serve(board.clone(), asks).map_err(|error| {
        let what = format!("the page cannot be served on 127.0.0.1: {error}");
        Failure::usage(what, "run the desk on the terminal: tokentap desk")
    })?;
    let page = announce(&served, args, output)?;
    let pages = more_pages();
    let readers = Readers::new(global, &record, &host, &watched, board.clone(), terms, &plan);
    let counter = Counter { global, record: &record, readers: &readers, is_kiosk: args.kiosk };
    interrupt::begin_work();
    std::thread::scope(|scope| {
        let work = scope.spawn(|| readers.attend(plan));
        let mut looked = Instant::now();
        while !interrupt::asked() && !work.is_finished() {
            match asked.recv_timeout(TICK) {
                Ok(Asked { ask, answer }) => {
                    let counter = &counter;
                    // One that reads a large inventory holds no other up. Who asked may be gone: then nobody needs the answer.
                    scope.spawn(move || drop(answer.send(counter.answer(ask))));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() > FACTS_HOLD {
                looked = Instant::now();
                // A system or an inventory that is slow to answer holds no question up.
                scope.spawn(|| look_again(&record, &watched, &board));
            }
            if pages.as_ref().is_some_and(|pages| pages.try_recv().is_ok()) {
                output.text(&format!("address of another page: {}", address(&served)?));
            }
        }
        readers.stop();
        Ok::<(), Failure>(())
    })?;
    drop(page);
    if let Some(failure) = readers.fatal() {
        return Err(failure);
    }
    let undone = readers.undone();
    let need = if undone.len() == 1 { "needs" } else { "need" };
    output.text(&format!("the desk is closed: {} {need} attention", counted(undone.len() as u64, "token")));
    undone.iter().for_each(|serial| output.text(&format!("  UNDONE  {serial}")));
    Ok(if undone.is_empty() { Exit::Done } else { Exit::Undone })
}

/// The evidence on the host's clock, for the page.
fn clock_words(standing: &Standing) -> String {
    format!("This computer's clock is {}.", host_clock_words(standing))
}

/// Shows the facts that may have changed, but for the readers. One that cannot be found out stays as it was.
fn look_again(record: &Record, host: &WatchedHost<'_>, board: &Board) {
    match host.standing() {
        Ok(Some(standing)) => board.host_clock(clock_words(&standing), standing.warning.is_none()),
        Ok(None) => {}
        Err(failure) => board.host_clock(words(&failure), false),
    }
    #[cfg(feature = "servers")]
    if let Some(Ok(servers)) = record.books().map(|books| books.servers()) {
        board.servers(servers.into_iter().map(|server| server.name).collect());
    }
    #[cfg(not(feature = "servers"))]
    let _ = record;
}

/// The terms that the arguments name.
fn terms(args: &DeskArgs, audience: Audience) -> Result<PageTerms, Failure> {
    let batch = BatchTerms {
        profile: settings::profile(&args.profile),
        key: token_key(args.run.token_key.as_deref())?,
        try_again: args.run.try_again,
        ..BatchTerms::default()
    };
    Ok(PageTerms { batch, only_measures: args.no_auto_sync, audience })
}

/// The inventory, for the page.
fn inventory_name(record: &Record) -> Option<String> {
    let file = record.path().map(describe::path);
    file.or_else(|| record.books().map(|_| "on a database server".to_owned()))
}

/// The address of a page that is not open yet.
fn address(served: &Served) -> Result<String, Failure> {
    // Where nobody could ask for another one, it is good for as long as the program runs.
    let lasts = prompt::has_person().then_some(CODE_LASTS);
    served.gate.address(lasts).map_err(|error| {
        Failure::usage(format!("no random numbers: {error}"), "run the desk on the terminal: tokentap desk")
    })
}

/// Says where the page is, and opens it where there is a browser; what is returned must live until it has.
fn announce(served: &Served, args: &WebArgs, output: &Output) -> Result<Option<browser::Way>, Failure> {
    output.text(&format!(
        "the desk is open at\n  {}\nThe address works once, {}in a browser on this computer. {}To close the desk, press Ctrl-C.",
        address(served)?,
        if prompt::has_person() { "within ten minutes, " } else { "" },
        if prompt::has_person() { "For a new address, press Enter here. " } else { "" }
    ));
    if args.no_open {
        return Ok(None);
    }
    match browser::open(&address(served)?, args.kiosk) {
        Ok(way) => Ok(Some(way)),
        Err(error) => {
            output.note(&format!("no browser was opened ({error}): open the address in a browser on this computer"));
            Ok(None)
        }
    }
}

/// Tells of each Enter at the terminal.
fn more_pages() -> Option<std::sync::mpsc::Receiver<()>> {
    if !prompt::has_person() {
        return None;
    }
    let (sender, pages) = channel();
    // It waits for a line that may never come, and ends with the program.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if line.is_err() || sender.send(()).is_err() {
                return;
            }
        }
    });
    Some(pages)
}
