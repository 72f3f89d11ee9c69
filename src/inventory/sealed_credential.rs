//! A server's credential, sealed together with what it is for: whoever can write the inventory could put another address beside it, and
//! would be sent the credential.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::seal::{Identity, SealError, open_bytes, seal_bytes};

/// What is sealed.
#[derive(Serialize)]
struct Content<'a> {
    /// The server's name.
    server: &'a str,
    /// Its settings, as the inventory keeps them beside this.
    settings: &'a str,
    /// The credential.
    credential: &'a str,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Opened {
    server: String,
    settings: String,
    credential: Zeroizing<String>,
}

/// Seals the credential of a server with these settings.
///
/// # Errors
/// [`SealError::Recipient`] and [`SealError::Failed`].
pub fn seal_credential(
    credential: &str,
    server: &str,
    settings: &str,
    recipients: &[String],
) -> Result<Vec<u8>, SealError> {
    let content = serde_json::to_vec(&Content { server, settings, credential }).map(Zeroizing::new);
    let content = content.map_err(|error| SealError::Failed(error.to_string()))?;
    seal_bytes(&content, recipients)
}

/// Opens the credential of a server, and holds it against the record that it was found in.
///
/// # Errors
/// [`SealError::OtherRecipient`]; [`SealError::OtherServer`] where it was sealed for another server or another address.
pub fn open_credential(
    sealed: &[u8],
    server: &str,
    settings: &str,
    identity: &Identity,
) -> Result<Zeroizing<String>, SealError> {
    let content = open_bytes(sealed, identity)?;
    let opened: Opened = serde_json::from_slice(&content).map_err(|_| SealError::OtherServer)?;
    match opened.server == server && opened.settings == settings {
        true => Ok(opened.credential),
        false => Err(SealError::OtherServer),
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::new_locked_identity;
    use super::*;

    #[test]
    fn a_credential_is_opened_for_the_server_that_it_was_sealed_for_and_for_no_other() {
        let (recipient, file) = new_locked_identity("correct horse").unwrap();
        let identity = Identity::unlock(&file, "correct horse").unwrap();
        let sealed = seal_credential("hunter2", "pi", "{\"url\":\"https://pi\"}", &[recipient]).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        let open = |server: &str, settings: &str| open_credential(&sealed, server, settings, &identity);
        assert_eq!(open("pi", "{\"url\":\"https://pi\"}").unwrap().as_str(), "hunter2");
        assert_eq!(open("pi", "{\"url\":\"https://elsewhere\"}").unwrap_err(), SealError::OtherServer);
        assert_eq!(open("duo", "{\"url\":\"https://pi\"}").unwrap_err(), SealError::OtherServer);
    }
}
