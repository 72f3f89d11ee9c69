//! The administrator's list of users, merged with the vendor's seeds: by serial, or dealt in order.

use std::collections::BTreeMap;

use super::blanks::looks_like_a_serial;
use super::check::check_text;
use super::column::{Column, Meaning, meaning_of};
use super::problem::Problem;
use super::row::Row;
use super::shown::shown;
use super::suspect::looks_like_a_secret;
use super::table::{Fields, Records};
use super::text::Source;
use crate::device::families::model_of;

/// How many rows without a partner are named; beyond that the rest is counted.
const MOST: usize = 20;

/// A user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The line.
    pub line: u64,
    /// The token that the user has, where the list says so.
    pub serial: Option<String>,
    /// The user.
    pub user: String,
}

/// The findings on a list as a whole.
#[derive(Default)]
struct List {
    /// How many columns it has.
    width: usize,
    has_header: bool,
}

/// Reads a list of users: a table with a column for the user, and perhaps one for the serial, or one user a line.
///
/// # Errors
/// All that is wrong with the list.
pub fn read_users(source: Source) -> Result<Vec<UserRow>, Vec<Problem>> {
    let mut records = Records::new(source).map_err(|problem| vec![problem])?;
    let (mut columns, mut list) = (None, List::default());
    let (mut users, mut problems) = (Vec::new(), Vec::new());
    loop {
        let fields = match records.next() {
            Ok(Some(fields)) => fields,
            Ok(None) => break,
            Err(problem) => {
                problems.push(problem);
                break;
            }
        };
        let (user, serial) = match columns {
            Some(columns) => columns,
            None => {
                let (found, is_header) = columns_of(&fields).map_err(|problem| vec![problem])?;
                columns = Some(found);
                list = List { width: fields.count(), has_header: is_header };
                if is_header {
                    records.take_header();
                    continue;
                }
                found
            }
        };
        match one(&fields, user, serial, &list) {
            Ok(row) => users.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    // A heading that no word tells: it alone has no @.
    let has_at = |user: &UserRow| user.user.contains('@');
    if let [first, second, ..] = users.as_slice()
        && !list.has_header
        && !has_at(first)
        && has_at(second)
        && users.iter().skip(1).all(has_at)
    {
        problems.push(Problem::new(first.line, 0, "is this line a heading, or a user? All others have an @", HEAD));
    }
    for line in records.comments() {
        let what = "the line begins with # and is skipped: to use it as a user, put it in quotes, after a serial";
        problems.push(Problem::new(*line, 0, what, HEAD));
    }
    if users.is_empty() && problems.is_empty() {
        problems.push(Problem::of_file(
            "the list has no users",
            "name a table with the columns serial and user, or one user a line",
        ));
    }
    if problems.is_empty() { Ok(users) } else { Err(problems) }
}

const HEAD: &str = "begin the list with the line serial,user";

/// Words above a single column of users.
const HEADS: [&str; 12] = [
    "name",
    "names",
    "users",
    "displayname",
    "fullname",
    "employee",
    "employees",
    "mitarbeiter",
    "person",
    "people",
    "member",
    "staff",
];

/// The columns of user and serial by the first line, and whether that is a header.
fn columns_of(first: &Fields<'_>) -> Result<((usize, Option<usize>), bool), Problem> {
    let all = |column| {
        let found = first.iter().enumerate().filter(|(_, word)| meaning_of(word) == Meaning::Is(column));
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let is_seed_file = |word: &str| meaning_of(word).is_secret();
    if first.count() > 1 && first.iter().any(is_seed_file) {
        return Err(first.line_problem("this is a seed file, and no list of users", HEAD));
    }
    let upn = first.iter().position(|word| ["upn", "userprincipalname"].contains(&word.to_lowercase().as_str()));
    let (users, serials) = (all(Column::User), all(Column::Serial));
    if serials.len() > 1 || (users.len() > 1 && upn.is_none()) {
        let what = "two columns could have the serials, or the users";
        return Err(first.line_problem(what, "leave one column of each in the list"));
    }
    let (user, serial) = (upn.or(users.first().copied()), serials.first().copied());
    let is_serial =
        |field: &str| field.len() >= 4 && (looks_like_a_serial(field) || field.chars().all(|c| c.is_ascii_digit()));
    match (user, serial, first.count()) {
        (Some(user), serial, _) => Ok(((user, serial), true)),
        // The other of two columns has the users, whatever it is called.
        (None, Some(serial), 2) if !first.iter().any(is_serial) => Ok(((1 - serial, Some(serial)), true)),
        (None, None, 1) => {
            let word: String =
                first.get(0).unwrap_or_default().to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
            let is_word = matches!(meaning_of(first.get(0).unwrap_or_default()), Meaning::Is(_));
            Ok(((0, None), is_word || HEADS.contains(&word.as_str())))
        }
        (None, None, 2) => match [first.get(0), first.get(1)].map(|field| field.is_some_and(is_serial)) {
            [true, false] => Ok(((1, Some(0)), false)),
            [false, true] => Ok(((0, Some(1)), false)),
            _ => Err(first.line_problem("which column has the users is not clear", HEAD)),
        },
        _ => Err(first.line_problem("which columns have the serials and the users is not clear", HEAD)),
    }
}

fn one(fields: &Fields<'_>, user: usize, serial: Option<usize>, list: &List) -> Result<UserRow, Problem> {
    fields.at_most(list.width)?;
    let name = fields.get(user).ok_or_else(|| fields.problem(user, "the user is missing", "every line needs one"))?;
    // A blank in front of a quote keeps it from being one.
    let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name);
    check_text(name).map_err(|what| fields.problem(user, format!("the user {what}"), "use a UPN or login name"))?;
    if could_be_a_secret(name) || name.contains("otpauth") || name.contains(['{', '<']) {
        return Err(fields.problem(user, "this is no user, and could be a secret", "is this the list of users?"));
    }
    let is_serial =
        |text: &str| text.len() >= 12 && text.chars().all(|c| c.is_ascii_digit()) && model_of(text).is_some();
    let is_number = !list.has_header && name.len() >= 4 && name.chars().all(|c| c.is_ascii_digit());
    if is_number || name.split_whitespace().any(is_serial) {
        return Err(fields.problem(user, "the user is a number, such as a serial, or holds one", HEAD));
    }
    // Serials that nobody reads would go by, and the tokens to others.
    let others = fields.iter().enumerate().filter(|(index, _)| *index != user && Some(*index) != serial);
    if let Some((index, _)) = others.into_iter().find(|(_, field)| is_serial(field)) {
        return Err(fields.problem(index, "a serial is in a column that is not read as the serials'", HEAD));
    }
    let serial = serial.filter(|index| fields.get(*index).is_some()).map(|index| fields.serial(index)).transpose()?;
    Ok(UserRow { line: fields.line, serial, user: name.to_owned() })
}

/// Whether a text in the users' column could be a secret: Base32 as it is usually written, hex, Base64.
fn could_be_a_secret(text: &str) -> bool {
    let is_base64 = text.len() >= 16
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        && text.contains(['+', '/', '=']);
    let is_upper = text.len() >= 16 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let is_hex = text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit());
    is_base64 || is_upper || is_hex || (text.len() >= 26 && looks_like_a_secret(text))
}

/// Gives each row its user; `name` is that of the list. Rows and users without a partner are named: a user without a seed is an
/// error, a seed without a user only said.
#[must_use]
pub fn merge(mut rows: Vec<Row>, users: &[UserRow], name: &str) -> (Vec<Row>, Vec<Problem>) {
    let mut problems = twice(users, name);
    let named = users.iter().filter(|user| user.serial.is_some()).count();
    if named == 0 {
        for (row, user) in rows.iter_mut().zip(users) {
            give(row, user, name, &mut problems);
        }
        without_seed(users.get(rows.len()..).unwrap_or_default(), "the seeds are fewer", name, &mut problems);
        without_user(rows.iter().skip(users.len()), name, &mut problems);
        return (rows, problems);
    }
    for user in users.iter().filter(|user| user.serial.is_none()) {
        let what = format!("{name}:{}: {} has no serial, and others have one", user.line, shown(&user.user));
        problems.push(Problem::of_file(what, "give every user a serial, or none"));
    }
    let mut by_serial: BTreeMap<String, &UserRow> = BTreeMap::new();
    for user in users {
        let Some(serial) = &user.serial else { continue };
        if let Some(earlier) = by_serial.insert(serial.to_uppercase(), user) {
            let what = format!("{name}:{}: the serial {serial} is in line {} too", user.line, earlier.line);
            problems.push(Problem::of_file(what, "one of the two is wrong"));
        }
    }
    let mut alone = Vec::new();
    for row in &mut rows {
        match row.serial.as_deref().and_then(|serial| by_serial.remove(&serial.to_uppercase())) {
            Some(user) => give(row, user, name, &mut problems),
            None => alone.push(row.clone()),
        }
    }
    let mut left: Vec<UserRow> = by_serial.into_values().cloned().collect();
    left.sort_by_key(|user| user.line);
    without_seed(&left, "no row has the serial", name, &mut problems);
    without_user(alone.iter(), name, &mut problems);
    (rows, problems)
}

/// Users that stand there more than once: they get a token each time, which may be meant.
fn twice(users: &[UserRow], name: &str) -> Vec<Problem> {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut problems = Vec::new();
    for user in users {
        if let Some(line) = seen.insert(user.user.to_lowercase(), user.line) {
            let what =
                format!("{name}:{}: {} is in line {line} too, and gets another token", user.line, shown(&user.user));
            problems.push(Problem::of_file(what, "").as_warning());
        }
    }
    problems
}

fn give(row: &mut Row, user: &UserRow, name: &str, problems: &mut Vec<Problem>) {
    if let Some(stated) = row.user.as_ref().filter(|stated| stated.to_lowercase() != user.user.to_lowercase()) {
        let what = format!("the row is {}'s, and {name}:{} says {}", shown(stated), user.line, shown(&user.user));
        problems.push(Problem::at(row.place, what, "correct one of the two"));
        return;
    }
    row.user = Some(user.user.clone());
}

fn without_seed(users: &[UserRow], why: &str, name: &str, problems: &mut Vec<Problem>) {
    for user in users.iter().take(MOST) {
        let serial = user.serial.as_ref().map(|serial| format!(" {serial}")).unwrap_or_default();
        let what = format!("{name}:{}: {} gets no seed: {why}{serial}", user.line, shown(&user.user));
        problems.push(Problem::of_file(what, "correct the list, or ask for the missing seeds"));
    }
    if let Some(more) = users.len().checked_sub(MOST).filter(|more| *more > 0) {
        problems.push(Problem::of_file(format!("{name}: and {more} more users get no seed"), ""));
    }
}

fn without_user<'a>(rows: impl Iterator<Item = &'a Row>, name: &str, problems: &mut Vec<Problem>) {
    for (index, row) in rows.enumerate() {
        let serial = row.serial.as_deref().unwrap_or("-");
        match index.cmp(&MOST) {
            std::cmp::Ordering::Less => {
                let what = format!("the seed of {} goes to nobody: {name} has no user for it", shown(serial));
                problems.push(Problem::at(row.place, what, "").as_warning());
            }
            std::cmp::Ordering::Equal => {
                let what = format!("from here on, further seeds go to nobody: {name} has no users for them");
                problems.push(Problem::at(row.place, what, "").as_warning());
            }
            std::cmp::Ordering::Greater => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::seed::Seed;
    use crate::seedfile::Place;
    use crate::seedfile::problem::Severity;

    /// Nothing in a merge is an error.
    fn is_usable(problems: &[Problem]) -> bool {
        problems.iter().all(|problem| problem.severity == Severity::Warning)
    }

    fn users(text: &'static str) -> Vec<UserRow> {
        read_users(Source::new(Cursor::new(text)).unwrap()).unwrap()
    }

    fn rows(serials: &[&str]) -> Vec<Row> {
        let row = |(index, serial): (usize, &&str)| {
            let seed = Seed::from_bytes(vec![u8::try_from(index).unwrap(); 20]).unwrap();
            let place = Place { line: index as u64 + 1, column: 0 };
            Row { serial: Some((*serial).to_owned()), place, ..Row::of_seed(seed) }
        };
        serials.iter().enumerate().map(row).collect()
    }

    #[test]
    fn users_go_by_serial_in_either_order_of_columns_with_or_without_a_header() {
        for text in [
            "serial,user\n86596120000002,eva\n86596120000001,ana\n",
            "UPN;Serial Number\nana;86596120000001\neva;86596120000002\n",
            "86596120000002,eva\n86596120000001,ana\n",
        ] {
            let (merged, problems) = merge(rows(&["86596120000001", "86596120000002"]), &users(text), "users.csv");
            let of: Vec<_> = merged.iter().map(|row| row.user.as_deref()).collect();
            assert_eq!((of, problems.len()), (vec![Some("ana"), Some("eva")], 0), "{text}");
        }
    }

    #[test]
    fn users_without_serials_are_dealt_in_order_and_who_has_no_partner_is_named() {
        let (merged, problems) = merge(rows(&["1", "2", "3"]), &users("ana\neva\n"), "users.csv");
        assert_eq!(merged[1].user.as_deref(), Some("eva"));
        assert!(problems.len() == 1 && is_usable(&problems) && problems[0].what.contains("the seed of 3"));
        let (_, problems) = merge(rows(&["1"]), &users("user\nana\neva\n"), "users.csv");
        assert!(!is_usable(&problems) && problems[0].what.contains("users.csv:3: eva gets no seed"), "{problems:?}");
        let (_, problems) = merge(rows(&["86596120000001"]), &users("86596120000009,ana\n"), "users.csv");
        assert_eq!(problems.len(), 2);
    }
}
