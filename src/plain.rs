//! Text from outside, made harmless for a terminal: a name can bring sequences that move the cursor, rename the window or
//! turn the line round, and then what is read is not what was said.

use std::path::Path;

/// A text on one line: everything that would act on a terminal or on its reader's eye is escaped, line ends too.
#[must_use]
pub fn plain(text: &str) -> String {
    escaped(text, |_| false)
}

/// The same for a text of several lines, whose line ends stay.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

/// JSON in which such characters are written as escapes, which any reader of JSON takes back.
#[must_use]
pub fn plain_json(json: &str) -> String {
    escaped_json(json, |_| false)
}

/// The same for objects that stand one a line, whose line ends stay.
#[must_use]
pub fn plain_json_lines(json: &str) -> String {
    escaped_json(json, |c| c == '\n')
}

/// A path for a message: what would act on the terminal is escaped.
#[must_use]
pub fn path(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// A word that somebody typed, for a message; one that could be a secret is not repeated.
#[must_use]
pub fn given(word: &str) -> String {
    if could_be_secret(word) { "(not repeated)".to_owned() } else { format!("\"{}\"", plain(word)) }
}

/// The name of a file that could not be read, for a message; one that could be a secret in the wrong place is not repeated.
#[must_use]
pub fn unread(path: &Path) -> String {
    if could_be_secret(&path.to_string_lossy()) {
        "a file whose name is not repeated here, because it could be a secret,".to_owned()
    } else {
        self::path(path)
    }
}

/// A word as long as a secret that is no path: without an ending or a folder, or with the signs of Base64 or a URI.
fn could_be_secret(word: &str) -> bool {
    const SHORTEST: usize = 10;
    let is_number = word.len() <= 20 && word.chars().all(|c| c.is_ascii_digit());
    word.len() >= SHORTEST
        && !is_number
        && (!word.contains(['.', '/', '\\']) || word.ends_with('=') || word.contains("://") || word.contains('+'))
}

/// A path as a word of a shell, for a command that a remedy gives: quoted where it needs that. One that no quotes make
/// typable (it has characters that act on the terminal) stays escaped, and names no file.
#[must_use]
pub fn shell_word(path: &std::path::Path) -> String {
    quoted(plain(&path.display().to_string()), cfg!(windows))
}

/// The same for a shell of Unix, or for both of those of Windows, which take double quotes alike; no name of a file has one there.
fn quoted(text: String, on_windows: bool) -> String {
    let safe = if on_windows { "\\/._-+:@" } else { "/._-+:,@%" };
    let is_safe = |c: char| c.is_alphanumeric() || safe.contains(c);
    match !text.is_empty() && text.chars().all(is_safe) {
        true => text,
        false if on_windows => format!("\"{text}\""),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn escaped_json(json: &str, keeps: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) && !keeps(c) {
            // RFC 8259, section 7: outside the first plane as a pair of surrogates.
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

fn escaped(text: &str, keeps: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) && !keeps(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Control characters, marks that change the direction of writing, and characters without a width, which hide.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' |
            '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cmd.exe knows no single quotes, and a backslash is none of its signs.
    #[test]
    fn a_path_is_a_word_of_the_shell_of_its_system() {
        let of = |text: &str, on_windows| quoted(text.to_owned(), on_windows);
        assert_eq!(of("C:\\Users\\ada\\inventory.sqlite", true), "C:\\Users\\ada\\inventory.sqlite");
        assert_eq!(of("C:\\My files\\it's.sqlite", true), "\"C:\\My files\\it's.sqlite\"");
        assert_eq!(of("/srv/it's here", false), "'/srv/it'\\''s here'");
        assert_eq!(of("/srv/a.sqlite", false), "/srv/a.sqlite");
    }

    #[test]
    fn what_acts_on_a_terminal_or_turns_the_line_round_is_escaped() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}1m\nc\u{202e}d"), "a\\u{1b}[2Jb\\u{9b}1m\\nc\\u{202e}d");
        assert_eq!(plain_lines("one\ntwo\r"), "one\ntwo\\r");
        assert_eq!(plain("José 東京 → ±"), "José 東京 → ±");
    }

    #[test]
    fn json_says_the_same_after_it() {
        let name = "a\u{9b}31m\u{202e}\u{e0041}b";
        let made = plain_json(&serde_json::to_string(name).unwrap());
        assert!(made.is_ascii(), "{made}");
        assert_eq!(serde_json::from_str::<String>(&made).unwrap(), name);
    }
}
