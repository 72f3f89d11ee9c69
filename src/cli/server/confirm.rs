//! `server confirm`: a server that has moved is taken as the right one by this user. Nothing in the inventory is changed, so whoever
//! works at a desk can say it as well as the inventory's owner.

use super::open::{self, Known};
use super::unreadable;
use crate::cli::Ran;
use crate::cli::args::ServerConfirmArgs;
use crate::cli::inventory::failed;
use crate::cli::output::Output;
use crate::cli::prompt;
use crate::cli::record::Store;
use crate::job::{Exit, Failure};
use crate::report::ServerConfirmReport;
use crate::server::ServerSettings;

pub fn run(store: &Store, args: &ServerConfirmArgs, output: &Output) -> Ran {
    store.standing().map_err(failed)?;
    let record = open::record(store.inventory(), &args.name)?;
    let settings = ServerSettings::of_text(&record.settings).ok_or_else(|| unreadable(&args.name))?;
    let (was, is) = match open::known(store, &record, &settings)? {
        Known::AsBefore => (None, Vec::new()),
        Known::Moved { was, is } => (Some(was), is),
    };
    if let Some(was) = &was {
        let fact = format!("{}: {}", record.name, open::moved_words(was, &is));
        let is_confirmed =
            || prompt::has_person() && !output.is_json() && prompt::confirms(&format!("{fact}; seeds will go there"));
        if !(args.yes || is_confirmed()) {
            let next = "ask whoever runs the inventory; if the server has moved there, use --yes";
            return Err(Failure::usage(fact, next));
        }
        open::confirm(store, &record.name, &settings)?;
    }
    output.report(&ServerConfirmReport { server: record.name, was: was.map(|was| was.join(" ")), is: is.join(" ") });
    Ok(Exit::Done)
}
