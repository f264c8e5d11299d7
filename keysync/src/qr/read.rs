//! Codes in pictures: photographs, screenshots, what a camera sees.
//!
//! Two readers look, one after the other, because each misses codes that the other reads. They are given pictures by
//! strangers, so they run beside us: what takes too long, or breaks, has read nothing.

use std::io::Cursor;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, Limits, Luma};
use rqrr::PreparedImage;
use rxing::BarcodeFormat;

use super::QrError;
use crate::limits;

/// Longest side at which a large picture is looked at first: a code that fills some of it is read sooner, and with
/// less noise.
const FIRST_SIDE: u32 = 1280;
/// Longest side at which it is looked at next.
const SECOND_SIDE: u32 = 2560;
/// How far a pixel is spread in a softened picture, in pixels.
const SOFTENED: f32 = 1.0;

/// One grey picture of a camera.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// One byte for each pixel, 0 is black, row after row.
    pub pixels: Vec<u8>,
}

/// Reads every code in a PNG or JPEG file; each text once. A picture without a code gives none.
///
/// # Errors
/// [`QrError`] where it is no picture, or too large, or takes too long.
pub fn read_picture(file: &[u8]) -> Result<Vec<String>, QrError> {
    if file.len() > limits::PICTURE_BYTES {
        return Err(QrError::TooManyBytes { bytes: file.len(), limit: limits::PICTURE_BYTES });
    }
    let damaged = |error: image::ImageError| QrError::NotAPicture(error.to_string());
    let format = image::guess_format(file).map_err(damaged)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
        return Err(QrError::NotAPicture(format!("{format:?}")));
    }
    let (width, height) =
        ImageReader::with_format(Cursor::new(file), format).into_dimensions().map_err(damaged)?;
    check_size(width, height)?;
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut memory = Limits::default();
    memory.max_alloc = Some(limits::PICTURE_MEMORY);
    reader.limits(memory);
    look(grey(&reader.decode().map_err(damaged)?))
}

/// Reads every code in a frame; each text once.
///
/// # Errors
/// [`QrError`] where the frame is too large, not as large as it says, or takes too long.
pub fn read_frame(frame: Frame) -> Result<Vec<String>, QrError> {
    check_size(frame.width, frame.height)?;
    GrayImage::from_raw(frame.width, frame.height, frame.pixels)
        .ok_or_else(|| QrError::NotAPicture("a frame that ends early".into()))
        .and_then(look)
}

fn check_size(width: u32, height: u32) -> Result<(), QrError> {
    if width == 0 || height == 0 {
        return Err(QrError::NotAPicture("no pixels".into()));
    }
    if u64::from(width) * u64::from(height) > limits::PICTURE_PIXELS {
        return Err(QrError::TooManyPixels { width, height, limit: limits::PICTURE_PIXELS });
    }
    Ok(())
}

/// Grey on white: what is transparent shows the white page behind it.
fn grey(picture: &DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.to_luma8();
    }
    let with_alpha = picture.to_luma_alpha8();
    GrayImage::from_fn(with_alpha.width(), with_alpha.height(), |x, y| {
        let [luma, alpha] = with_alpha.get_pixel(x, y).0.map(u32::from);
        let mixed = (luma * alpha + 255 * (255 - alpha)) / 255;
        Luma([u8::try_from(mixed).unwrap_or(u8::MAX)])
    })
}

/// Looks in another thread, which is left alone where it does not end.
fn look(picture: GrayImage) -> Result<Vec<String>, QrError> {
    look_for(limits::PICTURE_TIME, move || at_all_sizes(picture))
}

fn look_for(
    limit: Duration,
    looking: impl FnOnce() -> Vec<String> + Send + 'static,
) -> Result<Vec<String>, QrError> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("qr".into())
        // Nobody receives what comes too late.
        .spawn(move || drop(sender.send(looking())))
        .map_err(|error| QrError::NotAPicture(error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(texts) => Ok(texts),
        Err(RecvTimeoutError::Timeout) => Err(QrError::TooSlow),
        Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
    }
}

/// Looks at the picture made small, then larger, until there is a code.
fn at_all_sizes(picture: GrayImage) -> Vec<String> {
    let longest = picture.width().max(picture.height());
    let smaller = [FIRST_SIDE, SECOND_SIDE].into_iter().filter(|side| *side < longest);
    for side in smaller {
        let texts = in_both_colors(shrunk(&picture, side));
        if !texts.is_empty() {
            return texts;
        }
    }
    if longest <= SECOND_SIDE { in_both_colors(picture) } else { by_first_reader(&picture) }
}

fn shrunk(picture: &GrayImage, longest: u32) -> GrayImage {
    let (width, height) = picture.dimensions();
    let scaled = |side: u32| {
        let scaled = u64::from(side) * u64::from(longest) / u64::from(width.max(height).max(1));
        u32::try_from(scaled).unwrap_or(longest).max(1)
    };
    imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle)
}

/// Dark on light, then light on dark.
fn in_both_colors(mut picture: GrayImage) -> Vec<String> {
    let texts = sharp_and_soft(&picture);
    if !texts.is_empty() {
        return texts;
    }
    imageops::invert(&mut picture);
    sharp_and_soft(&picture)
}

/// As it is, then softened: single wrong pixels, as a weak camera makes them, vanish in their neighbours.
fn sharp_and_soft(picture: &GrayImage) -> Vec<String> {
    let texts = by_both_readers(picture);
    if !texts.is_empty() || picture.width().max(picture.height()) > FIRST_SIDE {
        return texts;
    }
    by_both_readers(&imageops::blur(picture, SOFTENED))
}

fn by_both_readers(picture: &GrayImage) -> Vec<String> {
    let mut texts = by_first_reader(picture);
    // It also reads the other codes where there are several.
    for text in by_second_reader(picture) {
        if !texts.contains(&text) && texts.len() < limits::PICTURE_CODES {
            texts.push(text);
        }
    }
    texts
}

fn by_first_reader(picture: &GrayImage) -> Vec<String> {
    let (width, height) = picture.dimensions();
    rxing::helpers::detect_in_luma(picture.as_raw().clone(), width, height, Some(BarcodeFormat::QR_CODE))
        .map(|found| vec![found.getText().to_owned()])
        .unwrap_or_default()
}

fn by_second_reader(picture: &GrayImage) -> Vec<String> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.as_raw();
    let pixel = |x: usize, y: usize| pixels.get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, pixel);
    prepared.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_or_breaks_has_read_nothing() {
        let slow = look_for(Duration::from_millis(20), || {
            thread::sleep(Duration::from_secs(1));
            vec!["late".into()]
        });
        assert_eq!(slow, Err(QrError::TooSlow));
        assert_eq!(look_for(Duration::from_secs(20), || panic!("a reader that breaks")), Ok(Vec::new()));
    }
}
