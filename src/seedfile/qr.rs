//! QR codes: seeds in pictures, and pictures of seeds.

use std::io::Cursor;

use image::{ImageFormat, Luma};
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::migration;
use super::otpauth;
use super::remedy::FileRemedy;
use super::row::Row;
use super::shown::LIKE_A_SECRET;
use super::suspect::{other_code, suspicion};
use crate::seed::Seed;

/// Why a picture gives no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// No picture of a kind that is read, or a broken one.
    #[error("this is not a PNG, JPEG, WebP, GIF or BMP picture that can be read")]
    NoPicture,
    /// No QR code.
    #[error("there is no QR code in the picture that can be read")]
    NoCode,
    /// It takes too long to look at.
    #[error("no QR code was found in the picture within 10 s")]
    TooSlow,
    /// It takes too much memory to look at.
    #[error("the picture is too large to be looked at")]
    TooLarge,
    /// The text is too long for a QR code.
    #[error("the text is too long for a QR code")]
    TooLong,
    /// The process that looks at pictures could not be started.
    #[error("the process that looks at pictures could not be started: {0}")]
    NotStarted(String),
}

impl QrError {
    /// The errors that the process that looks at a picture ends with, each with its exit code.
    const CODES: [(Self, u8); 4] =
        [(Self::NoPicture, 10), (Self::NoCode, 11), (Self::TooSlow, 12), (Self::TooLarge, 13)];

    /// The exit code of a process that ended with this.
    #[must_use]
    pub fn code(&self) -> u8 {
        Self::CODES.iter().find(|(error, _)| error == self).map_or(1, |(_, code)| *code)
    }

    /// The error that a process ended with.
    #[must_use]
    pub fn of_code(code: i32) -> Option<Self> {
        Self::CODES.into_iter().find(|(_, known)| i32::from(*known) == code).map(|(error, _)| error)
    }

    /// The remedy.
    #[must_use]
    pub fn remedy(&self) -> FileRemedy {
        FileRemedy::words(match self {
            Self::NoPicture => {
                "use a PNG, JPEG, WebP, GIF or BMP picture; make one of an SVG or PDF by a screenshot of the whole code"
            }
            Self::NoCode => "use a sharp PNG, JPEG, WebP, GIF or BMP picture of the whole code",
            Self::TooSlow | Self::TooLarge => "crop the picture to the code, and run the same command again",
            Self::TooLong => "a shorter issuer or account helps",
            Self::NotStarted(_) => return FileRemedy::AgainOrSeedFile,
        })
    }
}

/// The content of a QR code in a picture.
#[derive(Debug)]
pub enum Content {
    /// A seed: `otpauth://`, or a bare secret.
    Seed(Box<Row>),
    /// An authenticator's export, or a part of one.
    Export(migration::Export),
    /// Something else: what it is, and what to do.
    Other(String, FileRemedy),
}

/// The kind of a code's text: seeds, or one of the usual wrong ones in plain words.
#[must_use]
pub fn content(text: &str) -> Content {
    let other = |what: &str, remedy: FileRemedy| Content::Other(what.to_owned(), remedy);
    let lower = text.trim().to_ascii_lowercase();
    if otpauth::is_otpauth(text) {
        return match otpauth::parse(text) {
            Ok(row) => Content::Seed(Box::new(row)),
            Err(otpauth::UriError::Unusable(what)) => Content::Other(what.to_owned(), "choose another account".into()),
            Err(error) => Content::Other(format!("a broken otpauth:// code: {error}"), "show the code again".into()),
        };
    }
    if lower.starts_with(migration::SCHEME) {
        return match migration::parse(text, 1) {
            Ok(export) => Content::Export(export),
            Err(problem) => {
                Content::Other(format!("an authenticator's export: {}", problem.what), "export it again".into())
            }
        };
    }
    if let Some((what, next)) = other_code(text) {
        return other(what, next);
    }
    if !lower.is_empty() && lower.len() <= 20 && lower.chars().all(|c| c.is_ascii_digit()) {
        return other("a serial number, perhaps the token's own", "take the code that the server shows".into());
    }
    if let Some(seed) = bare(text) {
        return Content::Seed(Box::new(seed));
    }
    other("something else than a seed", "take the code that the server shows for an authenticator app".into())
}

/// A secret without a URI around it, as some sites show it: long enough to be none by accident.
fn bare(text: &str) -> Option<Row> {
    let text = text.trim();
    if text.len() < LIKE_A_SECRET || suspicion(text).is_some() {
        return None;
    }
    Seed::parse(text, None).ok().map(Row::of_parsed)
}

fn code(text: &str) -> Result<QrCode, QrError> {
    QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrError::TooLong)
}

/// A QR code as text for a terminal, two rows of modules a line, dark on light.
///
/// # Errors
/// [`QrError::TooLong`].
pub fn for_terminal(text: &str) -> Result<Zeroizing<String>, QrError> {
    use qrcode::render::unicode::Dense1x2;
    // Most terminals are dark, so what is dark in the code is left blank there.
    let (dark, light) = (Dense1x2::Light, Dense1x2::Dark);
    Ok(Zeroizing::new(code(text)?.render::<Dense1x2>().dark_color(dark).light_color(light).build()))
}

/// A QR code as an SVG picture.
///
/// # Errors
/// [`QrError::TooLong`].
pub fn svg(text: &str) -> Result<Zeroizing<String>, QrError> {
    Ok(Zeroizing::new(code(text)?.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build()))
}

/// A QR code as a PNG picture.
///
/// # Errors
/// [`QrError::TooLong`].
pub fn png(text: &str) -> Result<Zeroizing<Vec<u8>>, QrError> {
    let modules = code(text)?;
    // A module of eight pixels and a quiet zone of four modules (ISO/IEC 18004, section 6.3.8).
    let (module, quiet) = (8_u32, 4_u32);
    let width = u32::try_from(modules.width()).map_err(|_| QrError::TooLong)?;
    let side = (width + 2 * quiet) * module;
    let picture = image::ImageBuffer::from_fn(side, side, |x, y| {
        let at = |pixel: u32| (pixel / module).checked_sub(quiet).filter(|index| *index < width);
        let dark = match (at(x), at(y)) {
            (Some(x), Some(y)) => modules[(x as usize, y as usize)] == qrcode::Color::Dark,
            _ => false,
        };
        Luma([if dark { 0_u8 } else { 255 }])
    });
    let mut bytes = Zeroizing::new(Vec::new());
    picture.write_to(&mut Cursor::new(&mut *bytes), ImageFormat::Png).map_err(|_| QrError::TooLong)?;
    Ok(bytes)
}
