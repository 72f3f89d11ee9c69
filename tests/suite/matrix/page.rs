//! The table as a page that a person can read: cells with the same end stand together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::fault::{Fault, Step};
use super::job::Job;

/// How a cell ended, in the page's words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ending {
    pub exit: u8,
    /// What the token holds.
    pub token: String,
    /// What was said of it.
    pub said: String,
    /// What the same command does then.
    pub again: String,
}

/// One job on one kind of token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    pub cells: BTreeMap<Ending, BTreeMap<Step, BTreeSet<Fault>>>,
    /// How many cells it has, before they are merged.
    pub count: usize,
    /// The APDUs of the job without a fault.
    pub apdus: usize,
}

impl Section {
    pub fn add(&mut self, step: Step, fault: Fault, ending: Ending) {
        self.cells.entry(ending).or_default().entry(step).or_default().insert(fault);
        self.count += 1;
    }

    fn print(&self, page: &mut String) {
        page.push_str("\n| exit | at, and what | the token holds | what is said of it | the same command again |\n");
        page.push_str("|---|---|---|---|---|\n");
        for (ending, places) in &self.cells {
            let Ending { exit, token, said, again } = ending;
            writeln!(page, "| {exit} | {} | {token} | {said} | {again} |", place_words(places)).unwrap();
        }
    }
}

/// "get info, write seed: gone before, reset; …": places with the same faults stand together.
fn place_words(places: &BTreeMap<Step, BTreeSet<Fault>>) -> String {
    let mut by_faults: BTreeMap<&BTreeSet<Fault>, Vec<Step>> = BTreeMap::new();
    for (step, faults) in places {
        by_faults.entry(faults).or_default().push(*step);
    }
    let mut groups: Vec<(Vec<Step>, &BTreeSet<Fault>)> =
        by_faults.into_iter().map(|(faults, steps)| (steps, faults)).collect();
    groups.sort();
    let all = Fault::all();
    let words = groups.into_iter().map(|(steps, faults)| {
        let steps: Vec<_> = steps.iter().map(|step| format!("**{}**", step.name())).collect();
        let possible: Vec<_> = all.iter().filter(|fault| steps_fit(fault, places)).collect();
        let missing: Vec<_> =
            possible.iter().filter(|fault| !faults.contains(**fault)).map(|fault| fault.name()).collect();
        let faults = match missing.len() {
            0 => "whatever happens".to_owned(),
            1..=3 => format!("all but {}", missing.join(", ")),
            _ => faults.iter().map(Fault::name).collect::<Vec<_>>().join(", "),
        };
        format!("{}: {faults}", steps.join(", "))
    });
    words.collect::<Vec<_>>().join("; ")
}

fn steps_fit(fault: &Fault, places: &BTreeMap<Step, BTreeSet<Fault>>) -> bool {
    places.keys().any(|step| fault.fits(*step))
}

/// The whole page. `sentences` has each error with what to do next.
pub fn print(sections: &[(Job, bool, Section)], sentences: &BTreeSet<(String, String)>) -> String {
    let cells: usize = sections.iter().map(|(_, _, section)| section.count).sum();
    let mut page = format!(include_str!("page.md"), cells = cells);
    for job in Job::ALL {
        let of: Vec<_> = sections.iter().filter(|(of, _, _)| *of == job).collect();
        writeln!(page, "\n## {}", title(job)).unwrap();
        let [(_, _, plain), (_, _, restricted)] = of[..] else { panic!("two kinds of tokens") };
        if plain == restricted {
            writeln!(page, "\nOn either kind of token ({} APDUs, {} cells each).", plain.apdus, plain.count).unwrap();
            plain.print(&mut page);
            continue;
        }
        for (kind, section) in [("keeps its seed", plain), ("loses its seed at a clock write", restricted)] {
            let (apdus, count) = (section.apdus, section.count);
            writeln!(page, "\n### On a token that {kind} ({apdus} APDUs, {count} cells)").unwrap();
            section.print(&mut page);
        }
    }
    page.push_str("\n## What is said, and what to do next\n\n| error | next |\n|---|---|\n");
    for (fact, next) in sentences {
        writeln!(page, "| {fact} | {next} |").unwrap();
    }
    page
}

fn title(job: Job) -> String {
    job.name().to_owned()
}
