//! Names, paths and words that somebody typed, for a message.

use std::path::Path;

use crate::inventory::TokenRecord;
pub use crate::plain::plain;
pub use crate::words::{counted, local};

/// A path for a message: what would act on the terminal is escaped.
pub fn path(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// A word that somebody typed, for a message; one that could be a secret is not repeated.
pub fn given(word: &str) -> String {
    if could_be_secret(word) { "(not repeated)".to_owned() } else { format!("\"{}\"", plain(word)) }
}

/// The name of a file that could not be read, for a message; one that could be a secret in the wrong place is not repeated.
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

/// Whose a token is by its record, and since when, to stand behind its name: " of ada, burned 2026-11-23 …".
pub fn whose(token: &TokenRecord) -> String {
    let owner = token.user.as_ref().map(|user| format!(" of {}", plain(user))).unwrap_or_default();
    let when = token.burned.map(|at| format!(", burned {}", local(at))).unwrap_or_default();
    format!("{owner}{when}")
}

/// The end of a name that is longer than `width` characters, which tells more than its beginning.
pub fn tail(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return name.to_owned();
    }
    format!("...{}", name.chars().skip(count - width + 3).collect::<String>())
}

/// A serial as it is printed in groups, without the blanks between them.
pub fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
