//! Remedies for trouble with a seed file, as data. What names an option of the front end is a variant, because the command line
//! and a page call it differently; what is about the file itself is its words.

use std::borrow::Cow;

use super::row::Field;
use crate::seed::SecretEncoding;

/// Something that helps with a seed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRemedy {
    /// Words about the file itself; empty where there is nothing to add.
    Words(Cow<'static, str>),
    /// Name the columns like this, with "-" for those that are left out.
    NameColumns(String),
    /// Add a header, or name the columns.
    HeaderOrColumns,
    /// Add a header, or name all columns, with "-" for those that are left out.
    HeaderOrAllColumns,
    /// Remove one of two like columns, or name the columns.
    RemoveOrNameColumns,
    /// Rename this column to what it is, or name the columns and leave it out.
    RenameOrLeaveOut(String),
    /// Rename the column to "serial", or name the columns.
    RenameSerial,
    /// Name the columns, of which serial and secret may be swapped.
    SwapColumns,
    /// Give rows that are told apart by their slots serials of their own.
    SerialsOfTheirOwn,
    /// Write tokens of time and of counters into files of their own.
    OneKindAFile,
    /// Drop the list of columns, or correct it.
    DropColumns,
    /// State the encoding of the secrets.
    StateEncoding,
    /// Write all secrets in one encoding, or state it.
    OneEncoding,
    /// State this encoding, if it is that.
    IfEncodingIs(SecretEncoding),
    /// Add the header, or do not name the format.
    HeaderOrNoFormat,
    /// Do not name the format: the header says enough.
    DropFormat,
    /// Name the format, which may be each of these.
    NameFormat(Vec<&'static str>),
    /// Name the format, or use the file of this kind.
    NameFormatOrUse(&'static str),
    /// Say that the third field is a counter, if it is.
    IfCounter,
    /// Supply the password of the export.
    Password,
    /// Supply the password of the export, or export it without encryption.
    PasswordOrPlain,
    /// Supply the key of the file, or its password.
    KeyOrPassword,
    /// Decrypt the file with OpenPGP.
    DecryptOpenPgp,
    /// Decrypt the file with age.
    DecryptAge,
    /// Read it as a picture.
    AsPicture,
    /// Convert it to PNG or JPEG, and read it as a picture.
    ConvertPicture,
    /// Make a PNG of it, and read it as a picture.
    Screenshot,
    /// Convert the seeds for Duo, whose administrator imports them.
    ConvertForDuo,
    /// Run it again, or supply the secret in a file.
    AgainOrSeedFile,
    /// Use a format with a field for what would be lost.
    OtherFormat,
    /// Use a format with a field for the time step, or leave it out where the server is told otherwise.
    OtherFormatOrDropStep,
    /// Leave these fields out, if they may be lost.
    Drop(Vec<Field>),
    /// Let two tokens have one seed, if that is meant.
    ShareSecret,
    /// Use the whole secret, or accept a short one.
    WholeSecret,
    /// Use another length for the new seed.
    OtherLength,
    /// Name a part of the profile.
    NameProfile,
    /// Leave out rows that no token can hold, or use one row of the file.
    SkipUnusable,
}

impl FileRemedy {
    /// Words about the file itself.
    #[must_use]
    pub const fn words(text: &'static str) -> Self {
        Self::Words(Cow::Borrowed(text))
    }

    /// Whether there is nothing to add.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Words(text) if text.is_empty())
    }

    /// Whether the same option helps with every row that has this trouble.
    #[must_use]
    pub fn is_option(&self) -> bool {
        !matches!(
            self,
            Self::Words(_) | Self::DecryptOpenPgp | Self::DecryptAge | Self::OtherFormat | Self::OtherLength
        )
    }
}

impl From<&'static str> for FileRemedy {
    fn from(text: &'static str) -> Self {
        Self::words(text)
    }
}

impl From<String> for FileRemedy {
    fn from(text: String) -> Self {
        Self::Words(Cow::Owned(text))
    }
}
