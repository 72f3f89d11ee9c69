//! `server add`: a server made known, its credential sealed or left where it is.

use std::path::Path;

use zeroize::Zeroizing;

use super::open::{confirm, of_bytes, of_file, unnoticed};
use super::report_of;
use crate::cli::args::{Global, ServerAddArgs};
use crate::cli::inventory::{event, failed};
use crate::cli::output::Output;
use crate::cli::record::Store;
use crate::cli::unused::unused;
use crate::cli::{Ran, describe, input, prompt};
use crate::inventory::{Deed, DeliveryFilter, Inventory, ServerRecord, seal_credential};
use crate::job::{Exit, Failure};
use crate::report::ServerAddReport;
use crate::server::{AddressFault, ServerKind, ServerSettings, has_certificates};
use crate::time::{HostClock, SystemClock};

/// The longest name.
const LONGEST_NAME: usize = 40;

pub fn run(store: &Store, global: &Global, args: &ServerAddArgs, output: &Output) -> Ran {
    let inventory = store.inventory();
    let settings = settings(args)?;
    let recipients = inventory.recipients().map_err(failed)?;
    let seals = !(args.leave_in_file || args.credential_systemd || args.by_person);
    if seals && recipients.is_empty() {
        return Err(Failure::usage(
            "this inventory seals nothing, so the credential cannot be kept in it",
            "leave it in its file (--credential-file FILE --leave-in-file), or choose who can open what is sealed: tokentap inventory init \
             --recipient age1…",
        ));
    }
    if seals {
        store.standing().map_err(failed)?;
    }
    let text = settings.to_text();
    let sealed = match seals {
        true => {
            let credential = credential(args)?;
            let sealed = seal_credential(&credential, &args.name, &text, &recipients);
            Some(sealed.map_err(|error| Failure::file(error.to_string(), "run the same command again"))?)
        }
        false => {
            if let Some(file) = &settings.credential_file {
                of_file(file)?;
            }
            None
        }
    };
    let known = inventory.servers().map_err(failed)?;
    let replaced = known.iter().any(|server| server.name == args.name);
    check_same(inventory, args, &settings, known.iter().find(|server| server.name == args.name))?;
    let added = SystemClock::new().now().wall;
    let record = ServerRecord { name: args.name.clone(), settings: text, credential: sealed, added };
    let words = format!("{}, {} at {} as {}", args.name, settings.kind.word(), settings.url, settings.account);
    inventory.put_server(&record, &event(global, Deed::Server, None, Some(words))).map_err(failed)?;
    if let Err(failure) = confirm(store, &args.name, &settings) {
        // It is added; its first use would count as confirmed where nothing else is.
        output.note(&unnoticed(&failure));
    }
    output.report(&ServerAddReport { server: report_of(inventory, &record)?, replaced });
    Ok(Exit::Done)
}

/// Whether a name goes on to mean the server that tokens went to under it.
fn check_same(
    inventory: &dyn Inventory,
    args: &ServerAddArgs,
    settings: &ServerSettings,
    known: Option<&ServerRecord>,
) -> Result<(), Failure> {
    let filter = DeliveryFilter { server: Some(args.name.clone()), serial: None };
    let tokens = inventory.deliveries(&filter).map_err(failed)?.len();
    let before = known.and_then(|record| ServerSettings::of_text(&record.settings));
    let many = describe::counted(tokens as u64, "token");
    let went = |to: &str| format!("according to the journal, {many} went to {to} with the name {}", args.name);
    match before {
        _ if tokens == 0 => Ok(()),
        Some(before) if before.kind == settings.kind && (args.same_server || is_same_place(&before, settings)) => {
            Ok(())
        }
        // What went to a server under this name is taken to be there: at another one nobody could sign in.
        Some(before) if before.kind == settings.kind => Err(Failure::usage(
            format!("{}, and this is another address, account or tenant", went(&before.url)),
            "if the same server has moved, with its tokens, use --same-server; otherwise use another name",
        )),
        Some(before) => {
            Err(Failure::usage(went(&format!("a server of another kind ({})", before.kind.name())), "use another name"))
        }
        // It was removed here, or its record cannot be read.
        None if args.same_server => Ok(()),
        None => Err(Failure::usage(
            format!("{}, and the inventory cannot tell whether it is this one", went("a server")),
            "if it is the same server, use --same-server; otherwise use another name",
        )),
    }
}

/// Whether settings name the same server. privacyIDEA's administrators all see the same tokens, and Entra ID's clients those of their tenant.
fn is_same_place(one: &ServerSettings, other: &ServerSettings) -> bool {
    let is_same_account = one.account == other.account || one.kind != ServerKind::Duo;
    one.url == other.url && one.tenant == other.tenant && is_same_account
}

/// What the arguments say of a server.
fn settings(args: &ServerAddArgs) -> Result<ServerSettings, Failure> {
    let kind = ServerKind::from(args.kind);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !args.name.starts_with(|c: char| c.is_ascii_alphanumeric())
        || args.name.len() > LONGEST_NAME
        || !args.name.chars().all(is_plain)
    {
        return Err(Failure::usage("that is not a name for a server", "use up to 40 letters, digits and hyphens"));
    }
    for (is_given, flag, of) in [
        (args.tenant.is_some(), "--tenant", ServerKind::Entra),
        (args.by_person, "--by-person", ServerKind::Entra),
        (args.sign_in_url.is_some(), "--sign-in-url", ServerKind::Entra),
        (args.realm.is_some(), "--realm", ServerKind::PrivacyIdea),
    ] {
        if is_given && of != kind {
            return Err(unused(flag, &format!("it is for {}", of.name())));
        }
    }
    if args.account.trim().is_empty() {
        return Err(Failure::usage("the account is empty", "name the account that tokentap signs in with"));
    }
    let url = args.url.as_deref().unwrap_or("https://graph.microsoft.com");
    let ca = match &args.ca {
        Some(file) => Some(authorities(file)?),
        None => None,
    };
    Ok(ServerSettings {
        kind,
        url: address(url)?,
        account: args.account.trim().to_owned(),
        tenant: args.tenant.clone(),
        sign_in: args.sign_in_url.as_deref().map(address).transpose()?,
        realm: args.realm.clone(),
        ca,
        credential_file: match (&args.credential_file, args.leave_in_file) {
            (Some(file), true) => Some(whole(file)?),
            _ => None,
        },
        by_person: args.by_person,
    })
}

fn address(text: &str) -> Result<String, Failure> {
    ServerSettings::parse_url(text).map_err(|fault| match fault {
        AddressFault::Malformed => Failure::usage(
            "that is no address of a server",
            "use one of the form https://HOST, with a port or a path where it has one",
        ),
        AddressFault::Plain => Failure::usage(
            "seeds would go to another computer in plain text (http)",
            "use https; http is for a server on this computer alone",
        ),
        // It is not repeated.
        AddressFault::Credential => Failure::usage(
            "the address has a name or password in it",
            "leave it out: the account goes into --account, and the password into a file or the prompt",
        ),
    })
}

/// A path that holds wherever the program is run.
fn whole(file: &Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(file)
        .map_err(|error| Failure::file(format!("{}: {error}", describe::path(file)), "name the credential's file"))
}

fn authorities(file: &Path) -> Result<String, Failure> {
    let next = "name a file with the authority's certificate in PEM";
    let content = input::read_all(input::open(file, next)?, &describe::path(file), 1 << 16, next)?;
    let text = std::str::from_utf8(&content).unwrap_or_default();
    match has_certificates(text) {
        true => Ok(text.to_owned()),
        false => Err(Failure::usage(format!("{} has no certificate in it", describe::path(file)), next)),
    }
}

/// The credential that is to be sealed.
fn credential(args: &ServerAddArgs) -> Result<Zeroizing<String>, Failure> {
    if let Some(file) = &args.credential_file {
        return of_file(file);
    }
    if args.credential_stdin {
        let next = "give the credential on standard input, and nothing else";
        let content = input::read_all(input::standard_input()?, "standard input", 1 << 16, next)?;
        return of_bytes(&content, "standard input");
    }
    if !prompt::has_person() {
        return Err(Failure::usage(
            "no credential was named, and there is no terminal to ask at",
            "use --credential-file FILE or --credential-stdin",
        ));
    }
    let what = match ServerKind::from(args.kind) {
        ServerKind::PrivacyIdea => "Password",
        ServerKind::Duo => "Secret key",
        ServerKind::Entra => "Client secret",
    };
    let typed = prompt::secret(&format!("{what} of {} (not shown): ", describe::plain(&args.account)))?;
    of_bytes(typed.as_bytes(), "the answer")
}
