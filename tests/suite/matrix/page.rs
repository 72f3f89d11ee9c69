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
        let agains: BTreeSet<&str> = self.cells.keys().map(|ending| ending.again.as_str()).collect();
        let is_always = agains.len() == 1;
        if is_always {
            writeln!(page, "\nThe same command again {}, whatever happened.", agains.iter().next().unwrap()).unwrap();
        }
        let (title, rule) = if is_always { ("", "") } else { (" the same command again |", "---|") };
        writeln!(page, "\n| at, and what | exit | the token holds | what is said of it |{title}").unwrap();
        writeln!(page, "|---|---|---|---|{rule}").unwrap();
        let mut rows: Vec<_> = self.cells.iter().map(|(ending, places)| (places, ending)).collect();
        rows.sort_by_key(|(places, ending)| (places.keys().next().copied(), *ending));
        for (places, ending) in rows {
            let Ending { exit, token, said, again } = ending;
            let again = if is_always { String::new() } else { format!(" {again} |") };
            writeln!(page, "| {} | {exit} | {token} | {said} |{again}", place_words(places)).unwrap();
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
    let words = groups.into_iter().map(|(steps, faults)| {
        let steps: Vec<_> = steps.iter().map(|step| format!("**{}**", step.name())).collect();
        format!("{}: {}", steps.join(", "), fault_words(faults))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Faults by name; those that mostly end alike have one name together.
fn fault_words(faults: &BTreeSet<Fault>) -> String {
    let mut left = faults.clone();
    let mut words = Vec::new();
    for (name, members) in Fault::families() {
        if members.iter().all(|fault| left.contains(fault)) {
            words.push(name.to_owned());
            left.retain(|fault| !members.contains(fault));
        }
    }
    words.extend(left.iter().map(Fault::name));
    words.join(", ")
}

/// The whole page. `sentences` has each error with what to do next.
pub fn print(sections: &[(Job, bool, Section)], sentences: &BTreeSet<(String, String)>) -> String {
    let cells: usize = sections.iter().map(|(_, _, section)| section.count).sum();
    let mut page = format!(include_str!("page.md"), cells = cells);
    for job in Job::ALL {
        let of: Vec<_> = sections.iter().filter(|(of, _, _)| *of == job).collect();
        writeln!(page, "\n## {}", job.name()).unwrap();
        let [(_, _, plain), (_, _, restricted)] = of[..] else { panic!("two kinds of tokens") };
        if plain == restricted {
            writeln!(page, "\nOn either kind of token ({}, {} cells each).", apdus(plain.apdus), plain.count).unwrap();
            plain.print(&mut page);
            continue;
        }
        for (kind, section) in [("keeps its seed", plain), ("loses its seed at a clock write", restricted)] {
            let (apdus, count) = (apdus(section.apdus), section.count);
            writeln!(page, "\n### On a token that {kind} ({apdus}, {count} cells)").unwrap();
            section.print(&mut page);
        }
    }
    page.push_str(include_str!("sentences.md"));
    for (fact, next) in sentences {
        writeln!(page, "| {fact} | {next} |").unwrap();
    }
    page
}

fn apdus(count: usize) -> String {
    if count == 1 { "1 APDU".to_owned() } else { format!("{count} APDUs") }
}
