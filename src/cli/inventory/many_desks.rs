//! `inventory serve-init`, `join`, `desks` and `prune`: one inventory on a database server, for several desks.

use std::path::Path;

use super::{event, failed, lists, recipients, sealed_already};
use crate::cli::args::{Global, JoinArgs, PruneArgs, ServeInitArgs};
use crate::cli::output::Output;
use crate::cli::store::{self, Store};
use crate::cli::{Ran, describe, input, prompt, record};
use crate::inventory::{
    Address, AddressError, DatabaseServer, Deed, Inventory, InventoryError, Joined, Postgres, Role, make_folder,
};
use crate::job::batch::unwritable;
use crate::job::{Exit, Failure, TokenState};
use crate::report::{DesksReport, JoinReport, PruneReport, ServeInitReport, ServedUser};
use crate::seedfile::SecretFile;
use crate::time::{HostClock, SystemClock, UnixTime};
use zeroize::Zeroizing;

fn bad_address(error: AddressError) -> Failure {
    failed(InventoryError::Address(error.to_string()))
}

/// Sets a server up: what is there already stays as it is.
pub fn serve_init(global: &Global, args: &ServeInitArgs, output: &Output) -> Ran {
    let served = Address::parse(&args.address, global.db_ca.as_deref(), global.db_plaintext).map_err(bad_address)?;
    let by = Address::parse(&args.by, None, global.db_plaintext).map_err(bad_address)?;
    let recipients = recipients(&args.recipient)?;
    let database = served.database().to_owned();
    let names: Vec<&String> = args.desk.iter().chain(&args.viewer).chain(&args.renew).collect();
    for (index, name) in names.iter().enumerate() {
        check_name(name)?;
        if names.iter().take(index).any(|earlier| earlier == name) {
            return Err(Failure::usage(format!("{name} is named twice"), "name each desk and viewer once"));
        }
    }
    // An authority that cannot be read is found before anything is changed.
    served.join_text(&database).map_err(|detail| failed(InventoryError::Address(detail)))?;
    let mut server = DatabaseServer::connect(by).map_err(failed)?;
    // First of all, and whatever else is wrong.
    for name in &args.shut_out {
        server.shut_out(&database, name).map_err(failed)?;
    }
    if names.is_empty() && recipients.is_empty() && !args.shut_out.is_empty() {
        let (inventory, shut_out) = (served.place(), args.shut_out.clone());
        output.report(&ServeInitReport { inventory, users: Vec::new(), shut_out, recipients });
        return Ok(Exit::Done);
    }
    if !server.speaks_tls().map_err(failed)? && served.is_encrypted() {
        return Err(Failure::usage(
            "the server does not speak TLS: names, serials and sealed seeds would go over the network in plain text",
            "give it a certificate, and set ssl = on (docs/many-desks.md); --db-plaintext does without",
        ));
    }
    let inventory = server.make(&database).map_err(failed)?;
    seal_to(&inventory, &recipients, global)?;
    let mut users = Vec::new();
    let wanted = args.desk.iter().map(|name| (name, Some(Role::Desk)));
    let wanted = wanted.chain(args.viewer.iter().map(|name| (name, Some(Role::Viewer))));
    // Whoever is there has a role already.
    for (name, role) in wanted.chain(args.renew.iter().map(|name| (name, None))) {
        users.push(serve_user(&mut server, &served, args.out.as_deref(), name, role)?);
    }
    let recipients = inventory.recipients().map_err(failed)?;
    output.report(&ServeInitReport { inventory: served.place(), users, shut_out: args.shut_out.clone(), recipients });
    Ok(Exit::Done)
}

/// Has seeds sealed to these recipients from now on, if any are named.
pub fn seal_to(inventory: &Postgres, recipients: &[String], global: &Global) -> Result<(), Failure> {
    let sealed_to = inventory.recipients().map_err(failed)?;
    if recipients.is_empty() || sealed_to == recipients {
        return Ok(());
    }
    if !sealed_to.is_empty() {
        return Err(sealed_already(&sealed_to));
    }
    let detail = format!("seeds are sealed to {} from now on", recipients.join(", "));
    inventory.set_recipients(recipients, &event(global, Deed::Init, None, Some(detail))).map_err(failed)
}

/// Makes a user, or gives one a new password where no role is named. Its file is on the disk, but for its name, before the server has the
/// password: none is lost.
fn serve_user(
    server: &mut DatabaseServer,
    served: &Address,
    out: Option<&Path>,
    name: &str,
    role: Option<Role>,
) -> Result<ServedUser, Failure> {
    let address = served.join_text(name).map_err(|detail| failed(InventoryError::Address(detail)))?;
    let database = served.database();
    if let Some(role) = role
        && server.has_user(database, name).map_err(failed)?
    {
        return Ok(ServedUser { name: name.to_owned(), role: role.word(), address, file: None });
    }
    let folder = out.ok_or_else(|| Failure::usage("--out is missing", "name the folder for the desks' files"))?;
    make_folder(folder).map_err(|error| {
        Failure::file(format!("{}: {error}", describe::path(folder)), "name another folder with --out")
    })?;
    let path = folder.join(format!("{name}.join"));
    let password = server.password().map_err(failed)?;
    // The file of an earlier password is of no use any more.
    let mut file = SecretFile::create(&path, role.is_none()).map_err(|error| unwritable(&error))?;
    let content = Zeroizing::new(format!("{address}\n{}\n", password.as_str()));
    file.write(content.as_bytes()).map_err(|error| unwritable(&error))?;
    let role = match role {
        Some(role) => server.add_user(database, name, role, &password).map(|()| role),
        None => server.renew_user(database, name, &password),
    };
    let role = role.map_err(failed)?;
    file.commit().map_err(|error| unwritable(&error))?;
    Ok(ServedUser { name: name.to_owned(), role: role.word(), address, file: Some(describe::path(&path)) })
}

/// Names that need no quoting anywhere they will be typed.
fn check_name(name: &str) -> Result<(), Failure> {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let is_usable =
        name.starts_with(|letter: char| letter.is_ascii_lowercase()) && name.chars().all(is_plain) && name.len() <= 40;
    match is_usable {
        true => Ok(()),
        false => Err(Failure::usage(
            format!("{name:?} is no name for a user of the database"),
            "use small letters, digits and _, with a letter first, such as front_desk",
        )),
    }
}

/// Makes the inventory on a server this desk's own, once it has been seen to answer, and that the clocks agree.
pub fn join(global: &Global, args: &JoinArgs, output: &Output) -> Ran {
    let joined = Joined::usual().ok_or_else(|| failed(InventoryError::NoFolder))?;
    let unusable = |error: std::io::Error| {
        Failure::file(format!("{}: {error}", describe::path(joined.folder())), "make the folder writable")
    };
    let own = store::usual_file().ok().filter(|file| file.exists()).map(|file| describe::path(&file));
    let Some(from) = args.from.as_deref().filter(|_| !args.leave) else {
        if let Some((_, Ok(waits))) = store::waits(&Global { inventory: None, ..global.clone() }) {
            return Err(Failure::usage(
                format!(
                    "{} in this desk's outbox would stay here",
                    describe::counted(waits.records + waits.refused.map_or(0, |(many, _)| many), "record")
                ),
                "run any command, such as tokentap inventory desks, while the database server answers; then leave",
            ));
        }
        let was_joined = joined.leave().map_err(unusable)?;
        output.report(&JoinReport { inventory: None, desk: None, was_joined, clock_s: None, own, file: None });
        return Ok(Exit::Done);
    };
    let (text, password) = invitation(from)?;
    let address = Address::parse(&text, global.db_ca.as_deref(), global.db_plaintext).map_err(bad_address)?;
    let address = address.with_password(&password);
    let inventory = Postgres::open(address.clone()).map_err(failed)?;
    let station = record::station();
    let clock_s = inventory.greet(&station, &SystemClock::new()).map_err(failed)?;
    if clock_s.abs() > store::CLOCKS_WITHIN_S {
        return Err(Failure::usage(
            format!("{}; tokens are set by this one", crate::report::clocks_apart(clock_s)),
            "let both follow a time service (tokentap doctor asks this computer's), and run the same command again",
        ));
    }
    let text = match &global.db_ca {
        // The file may be moved; what is in it is kept.
        Some(_) => address.join_text(address.user()).map_err(|detail| failed(InventoryError::Address(detail)))?,
        None => text,
    };
    joined.join(&text, &address, global.db_plaintext, &password).map_err(unusable)?;
    output.report(&JoinReport {
        inventory: Some(describe::path(&address.shown())),
        desk: Some(station.desk),
        was_joined: true,
        clock_s: Some(clock_s),
        own,
        file: Some(from).filter(|from| !store::is_address(from)).map(describe::path),
    });
    Ok(Exit::Done)
}

/// The address and the password that a desk joins by: in a file, or the password is asked for.
fn invitation(from: &Path) -> Result<(String, Zeroizing<String>), Failure> {
    if store::is_address(from) {
        if !prompt::has_person() {
            return Err(Failure::usage(
                "the password is asked for, and there is no terminal",
                "name the file that serve-init made for this desk",
            ));
        }
        let text = from.to_str().unwrap_or_default().to_owned();
        return prompt::secret("This desk's password (not shown): ").map(|password| (text, password));
    }
    let next = "name the file that serve-init made for this desk";
    if from.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(Failure::file(format!("{} is not a file", describe::path(from)), next));
    }
    let content = input::small_file(from, next)?;
    let mut lines = std::str::from_utf8(&content).unwrap_or_default().lines();
    match (lines.next().map(str::trim), lines.next().map(str::trim)) {
        (Some(text), Some(password)) if store::is_address(text.as_ref()) && !password.is_empty() => {
            Ok((text.to_owned(), Zeroizing::new(password.to_owned())))
        }
        _ => Err(Failure::file(format!("{} is not the file of a desk that joins", describe::path(from)), next)),
    }
}

/// The inventory on a server.
fn on_server(store: &Store) -> Result<&Postgres, Failure> {
    match store {
        Store::Server(shared) => shared.server().map_err(failed),
        Store::File(sqlite) => Err(Failure::usage(
            format!("the inventory {} is a file, and this desk's alone", describe::path(sqlite.path())),
            "name one on a server with --inventory postgres://USER@HOST/DATABASE",
        )),
    }
}

/// Lists the desks.
pub fn desks(store: &Store, output: &Output) -> Ran {
    let desks = on_server(store)?.desks().map_err(failed)?;
    output.report(&DesksReport { desks: desks.iter().map(Into::into).collect() });
    Ok(Exit::Done)
}

/// Removes old events.
pub fn prune(store: &Store, global: &Global, args: &PruneArgs, output: &Output) -> Ran {
    let inventory = on_server(store)?;
    let before: Option<UnixTime> = lists::since("--events-before", Some(&args.events_before))?;
    let before =
        before.ok_or_else(|| Failure::usage("--events-before is not a time", "use a date, such as 2024-11-23"))?;
    if before > SystemClock::new().now().wall {
        return Err(Failure::usage(
            "--events-before is in the future: every event would be removed",
            "use a date in the past",
        ));
    }
    let day = describe::local(before);
    if !args.yes {
        if !prompt::has_person() {
            return Err(Failure::usage(
                "events cannot be brought back, and there is no terminal to ask at",
                "use --yes",
            ));
        }
        if !prompt::confirms(&format!(
            "The events from before {day} will be gone for every desk; a backup has them still."
        )) {
            return Err(
                Failure::usage("nothing was removed", "type yes to go on").in_state(TokenState::RecordUnchanged)
            );
        }
    }
    let removed = inventory.prune(before, &event(global, Deed::Prune, None, None)).map_err(failed)?;
    output.report(&PruneReport { before: day, removed });
    Ok(Exit::Done)
}
