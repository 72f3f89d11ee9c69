//! QR codes in pictures: found by two decoders, in several sizes, light on dark too.
//!
//! A picture can be made to take any time and memory, so whoever is given one from elsewhere looks at it in a process of its
//! own, with bounds (`cli/picture.rs`).

use std::collections::HashSet;
use std::io::Cursor;
use std::time::Instant;

use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, Limits, Luma, imageops};
use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8LuminanceSource};
use zeroize::Zeroizing;

use super::qr::QrError;

/// The largest picture that is read, in pixels a side …
const MAX_SIDE: u32 = 12_000;

/// … and in bytes once it is unpacked: 50 megapixels in colour.
const MAX_ALLOC: u64 = 160 << 20;

/// The longest side that is looked at: small codes in a screenshot of a large screen need it.
const FULL: u32 = 4096;

/// The other sizes that are tried, the likeliest first: of a photo with a few thousand pixels a smaller copy reads better.
const SMALLER: [u32; 4] = [1000, 500, 1600, 2400];

/// Up to this side, a picture is also tried at twice its size.
const SMALL: u32 = 1200;

/// A decoder: all codes in a picture.
type Decoder = fn(GrayImage) -> Vec<Zeroizing<String>>;

/// The texts of all QR codes in a picture. After `until` what was found by then is all.
///
/// # Errors
/// [`QrError::NoPicture`], [`QrError::TooLarge`], [`QrError::NoCode`], [`QrError::TooSlow`].
pub fn texts(picture: &[u8], until: Instant) -> Result<Vec<Zeroizing<String>>, QrError> {
    let picture = read(picture)?;
    // Dark modules on a transparent ground need white below them, light ones black.
    let grounds: &[u8] = if picture.color().has_alpha() { &[255, 0] } else { &[255] };
    let mut full: Vec<GrayImage> = grounds.iter().map(|ground| stretched(on_ground(&picture, *ground))).collect();
    drop(picture);
    full.dedup();
    // The second one finds a few codes that the first does not: bent ones, and dotted ones.
    let decoders: [Decoder; 2] = [with_rxing, with_quircs];
    for decoder in decoders {
        for picture in &full {
            for size in sizes(picture) {
                let found = both_ways(decoder, scaled(picture, size), until)?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
    }
    Err(QrError::NoCode)
}

fn read(picture: &[u8]) -> Result<DynamicImage, QrError> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    let mut reader = ImageReader::new(Cursor::new(picture)).with_guessed_format().map_err(|_| QrError::NoPicture)?;
    if !matches!(reader.format(), Some(Png | Jpeg | WebP | Gif | Bmp)) {
        return Err(QrError::NoPicture);
    }
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    reader.decode().map_err(|error| match error {
        image::ImageError::Limits(_) => QrError::TooLarge,
        _ => QrError::NoPicture,
    })
}

/// The sizes that are tried, by the longer side.
fn sizes(picture: &GrayImage) -> Vec<u32> {
    let side = picture.width().max(picture.height());
    let mut sizes = vec![side];
    sizes.extend(SMALLER.into_iter().filter(|size| *size < side));
    if side <= SMALL {
        sizes.push(side * 2);
    }
    if (60..=500).contains(&side) {
        sizes.push(side / 2);
    }
    sizes
}

/// All codes in a picture as it is, and with black and white exchanged: one may hold a dark code and a light one.
fn both_ways(decoder: Decoder, picture: GrayImage, until: Instant) -> Result<Vec<Zeroizing<String>>, QrError> {
    let mut inverted = picture.clone();
    imageops::invert(&mut inverted);
    let mut found: Vec<Zeroizing<String>> = Vec::new();
    for luma in [picture, inverted] {
        if Instant::now() > until {
            return if found.is_empty() { Err(QrError::TooSlow) } else { Ok(found) };
        }
        for text in decoder(luma) {
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    Ok(found)
}

/// The picture in gray on a ground, no larger than [`FULL`]. A thumbnail needs no memory besides its own, where
/// `imageops::resize` takes 16 bytes a pixel.
fn on_ground(picture: &DynamicImage, ground: u8) -> GrayImage {
    let luma = if picture.color().has_alpha() {
        let both = picture.to_luma_alpha8();
        GrayImage::from_fn(both.width(), both.height(), |x, y| {
            let [luma, alpha] = both.get_pixel(x, y).0.map(u32::from);
            let mixed = (luma * alpha + u32::from(ground) * (255 - alpha)) / 255;
            Luma([u8::try_from(mixed).unwrap_or(255)])
        })
    } else {
        picture.to_luma8()
    };
    let side = luma.width().max(luma.height());
    if side <= FULL {
        return luma;
    }
    let to = |length: u32| (length * FULL / side).max(1);
    imageops::thumbnail(&luma, to(luma.width()), to(luma.height()))
}

fn scaled(picture: &GrayImage, size: u32) -> GrayImage {
    let side = picture.width().max(picture.height());
    if side == size {
        return picture.clone();
    }
    let to = |length: u32| (length * size / side).max(1);
    imageops::resize(picture, to(picture.width()), to(picture.height()), imageops::FilterType::Triangle)
}

/// The whole range from black to white: a decoder takes a faint code for a blank ground.
fn stretched(mut luma: GrayImage) -> GrayImage {
    let (low, high) = luma.iter().fold((255, 0), |(low, high), value| (*value.min(&low), *value.max(&high)));
    let range = u32::from(high.saturating_sub(low));
    if (1..255).contains(&range) {
        for value in luma.iter_mut() {
            *value = u8::try_from(u32::from(*value - low) * 255 / range).unwrap_or(255);
        }
    }
    luma
}

fn with_rxing(luma: GrayImage) -> Vec<Zeroizing<String>> {
    let (width, height) = luma.dimensions();
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some(HashSet::from([BarcodeFormat::QR_CODE])),
        ..DecodeHints::default()
    };
    let Ok(source) = Luma8LuminanceSource::new(luma.into_raw(), width, height) else { return Vec::new() };
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let codes = QrReader.decode_multiple_with_hints(&mut bitmap, &hints).unwrap_or_default();
    let codes = codes.iter().filter(|code| *code.getBarcodeFormat() == BarcodeFormat::QR_CODE);
    codes.map(|code| Zeroizing::new(code.getText().to_owned())).collect()
}

fn with_quircs(luma: GrayImage) -> Vec<Zeroizing<String>> {
    let mut reader = quircs::Quirc::default();
    let codes = reader.identify(luma.width() as usize, luma.height() as usize, &luma);
    let texts = codes.filter_map(|code| String::from_utf8(code.ok()?.decode().ok()?.payload).ok());
    texts.map(Zeroizing::new).collect()
}
