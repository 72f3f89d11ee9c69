//! Serials in seed files: text, which spreadsheets and scripts take for numbers.

use super::shown::shown;

/// Faults of serials, and remedies.
pub type Wrong = (String, &'static str);

const FROM_THE_ORIGINAL: &str = "take it from the original file; import that column as text";

/// Whether a text can be a serial.
///
/// # Errors
/// The fault, and the remedy.
pub fn check_serial(serial: &str) -> Result<(), Wrong> {
    let wrong = |what: String| Err((what, FROM_THE_ORIGINAL));
    if is_scientific(serial) || is_fraction(serial) || has_thousands(serial) {
        return wrong(format!("the serial \"{}\" was destroyed by a spreadsheet", shown(serial)));
    }
    if ["nan", "null", "none", "n/a", "#n/a", "true", "false"].contains(&serial.to_ascii_lowercase().as_str()) {
        return wrong(format!("\"{}\" is what a script writes for no serial", shown(serial)));
    }
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace());
    if serial.contains(char::is_whitespace) && is_number(serial) {
        return Err((format!("the serial \"{}\" has blanks", shown(serial)), "write it without them"));
    }
    if serial.starts_with(['+', '-']) && is_number(&serial[1..]) {
        return wrong(format!("the serial \"{}\" has a sign, as a number has", shown(serial)));
    }
    const MARKS: [char; 6] = ['\'', '"', '`', '\u{B4}', '\u{2018}', '\u{2019}'];
    if serial.starts_with(MARKS) || serial.ends_with(MARKS) {
        let what = format!("the serial \"{}\" has a mark by which a spreadsheet or a script keeps text", shown(serial));
        return Err((what, "remove that mark"));
    }
    if serial.starts_with('=') || serial.is_empty() {
        return wrong(format!("the serial \"{}\" is a spreadsheet's formula", shown(serial)));
    }
    if serial.len() > 128 {
        return Err((
            format!("the serial has {} characters, 128 at most", serial.len()),
            "is that the serial's column?",
        ));
    }
    let is_invisible = |c: char| matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}');
    if serial.contains(is_invisible) {
        return Err(("the serial has characters that cannot be seen".to_owned(), "write it anew, by hand"));
    }
    if serial.chars().all(|c| c == '#') {
        return wrong(format!("the serial \"{}\" was destroyed by a spreadsheet", shown(serial)));
    }
    if serial.starts_with('#') {
        let what = format!("the serial \"{}\" begins as a comment does", shown(serial));
        return Err((what, "remove the line if it is none of the rows, or the mark if it is one"));
    }
    if serial.chars().any(char::is_control) {
        return Err((format!("the serial \"{}\" has control characters", shown(serial)), "remove them"));
    }
    Ok(())
}

/// `8.65961E+13`.
fn is_scientific(serial: &str) -> bool {
    let mantissa = serial.split(['e', 'E']).next().unwrap_or_default();
    serial.len() > mantissa.len()
        && !mantissa.is_empty()
        && mantissa.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        && (serial.contains(['.', '+', ',']) || serial.len() > mantissa.len() + 1)
        && serial
            .get(mantissa.len() + 1..)
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-')))
}

/// `86596120001201.0`.
fn is_fraction(serial: &str) -> bool {
    serial.rsplit_once(['.', ',']).is_some_and(|(whole, rest)| {
        !rest.is_empty()
            && rest.chars().all(|c| c == '0')
            && !whole.is_empty()
            && whole.chars().all(|c| c.is_ascii_digit())
    })
}

/// `86,596,120,001,234`, with any mark that groups thousands.
fn has_thousands(serial: &str) -> bool {
    const MARKS: [char; 8] = [',', '.', '\'', '\u{2019}', ' ', '_', '\u{A0}', '\u{202F}'];
    let Some(mark) = serial.chars().find(|c| MARKS.contains(c)) else { return false };
    let mut groups = serial.split(mark);
    let is_first =
        groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && first.chars().all(|c| c.is_ascii_digit()));
    is_first && groups.all(|group| group.len() == 3 && group.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_and_scripts_make_of_a_serial_is_refused() {
        for serial in [
            "8.65961E+13",
            "8,65961E+13",
            "86596120001201.0",
            "86596120001201,00",
            "86,596,120,001,234",
            "86.596.120.001.234",
            "86 596 120 001 234",
            "86\u{A0}596\u{A0}120",
            "'86596120001201",
            "=A1&B1",
            "nan",
            "NULL",
            "12E3",
            "8659612e7",
            "86_596_120",
            "86596120001201'",
            "+86596120001201",
            "8659 6120001201",
            "",
        ] {
            assert!(check_serial(serial).is_err(), "{serial}");
        }
        for serial in ["86596120001201", "PSK1", "1234567GO6OATH", "0012", "A.1", "8659E1B2", "a-b"] {
            assert_eq!(check_serial(serial), Ok(()), "{serial}");
        }
    }
}
