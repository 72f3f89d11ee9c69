//! `tokentap batch`: many tokens from one list.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{BatchArgs, Global};
use super::describe::{self, fields, plain, token, token_line, written};
use super::host::{Host, WatchedHost};
use super::output::Output;
use super::record::{self, Record};
use super::screen::{Bell, Idle, Message, Screen, Wire, ask_through, bar, expected_end};
use super::secret::{bad_file, token_key};
use super::seeds::{fields_of, named_files, rows_of, save_failed, write_options};
use super::verify::{verdict_fields, verdict_words};
use super::{Ran, burn, interrupt, plan, prompt, trays};
use crate::inventory::{Counts, FingerprintKey, NewRow, RowRecord, RowState, Sqlite};
use crate::job::batch::{
    BadRows, Batch, BatchNews, BatchPlan, BatchVisitor, Departure, Left, Opened, Origin, Output as File, Outputs,
    PartFile, RowSeed, SeedList, SeedSource, Surroundings, missing, rehearse,
};
use crate::job::{Books, Exit, Failure, Place, ProfileWish, locked};
use crate::seedfile::{Field, Place as RowPlace, Row, SaveError, WriteOptions};
use crate::time::{HostClock, UnixTime};
use crate::token::{Info, Profile};

/// The most new seeds of one batch.
const MAX_FRESH: u64 = 1_000_000;

/// The seeds of a batch and its rows, checked; nothing is on record yet.
struct Planned {
    origin: Origin,
    source: SeedSource,
    rows: Vec<NewRow>,
    files: Vec<File>,
    options: WriteOptions,
    dropped: Vec<Field>,
}

pub fn run(global: &Global, args: &BatchArgs, output: &Output) -> Ran {
    let flags = plan::wish(&args.profile, None)?;
    if args.check_every.is_some() && (!prompt::has_person() || output.is_json()) {
        return Err(Failure::usage(
            "--check-every asks for codes, and there is no terminal to ask at",
            "leave it away, and check some tokens with tokentap verify",
        ));
    }
    let record = open_record(global)?;
    let Some(books) = record.books() else {
        return Err(Failure::file("there is no inventory", "name one with --inventory FILE"));
    };
    let planned = planned(args, flags, &record, output)?;
    if global.dry_run {
        return show_plan(&planned, output);
    }
    let host = Host::assess(&args.run.host)?;
    let key = token_key(args.run.token_key.as_deref())?;
    let mut trays = trays::open(global, &host.system)?;
    host.warn(output);

    let Planned { origin, source, rows, files, options, dropped } = planned;
    let at = host.clock().now().wall;
    let part_path = files.first().map(|file| PartFile::beside(&file.path));
    let opened = open_batch(args, books, &origin, rows, &files, part_path.as_deref(), at)?;
    let (batch, how, part) = opened;
    let name = &origin.name;
    if how == Opened::Finished {
        let counts = batch.counts();
        let text = format!("{name}: all {} rows are done already; nothing is left to do", counts.rows());
        output.report(&text, summary_fields(name, counts, &[], &[]));
        return Ok(Exit::Done);
    }
    let batch = batch.reburning(args.reburn);
    let mut outputs = part.map(|part| Outputs { files, options, dropped, part });
    if let Some(outputs) = &mut outputs {
        restore_part(outputs, books, &batch, &source, flags)?;
    }

    let watched = WatchedHost::new(&host, &args.run.host);
    let look = || watched.look();
    let mut screen = Screen::new(output, args.run.quiet_bell);
    let wire = Wire::<BatchNews>::new();
    let sender = wire.sender();
    let idle = Idle::new(global)?;
    let tell = |news: BatchNews| {
        if matches!(news, BatchNews::Begins(..) | BatchNews::Left(_)) {
            idle.note();
        }
        let _ = sender.send(Message::News(news));
    };
    let ask = |info: &Info| ask_through(&sender, info);
    let stop = || interrupt::asked() || idle.is_over();
    let plan = BatchPlan {
        source,
        flags,
        fine: args.precise,
        allow_unknown_model: args.run.allow_unknown_model,
        key,
        check_every: args.check_every.unwrap_or(0),
    };
    let surroundings = Surroundings {
        station: record.station().clone(),
        remark: host.remark(),
        host: &look,
        tell: &tell,
        ask: args.check_every.map(|_| &ask as _),
        stop: &stop,
    };
    let mut view = View::new(name, batch.counts(), &host);
    view.begin(how, &screen);
    let visitor = BatchVisitor::new(books, batch, outputs, plan, surroundings);
    wire.run(trays.as_mut(), &visitor, &mut screen, &mut |screen, news| view.show(screen, news));
    let (batch, outputs, fatal) = visitor.into_parts();
    finish(name, batch, outputs, fatal, books, output, host.clock().now().wall)
}

/// The inventory, checked as a whole; one in memory for `--inventory none`.
fn open_record(global: &Global) -> Result<Record, Failure> {
    let sqlite = match record::open_sqlite(global).map_err(|error| record::unopened(&error))? {
        Some(sqlite) => {
            sqlite.quick_check().map_err(|error| record::unopened(&error))?;
            sqlite
        }
        None => Sqlite::in_memory().map_err(|error| record::unopened(&error))?,
    };
    Ok(Record::over(Books::new(Box::new(sqlite))))
}

/// Reads and checks everything that the arguments name, before any token is waited for.
fn planned(args: &BatchArgs, flags: ProfileWish, record: &Record, output: &Output) -> Result<Planned, Failure> {
    let Some(books) = record.books() else { return Err(Failure::file("there is no inventory", "name one")) };
    let key = locked(books).fingerprint_key().clone();
    let files: Vec<File> = named_files(&args.to)?.into_iter().map(|(format, path)| File { format, path }).collect();
    let (options, dropped) = (write_options(&args.encode)?, fields_of(&args.drop)?);
    let anew = args.new_batch;
    let (origin, source, rows) = match (&args.input, args.generate) {
        (Some(path), _) => {
            let name = describe::path(path);
            let rows = rows_of(path, &args.file, false)?;
            let list = SeedList::check(rows, &key, flags)
                .map_err(|BadRows { problems, more }| bad_file(&name, &problems, more))?;
            for problem in &list.warnings {
                output.note(&format!("{name}:{problem}"));
            }
            let SeedList { seeds, rows, content, .. } = list;
            let name = std::fs::canonicalize(path).map_or(name, |path| describe::path(&path));
            (Origin { name, content, anew, is_fresh: false }, SeedSource::File(seeds), rows)
        }
        (None, Some(count)) => {
            if files.is_empty() && !record.seals() {
                return Err(Failure::usage(
                    "the new seeds would be nowhere but on the tokens",
                    "name the server's file with --to FORMAT=FILE, or let the inventory keep the seeds: \
                     tokentap inventory init --recipient age1…",
                ));
            }
            fresh(args, count, &key, &files)?
        }
        (None, None) => return Err(Failure::usage("no seed file was named", "name one, or say --generate N")),
    };
    let planned = Planned { origin, source, rows, files, options, dropped };
    check_formats(&planned, flags)?;
    Ok(planned)
}

/// A batch of new seeds: so many rows, with a user each where a list names them.
fn fresh(
    args: &BatchArgs,
    count: u64,
    key: &FingerprintKey,
    files: &[File],
) -> Result<(Origin, SeedSource, Vec<NewRow>), Failure> {
    if !(1..=MAX_FRESH).contains(&count) {
        return Err(Failure::usage(
            format!("--generate {count} cannot be made at once"),
            format!("give 1 to {MAX_FRESH}"),
        ));
    }
    // Refused here for a length that is not made.
    let bytes = burn::new_seed(args.bytes, args.profile.hash)?.seed.len();
    let users = match &args.users {
        None => Vec::new(),
        Some(path) => {
            let text = small_or_large(path)?;
            let users: Vec<String> =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            if users.len() as u64 != count {
                let fact = format!("--generate says {count}, {} has {} users", describe::path(path), users.len());
                return Err(Failure::usage(fact, "give as many users as tokens"));
            }
            users
        }
    };
    let paths: Vec<String> = files.iter().map(|file| describe::path(&file.path)).collect();
    let to = if paths.is_empty() { "the inventory".to_owned() } else { paths.join(", ") };
    let mut content = key.hash(&[b"new seeds", &count.to_be_bytes(), &(bytes as u64).to_be_bytes(), to.as_bytes()]);
    for user in &users {
        content = key.hash(&[&content, user.as_bytes()]);
    }
    let rows = (0..count).map(|index| NewRow {
        serial: None,
        is_named: false,
        user: usize::try_from(index).ok().and_then(|index| users.get(index)).cloned(),
        seed: None,
        state: RowState::Planned,
    });
    let rows = rows.collect();
    let origin = Origin { name: format!("new seeds for {to}"), content, anew: args.new_batch, is_fresh: true };
    Ok((origin, SeedSource::Fresh(bytes), rows))
}

/// A list of users.
fn small_or_large(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::file(format!("{} cannot be read: {error}", describe::path(path)), "give plain text"))
}

/// Whether every row can be written in every server's format.
fn check_formats(planned: &Planned, flags: ProfileWish) -> Result<(), Failure> {
    if planned.files.is_empty() {
        return Ok(());
    }
    let formats: Vec<_> = planned.files.iter().map(|file| file.format).collect();
    let sample = burn::new_seed(None, None)?.seed;
    // New seeds are all alike here: one will do.
    let many = if planned.origin.is_fresh { 1 } else { planned.rows.len() };
    let rows = planned.rows.iter().enumerate().take(many).map(|(index, row)| {
        let seed = match &planned.source {
            SeedSource::File(seeds) => seeds.get(index).cloned(),
            SeedSource::Fresh(_) => None,
        };
        let seed = seed.unwrap_or_else(|| RowSeed::fresh(sample.clone()));
        let profile = seed.wish(flags).resolve(None).map_or(Profile::FACTORY, |(profile, _)| profile);
        // A serial that is not known yet is as long as any.
        let serial = row.serial.clone().unwrap_or_else(|| format!("8659612{index:07}"));
        let mut made = seed.row(&serial, row.user.as_deref(), profile);
        made.place = RowPlace { line: index as u64 + 1, column: 0 };
        Ok(made)
    });
    let checked = rehearse(&formats, rows, &planned.options, &planned.dropped);
    let checked = checked.map_err(|error| save_failed(&error))?;
    if checked.has_failed() {
        return Err(bad_file(&planned.origin.name, &checked.problems, checked.more));
    }
    Ok(())
}

fn show_plan(planned: &Planned, output: &Output) -> Ran {
    let named = planned.rows.iter().filter(|row| row.is_named).count();
    let rows = planned.rows.len();
    let files: Vec<String> = planned.files.iter().map(|file| describe::path(&file.path)).collect();
    let to = if files.is_empty() { String::new() } else { format!("\n  files  {}", files.join(", ")) };
    let text = format!(
        "plan for {}; nothing was written\n  rows   {rows}: {named} for the serials that they name, {} dealt out in order{to}",
        planned.origin.name,
        rows - named,
    );
    let object = fields([
        ("dry_run", json!(true)),
        ("batch", json!(planned.origin.name)),
        ("rows", json!(rows)),
        ("named", json!(named)),
        ("files", json!(files)),
    ]);
    output.report(&text, object);
    Ok(Exit::Done)
}

/// Opens the batch and, where a server's file is asked for, its `.part` file.
fn open_batch(
    args: &BatchArgs,
    books: &Books,
    origin: &Origin,
    rows: Vec<NewRow>,
    files: &[File],
    part_path: Option<&Path>,
    at: UnixTime,
) -> Result<(Batch, Opened, Option<PartFile>), Failure> {
    let known = locked(books).batch_of_content(&origin.content)?.filter(|_| !origin.anew);
    let is_open = known.as_ref().is_some_and(|batch| batch.closed.is_none());
    let is_finished = known.is_some() && !is_open && !origin.is_fresh;
    if is_finished {
        return Batch::open(books, origin, rows, &[], at).map(|(batch, how)| (batch, how, None));
    }
    // The file of a run that ended with rows left is this batch's own.
    if !is_open && !args.force {
        for file in files {
            if file.path.symlink_metadata().is_ok() {
                return Err(save_failed(&SaveError::Exists(file.path.clone())));
            }
        }
    }
    let Some(part_path) = part_path else {
        return Batch::open(books, origin, rows, &[], at).map(|(batch, how)| (batch, how, None));
    };
    let had_part = part_path.symlink_metadata().is_ok();
    let key = locked(books).fingerprint_key().clone();
    let mut begun = Vec::new();
    let mut see = |row: &Row| {
        // Only a batch that is not on record has to learn from the file.
        if !is_open {
            begun.push(row.clone());
        }
    };
    let part = PartFile::open(part_path, &key, &mut see).map_err(|error| save_failed(&error))?;
    if origin.is_fresh && !begun.is_empty() {
        let fact = format!(
            "{} has {} seeds of a batch that this inventory does not know",
            describe::path(part_path),
            begun.len()
        );
        return Err(Failure::usage(
            fact,
            "it may be their only copy: move it aside (it is a csv file), and begin anew",
        ));
    }
    let opened = Batch::open(books, origin, rows, &begun, at);
    if opened.is_err() && !had_part {
        let _ = std::fs::remove_file(part_path);
    }
    opened.map(|(batch, how)| (batch, how, Some(part)))
}

/// What tokens hold and the `.part` file has not: written there again, or named where its seeds were nowhere else.
fn restore_part(
    outputs: &mut Outputs,
    books: &Books,
    batch: &Batch,
    source: &SeedSource,
    flags: ProfileWish,
) -> Result<(), Failure> {
    let missing = missing(&outputs.part, locked(books).as_mut(), batch.id())?;
    let SeedSource::File(seeds) = source else {
        if missing.is_empty() {
            return Ok(());
        }
        let path = describe::path(outputs.part.path());
        return Err(Failure::file(
            format!("{path} lacks the seeds of {} tokens that were burned", missing.len()),
            format!("put {path} back as it was; where the inventory keeps seeds, tokentap inventory export has them"),
        ));
    };
    for row in missing {
        let index = usize::try_from(row.row).unwrap_or_default().wrapping_sub(1);
        let (Some(seed), Some(serial)) = (seeds.get(index), &row.serial) else { continue };
        let (profile, _) = seed.wish(flags).resolve(None)?;
        outputs.part.add(&seed.row(serial, row.user.as_deref(), profile)).map_err(|error| save_failed(&error))?;
    }
    Ok(())
}

/// What the screen shows of a batch.
struct View<'a> {
    name: &'a str,
    clock: &'a Host,
    began: Duration,
    done_at_first: u64,
    counts: Counts,
    /// Tokens that did not end well in this run.
    bad: u64,
}

impl<'a> View<'a> {
    fn new(name: &'a str, counts: Counts, host: &'a Host) -> Self {
        let began = host.system.now().monotonic;
        Self { name, clock: host, began, done_at_first: counts.done(), counts, bad: 0 }
    }

    fn begin(&self, how: Opened, screen: &Screen<'_>) {
        let counts = self.counts;
        let text = match how {
            Opened::Resumed => format!(
                "{}: goes on; {} of {} rows are done, {} unknown",
                self.name,
                counts.done(),
                counts.rows(),
                counts.unknown()
            ),
            _ => format!("{}: {} rows; lay the tokens down, one after the other", self.name, counts.rows()),
        };
        let mut object = counts_fields(counts);
        object.insert("batch".to_owned(), json!(self.name));
        object.insert("resumed".to_owned(), json!(how == Opened::Resumed));
        screen.event(&text, "begin", object, Bell::None);
        self.progress(screen);
    }

    fn progress(&self, screen: &Screen<'_>) {
        let counts = self.counts;
        let (done, rows) = (counts.done(), counts.rows());
        let end = expected_end(&self.clock.system, self.began, done - self.done_at_first.min(done), counts.left());
        let end = end.map(|end| format!(", ends about {end}")).unwrap_or_default();
        let bad = if self.bad > 0 { format!(", {} did not end well", self.bad) } else { String::new() };
        screen.progress(&format!("{} {done}/{rows} done, {} left{bad}{end}", bar(done, rows, 20), counts.left()));
    }

    fn show(&mut self, screen: &mut Screen<'_>, news: BatchNews) {
        match news {
            BatchNews::Reader(place, news) => screen.reader(place.as_ref(), &news),
            BatchNews::Begins(place, info, row) => {
                interrupt::in_hand(info.serial.as_str());
                screen.at_reader(&place, &format!("burning row {row} onto {info}"));
            }
            BatchNews::Left(departure) => {
                let Departure { place, info, row, how, counts } = *departure;
                if let Some(info) = &info {
                    interrupt::let_go(info.serial.as_str());
                }
                self.counts = counts;
                let (text, object, bell) = left(&place, info.as_ref(), row.as_ref(), &how);
                self.bad += u64::from(bell == Bell::Badly);
                screen.at_reader(&place, "take the token off");
                screen.event(&text, "token", object, bell);
            }
        }
        self.progress(screen);
    }
}

/// A token that was dealt with, in one line (more where something went wrong), as an object, and for the ear.
fn left(
    place: &Place,
    info: Option<&Info>,
    row: Option<&RowRecord>,
    how: &Left,
) -> (String, serde_json::Map<String, Value>, Bell) {
    let who = info.map_or_else(|| "a token".to_owned(), |info| token_line(info, place.emulated));
    let number = row.map(|row| format!("row {}, ", row.row)).unwrap_or_default();
    let user = row.and_then(|row| row.user.as_deref()).map(|user| format!(", {}", plain(user))).unwrap_or_default();
    let clock = |report: &crate::job::WriteReport| format!("clock was {}", report.before.in_short());
    let (outcome, text, bell) = match how {
        Left::Burned(report) => ("burned", format!("burned  {number}{who}{user}; {}", clock(report)), Bell::Well),
        Left::Judged(_, verdict, true) => {
            ("checked", format!("checked {number}{who}{user}; {}", verdict_words(verdict, 86_400)), Bell::Well)
        }
        Left::Judged(_, verdict, false) => {
            let text = format!("WRONG   {number}{who}{user}; {}", verdict_words(verdict, 86_400));
            (
                "wrong-code",
                format!("{text}\n   next: switch it off and on, lay it back: it is burned again"),
                Bell::Badly,
            )
        }
        Left::Done => ("already", format!("already {number}{who} has its row; it was left alone"), Bell::None),
        Left::NotListed => ("not-listed", format!("ALONE   {who} is not on the list; it was left alone"), Bell::Badly),
        Left::HoldsAnother(burned, user) => {
            let when = burned.map(|at| format!(" since {}", describe::local(at))).unwrap_or_default();
            let whose = user.as_ref().map(|user| format!(" for {}", plain(user))).unwrap_or_default();
            let text = format!(
                "ALONE   {who} holds another seed{when}{whose}; it was left alone\n   next: if it is to be burned anew, say --reburn"
            );
            ("holds-another", text, Bell::Badly)
        }
        Left::Failed(failure) => {
            let text = format!(
                "FAILED  {number}{who}: {}\n  state: {}\n   next: {}",
                failure.fact, failure.state, failure.next
            );
            ("failed", text, Bell::Badly)
        }
    };
    let mut object = match how {
        Left::Burned(report) | Left::Judged(report, ..) => written(report, &place.reader, place.emulated),
        _ => fields([
            ("reader", json!(place.reader)),
            ("token", info.map_or(Value::Null, |info| token(info, place.emulated))),
        ]),
    };
    object.insert("outcome".to_owned(), json!(outcome));
    object.insert("row".to_owned(), json!(row.map(|row| row.row)));
    object.insert("user".to_owned(), json!(row.and_then(|row| row.user.as_ref())));
    match how {
        Left::Judged(_, verdict, _) => {
            object.insert("verify".to_owned(), Value::Object(verdict_fields(verdict)));
        }
        Left::Failed(failure) => {
            object.insert("error".to_owned(), Output::error_fields(failure));
        }
        _ => {}
    }
    (text, object, bell)
}

fn counts_fields(counts: Counts) -> serde_json::Map<String, Value> {
    fields([
        ("rows", json!(counts.rows())),
        ("done", json!(counts.done())),
        ("checked", json!(counts.of(RowState::Checked))),
        ("failed", json!(counts.of(RowState::Failed))),
        ("unknown", json!(counts.unknown())),
        ("left", json!(counts.left())),
    ])
}

fn summary_fields(name: &str, counts: Counts, rows: &[RowRecord], files: &[PathBuf]) -> serde_json::Map<String, Value> {
    let listed = |state: fn(RowState) -> bool| -> Vec<Value> {
        let some = rows.iter().filter(|row| state(row.state));
        some.map(|row| json!({"row": row.row, "serial": row.serial, "user": row.user, "error": row.error})).collect()
    };
    let mut object = counts_fields(counts);
    object.insert("batch".to_owned(), json!(name));
    object.insert("unknown_rows".to_owned(), json!(listed(is_unknown)));
    object.insert("failed_rows".to_owned(), json!(listed(|state| state == RowState::Failed)));
    object.insert("files".to_owned(), json!(files.iter().map(|path| describe::path(path)).collect::<Vec<_>>()));
    object
}

fn is_unknown(state: RowState) -> bool {
    matches!(state, RowState::Burning | RowState::Unknown)
}

/// Writes the server's files, closes a batch in which nothing is left, and sums up.
fn finish(
    name: &str,
    mut batch: Batch,
    outputs: Option<Outputs>,
    fatal: Option<Failure>,
    books: &Books,
    output: &Output,
    at: UnixTime,
) -> Ran {
    let fatal = match fatal {
        Some(failure) => Some(failure),
        None => conclude_batch(&mut batch, outputs.as_ref(), books, at).err(),
    };
    let counts = batch.counts();
    let mut rows = Vec::new();
    let states = [RowState::Burning, RowState::Unknown, RowState::Failed, RowState::Assigned];
    let listed = locked(books).visit_rows(batch.id(), &states, &mut |row| rows.push(row));
    let mut files = Vec::new();
    if let Some(outputs) = outputs.filter(|_| fatal.is_none()) {
        if counts.done() > 0 {
            files.extend(outputs.files.iter().map(|file| file.path.clone()));
        }
        if counts.left() == 0 {
            outputs.finish();
        }
    }
    let mut object = summary_fields(name, counts, &rows, &files);
    object.insert("event".to_owned(), json!("summary"));
    output.report(&summary(name, counts, &rows, &files), object);
    if let Some(failure) = fatal {
        return Err(failure);
    }
    listed?;
    match counts.left() {
        0 => Ok(Exit::Done),
        _ if interrupt::asked() => Ok(Exit::Interrupted),
        _ => Ok(Exit::Undone),
    }
}

fn conclude_batch(batch: &mut Batch, outputs: Option<&Outputs>, books: &Books, at: UnixTime) -> Result<(), Failure> {
    let mut inventory = locked(books);
    batch.recount(inventory.as_mut())?;
    if let Some(outputs) = outputs {
        outputs.write(inventory.as_mut(), batch.id())?;
    }
    if batch.counts().left() == 0 {
        inventory.close_batch(batch.id(), at)?;
    }
    Ok(())
}

/// The summary at the end.
fn summary(name: &str, counts: Counts, rows: &[RowRecord], files: &[PathBuf]) -> String {
    let mut text = format!("{name}: {} of {} rows done", counts.done(), counts.rows());
    if counts.of(RowState::Checked) > 0 {
        text.push_str(&format!(", {} of them checked", counts.of(RowState::Checked)));
    }
    for row in rows {
        let serial = row.serial.as_deref().unwrap_or("no serial");
        let user = row.user.as_deref().map(|user| format!(", {}", plain(user))).unwrap_or_default();
        let what = match row.state {
            RowState::Failed => "failed ",
            RowState::Assigned => "waiting",
            _ => "UNKNOWN",
        };
        let why = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        text.push_str(&format!("\n  {what}  row {}, {serial}{user}{why}", row.row));
    }
    for file in files {
        text.push_str(&format!("\n  written  {}", describe::path(file)));
    }
    if counts.left() > 0 {
        text.push_str(&format!("\n  {} rows are left: run the same command again to go on with them", counts.left()));
    }
    text
}
