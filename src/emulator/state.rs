//! The memory of an emulated token, and the file that it can remember it in.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::clock::TokenClock;
use super::crypto;
use super::hotp_key_state::KeyState;
use super::molto2_state::MoltoState;

/// The largest state file that is read, in bytes.
const MAX_FILE: u64 = 1 << 18;

/// The longest serial that an answer to get info has room for, in bytes.
pub const MAX_SERIAL: usize = 246;

/// The serial of an emulated token of which nothing else is said.
pub const USUAL_SERIAL: &str = "86596120000001";

/// All that is in a token. Seeds in here are test seeds: nothing protects them but the file's mode.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CardState {
    /// The serial, up to 255 bytes.
    pub serial: String,
    /// A clock write erases the seed.
    pub restricted: bool,
    /// The seed as hex digits; empty when there is none.
    pub seed: String,
    /// SHA-256 instead of SHA-1.
    pub sha256: bool,
    /// The time step in seconds.
    pub step_s: u32,
    /// The display time in seconds.
    pub display_s: u32,
    /// The clock.
    pub clock: TokenClock,
    /// The key, as 32 hex digits.
    pub key: String,
    /// Locks for good after so many wrong answers; `None`: never.
    pub lock_after: Option<u32>,
    /// The wrong answers since the last right one.
    pub wrong_answers: u32,
    /// A reset does not end an authenticated session (`docs/protocol.md` §7 leaves open which tokens are so).
    #[serde(default)]
    pub keeps_session: bool,
}

impl std::fmt::Debug for CardState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardState({})", self.serial)
    }
}

impl CardState {
    /// A token as it comes from the factory: no seed, SHA-1, 30 s, the public key.
    #[must_use]
    pub fn new(serial: &str, restricted: bool, clock: TokenClock) -> Self {
        Self {
            serial: serial.to_owned(),
            restricted,
            seed: String::new(),
            sha256: false,
            step_s: 30,
            display_s: 30,
            clock,
            key: crypto::FACTORY_KEY.to_owned(),
            lock_after: None,
            wrong_answers: 0,
            keeps_session: false,
        }
    }

    /// The seed's bytes; empty when there is none.
    #[must_use]
    pub fn seed_bytes(&self) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(self.seed.as_bytes()).unwrap_or_default()
    }

    /// The code on the display at a true time after the token was switched off and on; `None` without a seed.
    #[must_use]
    pub fn display(&self, host_ns: i64) -> Option<String> {
        let seed = self.seed_bytes();
        let counter = u64::from(self.clock.reading(host_ns) / self.step_s.max(1));
        (!seed.is_empty()).then(|| crypto::code(&seed, self.sha256, counter, 6))
    }
}

/// The memory of an emulated device of any family.
#[derive(Debug, Clone)]
pub enum AnyState {
    /// An NFC token.
    Nfc(CardState),
    /// A Molto2.
    Molto2(MoltoState),
    /// A key with a HOTP slot.
    HotpKey(KeyState),
}

/// The family that a state file names; NFC tokens name none.
#[derive(Deserialize)]
struct Tagged {
    family: Option<String>,
}

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// It is no state of an emulated token.
    #[error("{path} is not the state of an emulated token: {detail}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault.
        detail: String,
    },
}

/// A file that keeps a token's state between runs.
#[derive(Debug, Clone)]
pub struct StateFile(PathBuf);

impl StateFile {
    /// The file at `path`; it need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The state in the file; `None` if there is no file.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn load(&self) -> Result<Option<CardState>, StateError> {
        match self.load_any()? {
            None => Ok(None),
            Some(AnyState::Nfc(state)) => Ok(Some(state)),
            Some(_) => {
                let detail = "it is an emulated device of another family".to_owned();
                Err(StateError::Invalid { path: self.0.clone(), detail })
            }
        }
    }

    /// The state in the file, of whatever family; `None` if there is no file.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn load_any(&self) -> Result<Option<AnyState>, StateError> {
        let text = match std::fs::File::open(&self.0) {
            Ok(file) => {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut std::io::Read::take(file, MAX_FILE), &mut text)
                    .map_err(|source| self.io(source))?;
                text
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io(source)),
        };
        let invalid = |detail: String| StateError::Invalid { path: self.0.clone(), detail };
        let read = |error: serde_json::Error| invalid(error.to_string());
        let family: Tagged = serde_json::from_str(&text).map_err(read)?;
        let state: CardState = match family.family.as_deref() {
            None => serde_json::from_str(&text).map_err(read)?,
            Some("molto2") => {
                let state: MoltoState = serde_json::from_str(&text).map_err(read)?;
                state.check().map_err(|detail| invalid(detail.to_owned()))?;
                return Ok(Some(AnyState::Molto2(state)));
            }
            Some("hotp-key") => {
                let state: KeyState = serde_json::from_str(&text).map_err(read)?;
                state.check().map_err(|detail| invalid(detail.to_owned()))?;
                return Ok(Some(AnyState::HotpKey(state)));
            }
            Some(_) => return Err(invalid("its family is not known".to_owned())),
        };
        if !(1..=MAX_SERIAL).contains(&state.serial.len()) {
            return Err(invalid(format!("the serial has no 1 to {MAX_SERIAL} bytes")));
        }
        let seed = data_encoding::HEXLOWER.decode(state.seed.as_bytes());
        if !seed.is_ok_and(|seed| seed.len() <= 63) {
            return Err(invalid("the seed is no more than 63 bytes of lower-case hex".to_owned()));
        }
        if !matches!(state.step_s, 30 | 60) || !state.clock.is_sane() {
            return Err(invalid("the time step or the clock is out of bounds".to_owned()));
        }
        if crypto::key_from_hex(&state.key).is_none() {
            return Err(invalid("the key has no 32 hex digits".to_owned()));
        }
        Ok(Some(AnyState::Nfc(state)))
    }

    /// Replaces the file's content in one step, readable by its owner only.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn save<S: Serialize>(&self, state: &S) -> Result<(), StateError> {
        let folder = match self.0.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let text = serde_json::to_string_pretty(state).map_err(std::io::Error::other);
        text.and_then(|text| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            writeln!(file, "{text}")?;
            file.persist(&self.0).map_err(|error| error.error)?;
            Ok(())
        })
        .map_err(|source| self.io(source))
    }

    fn io(&self, source: std::io::Error) -> StateError {
        StateError::Io { path: self.0.clone(), source }
    }
}
