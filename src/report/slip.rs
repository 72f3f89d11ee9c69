//! Slips for the users of tokens: one page of HTML, a card for each, to print and cut.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::job::batch::unwritable;
use crate::job::{Failure, TokenState};
use crate::seedfile::{Row, otpauth, qr, save_secret};

/// The content of a user's slip.
pub struct Card {
    /// Its user.
    pub user: Option<String>,
    /// The token's serial, of which the last digits are shown.
    pub serial: String,
    /// The token's seed, where its QR code is to be on the slip.
    pub seed: Option<Row>,
}

/// How many digits of a serial tell one token from another on a desk.
const SHOWN_DIGITS: usize = 4;

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Slips for tokens</title>
<style>
body { font-family: sans-serif; margin: 1cm; }
article { border: 1px dashed #888; padding: 6mm; margin: 0 0 6mm; page-break-inside: avoid; max-width: 17cm; }
h1 { font-size: 14pt; margin: 0 0 3mm; }
p { margin: 2mm 0; }
.serial { font-family: monospace; font-size: 12pt; }
svg { width: 35mm; height: 35mm; }
</style>
</head>
<body>
";

/// Whether a page can be written to this file: found out before any token is.
///
/// # Errors
/// A failure of the file.
pub fn check(path: Option<&PathBuf>, force: bool) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    crate::seedfile::SecretFile::create(path, force).map(drop).map_err(|error| unwritable(&error))
}

/// Writes a page with a card for each, readable by its owner only.
///
/// # Errors
/// A failure of the file.
pub fn save(path: &Path, cards: &[Card], force: bool) -> Result<(), Failure> {
    let saved =
        page(cards).and_then(|page| save_secret(path, page.as_bytes(), force).map_err(|error| unwritable(&error)));
    // Slips come last: what they are for is done.
    saved.map_err(|failure| failure.in_state(TokenState::TokensRecorded))
}

/// Whether a file is a page of slips of an earlier run, which a later one writes anew.
pub fn is_own(path: &Path) -> bool {
    let mut head = vec![0; HEAD.len()];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head == HEAD.as_bytes()
}

fn page(cards: &[Card]) -> Result<Zeroizing<String>, Failure> {
    let mut page = Zeroizing::new(HEAD.to_owned());
    for card in cards {
        page.push_str(&self::card(card)?);
    }
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

fn card(card: &Card) -> Result<Zeroizing<String>, Failure> {
    let last = card.serial.len().saturating_sub(SHOWN_DIGITS);
    let digits = escaped(card.serial.get(last..).unwrap_or(&card.serial));
    let name = card.user.as_deref().map_or_else(|| "your token".to_owned(), escaped);
    let code = match &card.seed {
        None => Zeroizing::default(),
        Some(row) => {
            let svg = qr::svg(&otpauth::uri(row))
                .map_err(|error| Failure::usage(error.to_string(), "remove --with-secret"))?;
            // Only the picture: what stands in front of it is for a file of its own.
            let from = svg.find("<svg").unwrap_or_default();
            let picture = svg.get(from..).unwrap_or_default();
            Zeroizing::new(format!(
                "<p>The same codes in an authenticator app. This picture is a key: keep it as you keep a password, and destroy \
                 it when it is not needed.</p>\n{picture}\n"
            ))
        }
    };
    Ok(Zeroizing::new(format!(
        "<article>
<h1>{name}</h1>
<p>Your token: the one whose serial number, on its back, ends in <span class=\"serial\">{digits}</span>.</p>
<ol>
<li>Press its button until the display lights.</li>
<li>Type the digits that it shows, before they change. The bars beside them show how much time is left.</li>
<li>If a code is refused, wait for the next one, and use that. If that is refused too, bring the token to the helpdesk.</li>
</ol>
<p>Nobody needs a code of yours on the telephone or by mail. If the token is lost, tell the helpdesk at once.</p>
{}</article>
",
        code.as_str()
    )))
}

/// A text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn card_of(user: &str, seed: Option<&[u8]>) -> Card {
        let seed = seed.map(|bytes| Row::of_seed(Seed::from_bytes(bytes.to_vec()).unwrap()));
        Card { user: Some(user.to_owned()), serial: "86596120001234".to_owned(), seed }
    }

    #[test]
    fn a_slip_has_the_name_the_last_digits_and_no_secret_unless_that_was_said() {
        let page = page(&[card_of("ana@example.org", None), card_of("<b>\"eva\"&", None)]).unwrap();
        assert!(page.contains("ana@example.org") && page.contains(">1234<") && !page.contains("86596120001234"));
        assert!(page.contains("&lt;b&gt;&quot;eva&quot;&amp;") && !page.contains("<b>") && !page.contains("<svg"));
        let with_secret = super::page(&[card_of("ana@example.org", Some(b"12345678901234567890"))]).unwrap();
        assert!(with_secret.contains("<svg") && !with_secret.contains("<?xml"));
    }
}
