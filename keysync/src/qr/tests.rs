#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::io::Cursor;
use std::process::{Command, Stdio};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage, imageops};

use super::*;
use crate::code::{CodeError, PairingCode};
use crate::limits;

/// As long as a pairing code with a relay's name.
const TEXT: &str =
    "CSEAL:JNJQCAC2LJNFUWS2LJNFUWS2LJNFUWS2YPB4HQ6DYPB4HQ6DYPB4HQ6DHQ6DYPB4HQ6DYPB4AAAQEAYRXEZLMMF4S4ZLY";

fn code() -> Code {
    Code::of(TEXT, Correction::Medium).unwrap()
}

fn picture(pixels: u16) -> GrayImage {
    image::load_from_memory(&code().png(pixels).unwrap()).unwrap().to_luma8()
}

fn read(picture: &GrayImage) -> Vec<String> {
    let (width, height) = picture.dimensions();
    read_frame(Frame { width, height, pixels: picture.as_raw().clone() }).unwrap()
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("SKIPPED: {program} is not installed (scripts/install-test-tools)");
    }
    found.is_ok()
}

/// Numbers that look random and are the same every time.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % limit
    }
}

/// The picture moved by a function from its place to the place in the original.
fn moved(original: &GrayImage, side: u32, from: impl Fn(f32, f32) -> (f32, f32)) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = from(x as f32, y as f32);
        if x < 0.0 || y < 0.0 {
            return Luma([255]);
        }
        original.get_pixel_checked(x as u32, y as u32).copied().unwrap_or(Luma([255]))
    })
}

fn rotated(original: &GrayImage, degrees: f32) -> GrayImage {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let side = original.width() * 3 / 2;
    let (half, middle) = (side as f32 / 2.0, original.width() as f32 / 2.0);
    moved(original, side, |x, y| {
        let (x, y) = (x - half, y - half);
        (x * cosine + y * sine + middle, y * cosine - x * sine + middle)
    })
}

fn salted(original: &GrayImage, percent: u32) -> GrayImage {
    let mut numbers = Numbers(7);
    let mut salted = original.clone();
    salted
        .pixels_mut()
        .filter(|_| numbers.below(100) < percent)
        .for_each(|pixel| pixel.0[0] = 255 - pixel.0[0]);
    salted
}

/// A lamp in the glass: a white disc that hides an eighth of the width.
fn glared(original: &GrayImage) -> GrayImage {
    let (middle, radius) = (i64::from(original.width()) * 3 / 5, i64::from(original.width()) / 16);
    GrayImage::from_fn(original.width(), original.height(), |x, y| {
        let (from_left, from_top) = (i64::from(x) - middle, i64::from(y) - middle);
        let hidden = from_left * from_left + from_top * from_top < radius * radius;
        if hidden { Luma([255]) } else { *original.get_pixel(x, y) }
    })
}

/// Light from one side only.
fn shaded(original: &GrayImage) -> GrayImage {
    GrayImage::from_fn(original.width(), original.height(), |x, y| {
        let light = 90 + 160 * x / original.width();
        Luma([u8::try_from(u32::from(original.get_pixel(x, y).0[0]) * light / 255 + 5).unwrap()])
    })
}

#[test]
fn codes_are_read_though_the_picture_is_poor() {
    for pixels in [4, 8] {
        let plain = picture(pixels);
        let side = plain.width();
        let mut inverted = plain.clone();
        imageops::invert(&mut inverted);
        let mut cases = vec![
            ("plain".to_owned(), plain.clone()),
            ("inverted".to_owned(), inverted),
            ("glare".to_owned(), glared(&plain)),
            ("shade".to_owned(), shaded(&plain)),
            ("sheared".to_owned(), moved(&plain, side * 5 / 4, |x, y| (x - y * 0.2, y))),
            ("mirrored".to_owned(), imageops::flip_horizontal(&plain)),
        ];
        for blur in [0.25, 0.4] {
            cases.push((format!("blur {blur}"), imageops::blur(&plain, blur * f32::from(pixels))));
        }
        // A camera that stands to the right: what is farther away is smaller.
        let (width, middle) = (side as f32, side as f32 / 2.0);
        let from_the_side = moved(&plain, side, |x, y| {
            let nearer = 1.25 / (1.0 + 0.25 * x / width);
            (x * nearer, (y - middle) * nearer + middle)
        });
        cases.push(("from the side".to_owned(), from_the_side));
        for percent in [1, 3] {
            cases.push((format!("noise {percent}%"), salted(&plain, percent)));
        }
        for degrees in [15.0, 45.0, 90.0, 180.0, 200.0] {
            cases.push((format!("rotated by {degrees}"), rotated(&plain, degrees)));
        }
        let unread: Vec<_> =
            cases.iter().filter(|(_, case)| read(case) != [TEXT]).map(|(name, _)| name).collect();
        assert!(unread.is_empty(), "{pixels} pixels to a module: {unread:?}");
    }
}

#[test]
fn a_damaged_code_fails_and_is_never_misread() {
    let plain = picture(4);
    let module = 4;
    let mut numbers = Numbers(11);
    let (mut failed, mut wrong) = (0, Vec::new());
    for damage in 0..60 {
        let mut damaged = plain.clone();
        // From a few modules to a third of all.
        for _ in 0..damage * 8 {
            let column = numbers.below(plain.width() / module) * module;
            let row = numbers.below(plain.height() / module) * module;
            let grey = Luma([if numbers.below(2) == 0 { 0 } else { 255 }]);
            (0..module * module)
                .for_each(|index| damaged.put_pixel(column + index % module, row + index / module, grey));
        }
        match read(&damaged).as_slice() {
            [] => failed += 1,
            [text] if text == TEXT => {}
            other => wrong.push(other.to_vec()),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(failed > 10, "the damage was too small to show anything: {failed}");
}

#[test]
fn several_codes_in_one_picture_are_all_read() {
    let one = picture(4);
    let other = image::load_from_memory(
        &Code::of("HTTPS://EXAMPLE.ORG/", Correction::Medium).unwrap().png(5).unwrap(),
    )
    .unwrap()
    .to_luma8();
    let mut both = GrayImage::from_pixel(one.width() + other.width() + 40, one.height() + 20, Luma([255]));
    imageops::replace(&mut both, &one, 10, 10);
    imageops::replace(&mut both, &other, i64::from(one.width()) + 30, 40);
    let mut texts = read(&both);
    texts.sort();
    assert_eq!(texts, [TEXT, "HTTPS://EXAMPLE.ORG/"]);
}

#[test]
fn a_large_photograph_with_a_small_code_is_read() {
    let small = picture(9);
    let mut photograph = GrayImage::from_pixel(4000, 3000, Luma([140]));
    imageops::replace(&mut photograph, &small, 2000, 1500);
    assert_eq!(read_picture(&encoded(photograph, ImageFormat::Jpeg)).unwrap(), [TEXT]);
}

#[test]
fn transparent_pictures_show_the_page_behind_them() {
    let plain = picture(4);
    let clear = RgbaImage::from_fn(plain.width(), plain.height(), |x, y| {
        Rgba([0, 0, 0, 255 - plain.get_pixel(x, y).0[0]])
    });
    assert_eq!(read_picture(&encoded(clear, ImageFormat::Png)).unwrap(), [TEXT]);
}

#[test]
fn a_picture_without_a_code_gives_none() {
    let mut numbers = Numbers(3);
    let noise = GrayImage::from_fn(400, 300, |_, _| Luma([u8::try_from(numbers.below(256)).unwrap()]));
    for picture in
        [noise, GrayImage::from_pixel(1, 1, Luma([0])), GrayImage::from_pixel(3000, 1, Luma([255]))]
    {
        assert_eq!(read_picture(&encoded(picture, ImageFormat::Png)).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn hostile_files_are_refused_before_they_cost_anything() {
    let large = vec![0; limits::PICTURE_BYTES + 1];
    assert_eq!(
        read_picture(&large),
        Err(QrError::TooManyBytes { bytes: large.len(), limit: limits::PICTURE_BYTES })
    );
    for bytes in [
        &b""[..],
        b"CSEAL:NOT A PICTURE",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
    ] {
        assert!(matches!(read_picture(bytes), Err(QrError::NotAPicture(_))), "{bytes:?}");
    }
    // A few bytes that say they are 60,000 x 60,000 pixels.
    let mut bomb = encoded(GrayImage::new(1, 1), ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let refused = read_picture(&bomb);
    assert!(matches!(refused, Err(QrError::TooManyPixels { .. } | QrError::NotAPicture(_))), "{refused:?}");
    // Half a file.
    let whole = encoded(picture(4), ImageFormat::Png);
    assert!(matches!(read_picture(&whole[..whole.len() / 2]), Err(QrError::NotAPicture(_))));
    let frame = |width, height, pixels| read_frame(Frame { width, height, pixels: vec![0; pixels] });
    assert!(matches!(frame(100, 100, 9_999), Err(QrError::NotAPicture(_))));
    assert!(matches!(frame(0, 100, 0), Err(QrError::NotAPicture(_))));
    assert!(matches!(frame(100_000, 100_000, 0), Err(QrError::TooManyPixels { .. })));
}

#[test]
fn the_largest_code_full_of_garbage_is_read_and_is_no_pairing_code() {
    let mut numbers = Numbers(40);
    let mut garbage = |_| char::from(u8::try_from(numbers.below(95) + 32).unwrap());
    let garbage: String = (0..2300).map(&mut garbage).collect();
    // Letters that base32 knows, in a text that begins as ours do.
    let begun = format!("CSEAL:{}", "A".repeat(3300));
    let base = "CSEAL:JNJQCAC2".to_owned() + &"\u{7}\u{1b}[2J".repeat(450);
    for (text, error) in
        [(garbage, CodeError::OtherCode), (begun, CodeError::Damaged), (base, CodeError::Damaged)]
    {
        let code = Code::of(&text, Correction::Medium).unwrap();
        assert_eq!(code.width(), 177, "version 40");
        let read = read_picture(&code.png(3).unwrap()).unwrap();
        assert_eq!(read, [text.as_str()]);
        assert_eq!(PairingCode::parse(&read[0]).unwrap_err(), error);
    }
}

#[test]
fn a_picture_full_of_corners_of_codes_ends_in_time() {
    // The three squares of a code, some thousand times: readers try every three of them.
    let corner = imageops::crop_imm(&picture(2), 8, 8, 14, 14).to_image();
    let mut full = GrayImage::from_pixel(1200, 1200, Luma([255]));
    for index in 0..4225 {
        imageops::replace(&mut full, &corner, index % 65 * 18, index / 65 * 18);
    }
    let began = std::time::Instant::now();
    let (width, height) = full.dimensions();
    let result = read_frame(Frame { width, height, pixels: full.into_raw() });
    assert!(matches!(result.as_deref(), Ok([]) | Err(QrError::TooSlow)), "{result:?}");
    assert!(began.elapsed() < limits::PICTURE_TIME * 2);
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    assert_eq!(Code::of(&"x".repeat(2332), Correction::Medium).unwrap_err(), QrError::TextTooLong);
    assert_eq!(Code::of(&"x".repeat(2331), Correction::Medium).unwrap().width(), 177);
}

#[test]
fn another_decoder_reads_our_pictures() {
    if !installed("zbarimg") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for correction in [Correction::Medium, Correction::Quartile] {
        let file = directory.path().join("code.png");
        fs::write(&file, Code::of(TEXT, correction).unwrap().png(4).unwrap()).unwrap();
        let output = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&file).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), TEXT);
    }
}

#[test]
fn another_encoders_codes_are_read() {
    if !installed("qrencode") {
        return;
    }
    for level in ["L", "M", "Q", "H"] {
        for options in
            [&["-s", "3"][..], &["-s", "6", "-8"], &["-s", "4", "-m", "2"], &["-s", "5", "-v", "12"]]
        {
            let output = Command::new("qrencode")
                .args(["-o", "-", "-l", level])
                .args(options)
                .arg(TEXT)
                .output()
                .unwrap();
            assert_eq!(read_picture(&output.stdout).unwrap(), [TEXT], "{level} {options:?}");
        }
    }
}

#[test]
fn the_vector_picture_is_the_same_code() {
    let code = code();
    let svg = code.svg();
    let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut dark = vec![false; code.width() * code.width()];
    for run in path.split('M').skip(1) {
        let (column, rest) = run.split_once(',').unwrap();
        let (row, rest) = rest.split_once('h').unwrap();
        let (length, _) = rest.split_once('v').unwrap();
        let [column, row, length] = [column, row, length].map(|number| number.parse::<usize>().unwrap());
        (0..length).for_each(|index| dark[(row - 4) * code.width() + column - 4 + index] = true);
    }
    assert_eq!(dark, *code.dark);
    assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", code.width() + 8)));
}

/// What a terminal with this ground shows of the text: each character eight pixels wide and sixteen high, in the
/// colours that its escape sequences set.
fn rasterised(text: &str, ground: u8) -> GrayImage {
    const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";
    let lines: Vec<&str> = text.lines().collect();
    let mut screen = GrayImage::from_pixel(80 * 8, 24 * 16, Luma([ground]));
    for (row, line) in lines.iter().enumerate() {
        let cells = line.strip_prefix(BLACK_ON_WHITE).unwrap().strip_suffix("\u{1b}[0m").unwrap();
        for (column, character) in cells.chars().enumerate() {
            let (upper, lower) = match character {
                '█' => (0, 0),
                '▀' => (0, 255),
                '▄' => (255, 0),
                ' ' => (255, 255),
                other => unreachable!("{other:?}"),
            };
            for y in 0..16 {
                for x in 0..8 {
                    let grey = Luma([if y < 8 { upper } else { lower }]);
                    screen.put_pixel(column as u32 * 8 + x, row as u32 * 16 + y, grey);
                }
            }
        }
    }
    screen
}

#[test]
fn the_terminal_shows_a_code_that_is_read_in_dark_and_light_themes() {
    let text = code().terminal_text(80, 24).unwrap();
    let (columns, rows) = code().terminal_size();
    assert_eq!(text.lines().count(), rows);
    assert!(columns <= 80 && rows <= 24);
    let directory = tempfile::tempdir().unwrap();
    for ground in [0, 255, 40] {
        let screen = rasterised(&text, ground);
        assert_eq!(read(&screen), [TEXT], "on {ground}");
        let file = directory.path().join("screen.png");
        fs::write(&file, encoded(screen, ImageFormat::Png)).unwrap();
        if installed("zbarimg") {
            let output = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&file).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), TEXT, "on {ground}");
        }
    }
}

#[test]
fn a_window_that_is_too_small_gets_no_torn_code() {
    let code = code();
    let (columns, rows) = code.terminal_size();
    assert!(code.terminal_text(columns, rows).is_some());
    assert!(code.terminal_text(columns - 1, rows).is_none());
    assert!(code.terminal_text(columns, rows - 1).is_none());
    assert!(code.terminal_text(40, 24).is_none());
}
