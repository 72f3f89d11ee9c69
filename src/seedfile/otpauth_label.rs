//! The label of an `otpauth://` URI: issuer and account, with a colon between them that may itself be encoded.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::otpauth_error::UriError;

/// The issuer and the account of a label. `issuer` is the one that the URI's parameter names.
///
/// # Errors
/// [`UriError::Encoding`].
pub(super) fn label_parts(label: &str, issuer: Option<&str>) -> Result<(Option<String>, String), UriError> {
    // The colon between issuer and account may itself be encoded, but an encoded one in a name comes after a plain one.
    let whole = decode(label)?;
    let behind_issuer = issuer.and_then(|issuer| whole.strip_prefix(issuer.trim())?.strip_prefix(':'));
    let named = issuer;
    Ok(match label.split_once(':') {
        // The issuer is known, and may have a colon itself.
        _ if behind_issuer.is_some() => (None, behind_issuer.unwrap_or_default().trim().to_owned()),
        // Another name than the issuer's stands in front of the colon: it belongs to the account.
        Some((front, _))
            if issuer.is_some_and(|issuer| {
                let plain = |text: &str| text.replace('+', " ").trim().to_lowercase();
                plain(&decode(front).unwrap_or_default()) != plain(issuer)
            }) =>
        {
            (None, whole.trim().to_owned())
        }
        Some((issuer, account)) => {
            (Some(decode(&blanks_of_a_form(issuer))?.trim().to_owned()), decode(account)?.trim().to_owned())
        }
        None => match whole.split_once(':') {
            Some((issuer, account)) if named.is_none_or(|named| named == issuer) => {
                (Some(issuer.trim().to_owned()), account.trim().to_owned())
            }
            _ => (None, whole.trim().to_owned()),
        },
    })
}

/// A name before it is decoded, in which forms wrote a blank as "+": between two words it is one, at an end it belongs to the
/// name.
pub(super) fn blanks_of_a_form(text: &str) -> String {
    let characters: Vec<char> = text.trim().chars().collect();
    let is_word =
        |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| !c.is_whitespace() && *c != '+');
    let blank = |(at, c): (usize, &char)| match c {
        '+' if is_word(at.checked_sub(1)) && is_word(Some(at + 1)) => ' ',
        other => *other,
    };
    characters.iter().enumerate().map(blank).collect()
}

pub(super) fn decode(text: &str) -> Result<Zeroizing<String>, UriError> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| UriError::Encoding)?;
    Ok(Zeroizing::new(decoded.into_owned()))
}
