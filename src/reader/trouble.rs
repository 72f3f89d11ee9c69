//! What goes wrong at the reader, and what to do about it (`docs/readers.md`).

use pcsc::Error;

use super::device::Device;
use crate::plain::plain;

/// A trouble at the reader. `to_string` is the fact, [`ReaderError::remedy`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The PC/SC service does not run.
    #[error("the PC/SC service does not run")]
    NoService,
    /// The PC/SC service runs and stands still.
    #[error("the PC/SC service does not answer")]
    NoAnswer,
    /// The service stopped, or library and service do not understand each other.
    #[error("the PC/SC service has stopped or does not understand this program")]
    ServiceStopped,
    /// The service knows no reader.
    #[error("there is no reader")]
    NoReader,
    /// The user may not use readers or cards.
    #[error("this user may not use the reader")]
    AccessDenied,
    /// Another program has the reader for itself.
    #[error("another program has the reader for itself: {}", plain(.0))]
    Busy(String),
    /// Another program does not let go of the card.
    #[error("another program uses the card on {} and does not let go", plain(.0))]
    Held(String),
    /// No reader goes by what `--reader` says.
    #[error("no reader is called \"{}\"", plain(.wanted))]
    NoSuchReader {
        /// What was asked for.
        wanted: String,
        /// The readers that there are.
        readers: Vec<String>,
    },
    /// Several readers hold a card.
    #[error("several readers hold a card: {}", list(.0))]
    Several(Vec<String>),
    /// No token came in time.
    #[error("no token came within {waited_s} s")]
    NoToken {
        /// How long was waited, in whole seconds.
        waited_s: u64,
    },
    /// No token is there, and nobody wanted to wait.
    #[error("no token lies on the reader")]
    NoTokenNow,
    /// Something lies on the reader and does not answer.
    #[error("what lies on {} does not answer", plain(.0))]
    Mute(String),
    /// What cannot be a token, and no token beside it.
    #[error("no token was found; on {} there is {}", plain(.0), .1.words())]
    Device(String, Device),
    /// The token was there and left before the first command.
    #[error("the token left {} before it could be read", plain(.0))]
    Left(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// What PC/SC calls by a name that has no row in the table.
    #[error("PC/SC reports: {0}")]
    Other(Error),
}

fn list(readers: &[String]) -> String {
    readers.iter().map(|reader| format!("\"{}\"", plain(reader))).collect::<Vec<_>>().join(", ")
}

impl ReaderError {
    /// The trouble behind an error of the platform, at the reader of this name.
    #[must_use]
    pub fn from_pcsc(error: Error, reader: &str) -> Self {
        match error {
            Error::NoService => Self::NoService,
            Error::ServiceStopped => Self::ServiceStopped,
            Error::NoReadersAvailable => Self::NoReader,
            Error::SecurityViolation => Self::AccessDenied,
            Error::SharingViolation => Self::Busy(reader.to_owned()),
            Error::UnpoweredCard | Error::UnresponsiveCard | Error::UnsupportedCard => Self::Mute(reader.to_owned()),
            Error::NoSmartcard | Error::RemovedCard => Self::Left(reader.to_owned()),
            Error::UnknownReader | Error::ReaderUnavailable => {
                Self::NoSuchReader { wanted: reader.to_owned(), readers: Vec::new() }
            }
            Error::Cancelled => Self::Interrupted,
            other => Self::Other(other),
        }
    }

    /// What to do about it, on this platform.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoService if cfg!(windows) => "plug in a reader: Windows stops the service when there is none".into(),
            Self::NoService => "start it: sudo systemctl enable --now pcscd.socket".into(),
            Self::NoAnswer if cfg!(windows) => {
                "restart the service \"Smart Card\" (services.msc), and run the same command again".into()
            }
            Self::NoAnswer if cfg!(target_os = "macos") => {
                "unplug the reader and plug it in again; if that does not help, restart the computer".into()
            }
            Self::NoAnswer => "restart it: sudo systemctl restart pcscd; then run the same command again".into(),
            Self::ServiceStopped if cfg!(windows) => {
                "plug the reader in again: Windows stops the service without one".into()
            }
            Self::ServiceStopped => {
                "compare the versions of the library and the daemon, which differ in containers, Flatpak \
                 and AppImage: pkg-config --modversion libpcsclite; pcscd --version"
                    .into()
            }
            Self::NoReader => {
                "plug in a reader; `tokentap doctor` looks for one that the kernel's NFC driver has taken, \
                 as it does with an ACR122U: sudo modprobe -r pn533_usb pn533 nfc"
                    .into()
            }
            Self::AccessDenied => {
                "the service admits only the user at the machine itself, not SSH: add a polkit rule for \
                 org.debian.pcsc-lite.access_pcsc and org.debian.pcsc-lite.access_card (docs/readers.md has one)"
                    .into()
            }
            Self::Busy(_) => "close the program that holds it; if it is GnuPG: gpgconf --kill scdaemon".into(),
            Self::Held(_) => "wait until the other program is done, or close it, and run the same command again".into(),
            Self::NoSuchReader { readers, .. } if readers.is_empty() => "see `tokentap readers`".into(),
            Self::NoSuchReader { readers, .. } => format!("use one of: {}", list(readers)),
            Self::Several(_) => "say which with --reader NAME or its number in `tokentap readers`".into(),
            Self::NoToken { .. } | Self::NoTokenNow => {
                "switch the token on (press its button until the display lights), \
                 lay it on the reader, and run the same command again; --wait SECONDS waits for it"
                    .into()
            }
            Self::Mute(_) => "switch the token on: press its button until the display lights, and lay it back".into(),
            Self::Device(_, Device::StorageTag) => "remove it and lay the token there".into(),
            Self::Device(_, Device::Molto) => {
                "nothing was sent to it: use the vendor's own tool for a Molto2; for a token, lay it on the NFC reader".into()
            }
            Self::Device(..) => {
                "nothing was sent to it; switch the token on (press its button until the display lights), lay it on the NFC \
                 reader, and run the same command again; --wait SECONDS waits for it"
                    .into()
            }
            Self::Left(_) => "switch the token on, lay it back, and run the same command again".into(),
            Self::Interrupted => "run the same command again".into(),
            Self::Other(_) => "see `tokentap doctor`".into(),
        }
    }
}
