//! `tokentap batch`: many tokens from one list.

mod plan;
mod summary;
mod view;

use std::collections::HashSet;
use std::path::Path;

use super::args::{BatchArgs, Global};
use super::describe;
use super::host::{Host, WatchedHost};
use super::input::read_all;
use super::output::Output;
use super::record::Record;
use super::screen::{Idle, Message, Screen, Wire, ask_through, confirm_through};
use super::secret::token_key;
use super::seeds::save_failed;
use super::{Ran, interrupt, prompt, slip, trays};
use crate::inventory::{BatchRecord, Counts, Fingerprint, NewRow, RowState};
use crate::job::batch::{
    Batch, BatchNews, BatchPlan, BatchVisitor, Opened, Origin, PartFile, SeedSource, ServerFile, ServerFiles, missing,
};
use crate::job::{Books, Exit, Failure, HourWatch, Problem, ProfileWish, Surroundings, locked};
use crate::report::{BatchEvent, BatchSummary, WORDING};
use crate::seedfile::{MAX_WHOLE, Row, SaveError, SecretFile};
use crate::time::{HostClock, UnixTime};
use crate::token::Info;
use plan::{Planned, planned};
use view::View;

pub fn run(global: &Global, args: &BatchArgs, output: &Output) -> Ran {
    trays::check_for_many(global)?;
    let flags = super::plan::wish(&args.profile, None)?;
    if args.force && args.to.is_empty() && args.slips.is_none() {
        return Err(Failure::usage(
            "--force does nothing: no file is written",
            "add --to FORMAT=FILE, or leave --force out",
        ));
    }
    if args.check_every.is_some() && (!prompt::has_person() || output.is_json()) {
        return Err(Failure::usage(
            "--check-every asks for codes, and there is no terminal to ask at",
            "leave it out, and check some tokens with tokentap verify",
        ));
    }
    if !global.dry_run {
        let is_own = args.slips.as_deref().is_some_and(slip::is_own);
        slip::check(args.slips.as_ref(), args.force || is_own)?;
    }
    let record = Record::open_checked(global, true, output)?.or_in_memory()?;
    let Some(books) = record.books() else {
        return Err(Failure::file("there is no inventory", "name one with --inventory FILE"));
    };
    let planned = planned(args, flags, &record, output)?;
    if global.dry_run {
        return plan::show(&planned, output);
    }
    let Planned { origin, source, rows, files, options, dropped } = planned;
    if let Some(done) = finished(args, books, &origin, &files)? {
        if let Some(path) = &args.slips {
            summary::write_slips(path, done.id, None, books, args.force || slip::is_own(path))?;
            output.note(&format!("the slips are in {}", describe::path(path)));
        }
        return Ok(say_finished(&origin.name, done.counts, output));
    }
    let host = Host::assess(&args.run.host)?;
    let key = token_key(args.run.token_key.as_deref())?;
    host.check_vouched_for(output)?;
    let mut trays = trays::open(global, &host.system)?;
    host.warn(output);

    let at = host.clock().now().wall;
    let part_path = files.first().map(|file| PartFile::beside(&file.path));
    let opened = open_batch(args, books, &origin, rows, &files, part_path.as_deref(), at)?;
    let (batch, how, part) = opened;
    let name = &origin.name;
    if how == Opened::Finished && part.is_none() {
        return Ok(say_finished(name, batch.counts(), output));
    }
    if batch.adopted() > 0 {
        output.note(&format!(
            "the .part file has {} that the inventory does not: the inventory is an older copy. Their tokens count as unknown \
             until they are on the reader again",
            describe::counted(batch.adopted(), "row")
        ));
    }
    let batch = batch.reburning(args.reburn);
    let mut outputs = part.map(|part| ServerFiles { files, options, dropped, part });
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
        match &news {
            BatchNews::Begins(_, info, _) => {
                idle.note();
                interrupt::in_hand(info.serial.as_str());
            }
            BatchNews::Left(departure) => {
                idle.note();
                if let Some(info) = &departure.info {
                    interrupt::let_go(info.serial.as_str());
                }
            }
            BatchNews::Reader(..) => {}
        }
        let _ = sender.send(Message::News(news));
    };
    let ask = |info: &Info| ask_through(&sender, info);
    let confirm = |problem: &Problem| confirm_through(&sender, problem);
    let stop = || interrupt::asked() || idle.is_over();
    let plan = BatchPlan {
        source,
        flags,
        fine: args.precise,
        allow_unknown_model: args.allow_unknown_model,
        key,
        tries_again: args.run.try_again,
        shares_seeds: args.whole.allow_shared_secret,
        reassigns: args.reassign,
        check_every: args.check_every.unwrap_or(0),
    };
    let surroundings = Surroundings {
        station: record.station().clone(),
        remark: record.remark(host.remark()),
        wording: WORDING,
        host: &look,
        tell: &tell,
        ask: args.check_every.map(|_| &ask as _),
        confirm: (prompt::has_person() && !output.is_json()).then_some(&confirm as _),
        hours: HourWatch::watching(!args.run.host.trust_host_clock),
        stop: &stop,
    };
    let mut view = View::new(name, batch.counts(), &host);
    view.begin(how, &screen);
    let visitor = BatchVisitor::new(books, batch, outputs, plan, surroundings);
    wire.run(trays.as_mut(), &visitor, &mut screen, &mut |screen, news| view.show(screen, news));
    let (batch, mut outputs, source, mut fatal) = visitor.into_parts();
    if let Some(outputs) = outputs.as_mut().filter(|_| fatal.is_none()) {
        // Another program may have worked at the same batch.
        fatal = restore_part(outputs, books, &batch, &source, flags).err();
    }
    let ending = summary::Ending {
        fatal,
        holding: view.holding(),
        slips: args.slips.as_deref(),
        with_secret: args.with_secret,
        force: args.force,
        at: host.clock().now().wall,
    };
    summary::finish(name, batch, outputs, books, output, ending)
}

/// The batch of this content that is finished into these files: nothing is left to do in it.
fn finished(
    args: &BatchArgs,
    books: &Books,
    origin: &Origin,
    files: &[ServerFile],
) -> Result<Option<BatchRecord>, Failure> {
    let mut inventory = locked(books);
    let known = inventory.batch_of_content(&origin.content)?.filter(|_| !args.new_batch && !files.is_empty());
    let Some(batch) = known.filter(|batch| batch.closed.is_some()) else { return Ok(None) };
    let mut serials = Vec::new();
    inventory.visit_rows(batch.id, &[RowState::Burned, RowState::Checked], &mut |row| serials.extend(row.serial))?;
    // A file of somebody else's at the same place is not this batch's.
    let has_all = |file: &ServerFile| {
        let Ok(open) = std::fs::File::open(&file.path) else { return false };
        let text = read_all(open, "the file", MAX_WHOLE, "name another file");
        text.is_ok_and(|text| {
            let held = std::str::from_utf8(&text).unwrap_or_default();
            serials.iter().all(|serial| held.contains(serial.as_str()))
        })
    };
    Ok(files.iter().all(has_all).then_some(batch))
}

fn say_finished(name: &str, counts: Counts, output: &Output) -> Exit {
    output.report(&BatchEvent::Summary(BatchSummary::finished(name, counts)));
    Exit::Done
}

/// Opens the batch and, where a server's file is asked for, its `.part` file.
fn open_batch(
    args: &BatchArgs,
    books: &Books,
    origin: &Origin,
    rows: Vec<NewRow>,
    files: &[ServerFile],
    part_path: Option<&Path>,
    at: UnixTime,
) -> Result<(Batch, Opened, Option<PartFile>), Failure> {
    let known = locked(books).batch_of_content(&origin.content)?.filter(|_| !origin.anew);
    let is_open = known.as_ref().is_some_and(|batch| batch.closed.is_none());
    let had_part = part_path.is_some_and(|path| path.symlink_metadata().is_ok());
    for file in files {
        // The file of a run that ended with rows left is this batch's own: its .part file is there too.
        let is_own = is_open && had_part;
        SecretFile::create(&file.path, args.force || is_own).map_err(|error| match error {
            SaveError::Exists(_) if is_open => finished_elsewhere(&file.path),
            SaveError::Exists(_) => Failure::file(
                error.to_string(),
                "if a batch was finished into it and the inventory was lost or restored since, stop: its rows are on \
                 tokens already (docs/desk.md); otherwise use another file with --to",
            ),
            error => save_failed(&error),
        })?;
    }
    for file in files.iter().skip(1) {
        let part = PartFile::beside(&file.path);
        if part.symlink_metadata().is_ok() {
            return Err(Failure::usage(
                format!("{} has rows of a batch that is not done", describe::path(&part)),
                format!("name {} as the first --to", describe::path(&file.path)),
            ));
        }
    }
    let Some(part_path) = part_path else {
        return Batch::open(books, origin, rows, &[], at).map(|(batch, how)| (batch, how, None));
    };
    let key = locked(books).fingerprint_key().clone();
    let own: HashSet<Fingerprint> = rows.iter().filter_map(|row| row.seed).collect();
    let mut begun = Vec::new();
    let mut foreign = 0;
    let mut see = |row: &Row| {
        foreign += usize::from(!origin.is_fresh && !own.contains(&key.of(&row.seed)));
        begun.push(row.clone());
    };
    let part = PartFile::open(part_path, &key, &mut see).map_err(|error| save_failed(&error))?;
    if origin.is_fresh && !is_open {
        foreign += begun.len();
    }
    if foreign > 0 {
        let fact = format!("{} has {foreign} seeds of another batch", describe::path(part_path));
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

/// The failure of a server's file that is written already, though the inventory has rows of its batch left.
fn finished_elsewhere(path: &Path) -> Failure {
    Failure::file(
        format!(
            "{} is written already, and its .part file is gone, but the inventory has rows of this batch left",
            describe::path(path)
        ),
        "if the inventory was restored from a backup, stop: the rows that are left may be on tokens already (docs/desk.md); \
         otherwise use another file with --to",
    )
}

/// What tokens hold and the `.part` file has not: written there again, or named where its seeds were nowhere else.
fn restore_part(
    outputs: &mut ServerFiles,
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
        let known = locked(books).token(serial)?.and_then(|token| token.profile);
        let (profile, _) = seed.wish(flags).resolve(known)?;
        outputs.part.add(&seed.row(serial, row.user.as_deref(), profile)).map_err(|error| save_failed(&error))?;
    }
    Ok(())
}
