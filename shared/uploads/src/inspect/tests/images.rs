//! Pictures.

use image::ImageFormat;

use super::material::{archive, picture, stored};
use crate::{inspect::inspect, kind::Kind, reason::Reason};

pub(super) fn jpeg_with(comment: &[u8]) -> Vec<u8> {
    jpeg_part(0xfe, comment)
}

/// A JPEG with a segment before all others.
pub(super) fn jpeg_part(marker: u8, data: &[u8]) -> Vec<u8> {
    let file = picture(ImageFormat::Jpeg);
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, marker], &length, data, &file[2..]].concat()
}

/// A PNG with a chunk of text before its pixels.
fn png_with(text: &[u8]) -> Vec<u8> {
    png_part(b"tEXt", text)
}

/// A PNG with a chunk before its pixels.
pub(super) fn png_part(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let file = picture(ImageFormat::Png);
    let chunk = [name, data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let sum = crc32(&chunk).to_be_bytes();
    [&file[..33], &length, &chunk, &sum, &file[33..]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[test]
fn a_picture_with_a_comment_is_a_picture() {
    assert_eq!(inspect(&jpeg_with(b"taken in Cairo"), Kind::Jpeg), Ok(()));
    assert_eq!(inspect(&png_with(b"Comment\0taken in Cairo"), Kind::Png), Ok(()));
}

/// Nothing follows the picture, and still a browser, a reader of PDF or one of archives would find something of its own.
#[test]
fn a_comment_that_is_a_file_of_its_own_is_refused() {
    let zip = archive(&[stored("a.txt", b"a")]);
    let rar = b"Rar!\x1a\x07\0".as_slice();
    for hidden in [b"<SCRIPT>x()</SCRIPT>".as_slice(), b"<?php x();", b"%PDF-1.4 1 0 obj", &zip, rar] {
        assert_eq!(inspect(&jpeg_with(hidden), Kind::Jpeg), Err(Reason::Polyglot), "{hidden:?}");
        let text = [b"Comment\0", hidden].concat();
        assert_eq!(inspect(&png_with(&text), Kind::Png), Err(Reason::Polyglot), "{hidden:?}");
    }
}

#[test]
fn a_picture_of_more_pixels_than_a_program_should_hold_is_refused_by_its_header() {
    let mut png = picture(ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let sum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    assert_eq!(inspect(&png, Kind::Png), Err(Reason::TooManyPixels));
}

#[test]
fn a_picture_that_ends_too_early_is_refused() {
    for (kind, format) in
        [(Kind::Png, ImageFormat::Png), (Kind::Jpeg, ImageFormat::Jpeg), (Kind::Webp, ImageFormat::WebP)]
    {
        let file = picture(format);
        for length in 0..file.len() {
            assert!(inspect(&file[..length], kind).is_err(), "{kind:?} of {length} bytes");
        }
    }
}
