//! Troubles at the reader, and their remedies (`docs/readers.md`).

use pcsc::Error;

use super::device_kind::DeviceKind;
use super::remedy::ReaderRemedy;
use crate::plain::plain;

/// A trouble at the reader. `to_string` is the fact, [`ReaderError::remedy`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The PC/SC service does not run.
    #[error("the PC/SC service is not running")]
    NoService,
    /// The PC/SC service runs and stands still.
    #[error("the PC/SC service does not answer")]
    NoAnswer,
    /// The service stopped, or library and service do not understand each other.
    #[error("the PC/SC service has stopped or does not understand this program")]
    ServiceStopped,
    /// The service knows no reader.
    #[error("no reader is connected")]
    NoReader,
    /// A reader is plugged in that the kernel's NFC driver has taken; its name.
    #[error("the service sees no reader, but {} is plugged in and the kernel's NFC driver has it", plain(.0))]
    TakenByKernel(String),
    /// The user may not use readers or cards.
    #[error("this user may not use the reader")]
    AccessDenied,
    /// Another program has the reader for itself.
    #[error("another program has exclusive use of the reader: {}", plain(.0))]
    Busy(String),
    /// Another program does not let go of the card.
    #[error("another program uses the card on {} and does not let go", plain(.0))]
    Held(String),
    /// No reader goes by what `--reader` says.
    #[error("no reader is called \"{}\"", plain(.wanted))]
    NoSuchReader {
        /// The name that was asked for.
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
    #[error("no token is on the reader")]
    NoTokenNow,
    /// A card on the reader that does not answer.
    #[error("the card on {} does not answer", plain(.0))]
    Mute(String),
    /// A device that cannot be a token, and no token beside it.
    #[error("no token was found; on {} there is {}", plain(.0), .1.words())]
    Device(String, DeviceKind),
    /// The device that a command is for is not there; what is there instead.
    #[error("no {} is plugged in{}", .0.words().trim_start_matches("a "), instead(.1))]
    NotThere(DeviceKind, Vec<(String, DeviceKind)>),
    /// The token was there and left before the first command.
    #[error("the token left {} before it could be read", plain(.0))]
    Left(String),
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
    /// An error of PC/SC that has no row in the table.
    #[error("PC/SC reports: {0}")]
    Other(Error),
}

fn list(readers: &[String]) -> String {
    readers.iter().map(|reader| format!("\"{}\"", plain(reader))).collect::<Vec<_>>().join(", ")
}

/// What is there instead, in words.
fn instead(others: &[(String, DeviceKind)]) -> String {
    let each = others.iter().map(|(reader, device)| format!("; on {} there is {}", plain(reader), device.words()));
    each.collect()
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

    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> ReaderRemedy {
        match self {
            Self::NoService => ReaderRemedy::StartService,
            Self::NoAnswer => ReaderRemedy::RestartService,
            Self::ServiceStopped => ReaderRemedy::CompareVersions,
            Self::NoReader => ReaderRemedy::PlugIn,
            Self::TakenByKernel(_) => ReaderRemedy::FreeFromKernel,
            Self::AccessDenied => ReaderRemedy::AllowUser,
            Self::Busy(_) => ReaderRemedy::CloseHolder,
            Self::Held(_) => ReaderRemedy::WaitForOther,
            Self::NoSuchReader { readers, .. } => ReaderRemedy::UseOneOf(readers.clone()),
            Self::Several(_) => ReaderRemedy::Choose,
            Self::NoToken { .. } | Self::NoTokenNow => ReaderRemedy::LayDown,
            Self::Mute(_) => ReaderRemedy::WakeUp,
            Self::Device(_, DeviceKind::StorageTag) => ReaderRemedy::ReplaceTag,
            Self::Device(_, DeviceKind::Molto1) => ReaderRemedy::UseVendorTool,
            Self::Device(_, DeviceKind::Molto2) => ReaderRemedy::NameMolto2,
            Self::Device(_, DeviceKind::Token2Key) => ReaderRemedy::NameKey,
            Self::NotThere(device, _) => ReaderRemedy::PlugInDevice(*device),
            Self::Device(..) => ReaderRemedy::LayOnNfc,
            Self::Left(_) => ReaderRemedy::LayBack,
            Self::Interrupted => ReaderRemedy::Again,
            Self::Other(_) => ReaderRemedy::Diagnose,
        }
    }
}
