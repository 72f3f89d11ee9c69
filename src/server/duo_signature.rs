//! The signature of a request to Duo's Admin API (Duo's documentation, "Admin API", "Authentication"; the vendor's Python client 5.6,
//! `canon_params` and `sign`).

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha512};

use super::url_text::query;

/// What is signed.
pub struct Signed<'a> {
    /// The `Date` header.
    pub date: &'a str,
    /// `GET`, `POST` or `DELETE`.
    pub method: &'a str,
    /// The host.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// The parameters of the query; for version 2 also those of a form.
    pub parameters: &'a [(&'a str, &'a str)],
    /// The body and the `x-duo-…` headers; none of both for version 2.
    pub body: Option<(&'a str, &'a [(&'a str, &'a str)])>,
}

/// The signature under a secret key, in hex: version 5 where there is a body, else version 2, with SHA-512 both.
#[must_use]
pub fn signature(signed: &Signed<'_>, secret_key: &str) -> String {
    let mut parameters = signed.parameters.to_vec();
    parameters.sort_unstable();
    let mut lines = vec![
        signed.date.to_owned(),
        signed.method.to_uppercase(),
        signed.host.to_lowercase(),
        signed.path.to_owned(),
        query(&parameters),
    ];
    if let Some((body, headers)) = signed.body {
        lines.push(HEXLOWER.encode(&Sha512::digest(body.as_bytes())));
        lines.push(HEXLOWER.encode(&Sha512::digest(canonical(headers).as_bytes())));
    }
    let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(secret_key.as_bytes()).unwrap_or_else(|_| unreachable!());
    mac.update(lines.join("\n").as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

/// The headers whose names begin with `x-duo-`, in lower case and sorted: name and value by turns, parted by a zero byte.
fn canonical(headers: &[(&str, &str)]) -> String {
    let mut own: Vec<(String, &str)> = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), *value))
        .filter(|(name, _)| name.starts_with("x-duo-"))
        .collect();
    own.sort_unstable();
    own.into_iter().flat_map(|(name, value)| [name, value.to_owned()]).collect::<Vec<_>>().join("\0")
}
