//! Serials in seed files: text, which spreadsheets and scripts take for numbers.

use super::table::shown;

/// What is wrong with a serial, and what to do.
pub type Wrong = (String, &'static str);

const FROM_THE_ORIGINAL: &str = "take it from the original file; import that column as text";

/// The serial that a field holds: `="8659…"`, which keeps a spreadsheet from changing it, is unwrapped.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn serial_of(field: &str) -> Result<&str, Wrong> {
    let quoted = field.strip_prefix('=').map(str::trim).and_then(|rest| rest.strip_prefix('"')?.strip_suffix('"'));
    let serial = quoted.map_or(field, str::trim);
    check_serial(serial)?;
    Ok(serial)
}

/// Whether a text can be a serial.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_serial(serial: &str) -> Result<(), Wrong> {
    let wrong = |what: String| Err((what, FROM_THE_ORIGINAL));
    if is_scientific(serial) || is_fraction(serial) || has_thousands(serial) {
        return wrong(format!("the serial \"{}\" was destroyed by a spreadsheet", shown(serial)));
    }
    if serial.starts_with(['\'', '\u{2018}', '\u{2019}', '"']) {
        let what = format!("the serial \"{}\" begins with the mark by which a spreadsheet keeps text", shown(serial));
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
        && serial.contains(['.', '+', ','])
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
    const MARKS: [char; 7] = [',', '.', '\'', '\u{2019}', ' ', '\u{A0}', '\u{202F}'];
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
    fn what_spreadsheets_make_of_a_serial_is_unwrapped_or_refused() {
        assert_eq!(serial_of("=\"86596120001201\""), Ok("86596120001201"));
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
            "",
        ] {
            assert!(serial_of(serial).is_err(), "{serial}");
        }
        for serial in ["86596120001201", "PSK1", "1234567GO6OATH", "0012", "A.1", "8659E12"] {
            assert_eq!(serial_of(serial), Ok(serial));
        }
    }
}
