//! Any kind of server, by its settings.

use zeroize::Zeroizing;

use super::asked::{Asked, AuthServer};
use super::duo::Duo;
use super::entra::Entra;
use super::entra_sign_in::TellPerson;
use super::http::Pause;
use super::kind::ServerKind;
use super::privacyidea::PrivacyIdea;
use super::settings::ServerSettings;

/// The server of these settings, with its credential. Nothing is asked yet.
///
/// # Errors
/// [`ServerError::Unusable`](super::ServerError::Unusable).
pub fn open(
    settings: &ServerSettings,
    credential: Zeroizing<String>,
    pause: Pause,
    tell: TellPerson,
) -> Asked<Box<dyn AuthServer + Send + Sync>> {
    Ok(match settings.kind {
        ServerKind::PrivacyIdea => Box::new(PrivacyIdea::new(settings, credential, pause)?),
        ServerKind::Duo => Box::new(Duo::new(settings, credential, pause)?),
        ServerKind::Entra => Box::new(Entra::new(settings, credential, pause, tell)?),
    })
}
