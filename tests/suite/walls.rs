//! The walls of the house: imports go down only, options of a front end are named only where remedies are worded, and sockets are
//! opened only where `docs/adr/` says so. The table of floors is the one in CONTRIBUTING.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::remedies::COMMANDS;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The floors from the ground up: the paths that each row of the table names first.
fn floors() -> Vec<Vec<String>> {
    let map = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let rows = map.lines().filter(|line| line.starts_with("| `src/"));
    let cells = rows.map(|line| line.split('|').nth(1).unwrap());
    cells.map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()).collect()
}

/// The floor of a path below `src/`: that of the longest entry which it begins with.
fn floor_of(path: &str, floors: &[Vec<String>]) -> Option<usize> {
    let fits = |entry: &str| path == entry || path == entry.trim_end_matches(".rs") || path.starts_with(entry);
    let entries = floors.iter().enumerate().flat_map(|(floor, row)| row.iter().map(move |entry| (floor, entry)));
    entries.filter(|(_, entry)| fits(entry)).max_by_key(|(_, entry)| entry.len()).map(|(floor, _)| floor)
}

/// All files of the sources, as `src/…`, with their text up to their tests.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
                files.push((named(&path), code));
            }
        }
    }
    assert!(files.len() > 150, "the sources are not there");
    files
}

fn named(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .components()
        .map(|part| part.as_os_str().to_str().unwrap())
        .collect::<Vec<_>>()
        .join("/")
}

/// Without comments: `//` to the end of its line.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths that a file imports from this crate: `crate::job::batch` is `src/job/batch`.
fn imports(code: &str) -> Vec<String> {
    let after = code.match_indices("crate::").map(|(at, name)| &code[at + name.len()..]);
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    after
        .map(|rest| {
            let mut path = "src".to_owned();
            for part in rest.split("::") {
                let word: String = part.chars().take_while(|c| is_word(*c)).collect();
                if word.is_empty() || part.starts_with('{') {
                    break;
                }
                path = format!("{path}/{word}");
                if word.len() < part.len() {
                    break;
                }
            }
            path
        })
        .collect()
}

#[test]
fn every_file_imports_from_its_own_floor_or_below() {
    let floors = floors();
    assert!(floors.len() >= 15, "{floors:?}");
    let mut arrows_up = Vec::new();
    let mut seen = 0;
    for (file, text) in sources() {
        let Some(own) = floor_of(&file, &floors) else { panic!("{file} is on no floor") };
        for import in imports(&code(&text)) {
            let module = import.split('/').take(3).collect::<Vec<_>>().join("/");
            // An item of the crate itself, such as a macro, is on no floor.
            let Some(floor) = floor_of(&format!("{module}/"), &floors).or_else(|| floor_of(&import, &floors)) else {
                continue;
            };
            seen += 1;
            if floor > own {
                arrows_up.push(format!("{file} imports {import}"));
            }
        }
    }
    assert!(seen > 500, "only {seen} imports were found");
    assert!(arrows_up.is_empty(), "{arrows_up:#?}");
}

/// The files of one folder that import each other form no circle: each can be read before those that stand on it.
#[test]
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    let sources = sources();
    let mut arrows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in &sources {
        let (folder, name) = file.rsplit_once('/').unwrap();
        let code = code(text);
        let siblings = code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("super::")).filter_map(
            |(at, word)| {
                let rest = &code[at + word.len()..];
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit()).collect();
                let sibling = format!("{folder}/{name}.rs");
                sources.iter().any(|(other, _)| *other == sibling).then_some(sibling)
            },
        );
        // What a folder's own file declares is below it, whatever that hands on.
        if name != "mod.rs" {
            arrows.insert(file.clone(), siblings.collect());
        }
    }
    assert!(arrows.values().map(Vec::len).sum::<usize>() > 500);
    // Whoever stands on nothing that is left can be read: what cannot is in a circle, or above one.
    let mut unread: BTreeSet<String> = arrows.keys().cloned().collect();
    loop {
        let ready: Vec<String> = unread
            .iter()
            .filter(|file| !arrows[*file].iter().any(|other| other != *file && unread.contains(other)))
            .cloned()
            .collect();
        if ready.is_empty() {
            break;
        }
        unread.retain(|file| !ready.contains(file));
    }
    assert!(unread.is_empty(), "in a circle, or above one: {unread:#?}");
}

#[test]
fn below_the_words_no_text_names_a_command_or_an_option_of_the_command_line() {
    let floors = floors();
    let words = floor_of("src/report/", &floors).unwrap();
    let mut found = Vec::new();
    for (file, text) in sources() {
        if floor_of(&file, &floors).unwrap() >= words {
            continue;
        }
        for (number, line) in (1..).zip(code(&text).lines()) {
            let texts = line.split('"').skip(1).step_by(2);
            let names_command =
                texts.clone().any(|text| COMMANDS.iter().any(|name| text.contains(&format!("tokentap {name} "))));
            let names_option = texts.flat_map(|text| text.match_indices("--").map(move |(at, _)| &text[at + 2..]));
            let names_option = names_option.into_iter().any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
            if names_option || names_command {
                found.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The files that open sockets (docs/adr/0004-sockets.md).
const WITH_SOCKETS: &[&str] = &["src/clock/sntp.rs", "src/emulator/vpcd.rs", "src/web/server.rs"];

#[test]
fn sockets_are_opened_only_where_the_decision_says() {
    let kinds = ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"];
    for (file, text) in sources() {
        let code = code(&text);
        let has = kinds.iter().any(|kind| code.contains(kind));
        assert_eq!(has, WITH_SOCKETS.contains(&file.as_str()), "{file}");
    }
}

/// A file can be read in a sitting, and a function on a screen or two.
#[test]
fn no_file_has_more_than_400_lines_and_no_function_more_than_80() {
    let mut long = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > 400 {
            long.push(format!("{path}: {} lines", lines.len()));
        }
        // As it is formatted, a function ends with a brace that stands below its first word.
        for (first, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn ", "pub const fn "]
                .iter()
                .any(|word| line.trim_start().starts_with(word));
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[first..].iter().position(|line| **line == end).map_or(0, |end| end + 1);
            if is_function && !line.trim_end().ends_with(['}', ';']) && length > 80 {
                long.push(format!("{path}: {} lines: {}", length, line.trim()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
