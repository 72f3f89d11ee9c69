//! Names, paths and words that somebody typed, for a message.

use crate::inventory::TokenRecord;
pub use crate::plain::{given, path, plain, unread};
pub use crate::words::{counted, local};

/// The user of a token by its record, and since when, to go behind its name: " of ada, burned 2026-11-23 …".
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
