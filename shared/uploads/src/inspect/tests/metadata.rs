//! What a picture says beside its pixels, where a purpose wants none of it.

use image::ImageFormat;

use super::images::{jpeg_part, jpeg_with, png_part};
use super::material::{honest, picture};
use crate::{
    inspect::{inspect, inspect_for},
    kind::Kind,
    reason::Reason,
    rules::Metadata,
};

/// A block of EXIF that says in which half of the world a picture was taken.
const EXIF: &[u8] = b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0\x01\0\x01\0\x02\0\x02\0\0\0N\0\0\0\0\0\0\0";

const PICTURES: [(Kind, ImageFormat); 3] =
    [(Kind::Png, ImageFormat::Png), (Kind::Jpeg, ImageFormat::Jpeg), (Kind::Webp, ImageFormat::WebP)];

/// A WebP with chunks more, in the extended form that they need.
fn webp_with(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let file = picture(ImageFormat::WebP);
    // Which of them are there; then width and height, less one.
    let flag = |name: &[u8; 4]| match name {
        b"EXIF" => 8,
        b"XMP " => 4,
        _ => 0,
    };
    let flags = chunks.iter().fold(0, |flags, (name, _)| flags | flag(name));
    let mut parts = [b"VP8X\x0a\0\0\0", &[flags, 0, 0, 0, 23, 0, 0, 15, 0, 0][..], &file[12..]].concat();
    for (name, data) in chunks {
        parts.extend([*name, &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat());
        parts.extend(vec![0; data.len() % 2]);
    }
    let length = u32::try_from(parts.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &parts].concat()
}

#[track_caller]
fn has_metadata(file: &[u8], kind: Kind) {
    assert_eq!(inspect_for(file, kind, Metadata::Keep), Ok(()));
    assert_eq!(inspect_for(file, kind, Metadata::Refuse), Err(Reason::Metadata));
}

#[test]
fn a_picture_that_says_where_it_was_taken_is_refused_where_the_rule_wants_it_so() {
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>".as_slice();
    has_metadata(&jpeg_part(0xe1, &[b"Exif\0\0", EXIF].concat()), Kind::Jpeg);
    has_metadata(&jpeg_part(0xe1, xmp), Kind::Jpeg);
    has_metadata(&jpeg_part(0xed, b"Photoshop 3.0\08BIM"), Kind::Jpeg);
    has_metadata(&jpeg_part(0xe2, b"MPF\0II*\0"), Kind::Jpeg);
    has_metadata(&jpeg_with(b"taken in Cairo"), Kind::Jpeg);
    has_metadata(&png_part(b"eXIf", EXIF), Kind::Png);
    has_metadata(&png_part(b"tEXt", b"Comment\0taken in Cairo"), Kind::Png);
    has_metadata(&png_part(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>"), Kind::Png);
    has_metadata(&png_part(b"tIME", &[7, 0xea, 1, 2, 3, 4, 5]), Kind::Png);
    // Of a program that nobody here knows.
    has_metadata(&png_part(b"prVt", b"30.04 31.24"), Kind::Png);
    has_metadata(&webp_with(&[(b"EXIF", EXIF)]), Kind::Webp);
    has_metadata(&webp_with(&[(b"XMP ", b"<x:xmpmeta/>")]), Kind::Webp);
    has_metadata(&webp_with(&[(b"prVt", b"30.04 31.24")]), Kind::Webp);
}

/// Behind the pixels too, where a reader that stops at them does not look.
#[test]
fn metadata_behind_the_pixels_is_metadata() {
    let png = png_part(b"eXIf", EXIF);
    let (chunk, end) = (&png[33..33 + EXIF.len() + 12], 12);
    let plain = picture(ImageFormat::Png);
    let behind = [&plain[..plain.len() - end], chunk, &plain[plain.len() - end..]].concat();
    has_metadata(&behind, Kind::Png);
    let jpeg = picture(ImageFormat::Jpeg);
    let segment = &jpeg_with(b"taken in Cairo")[2..20];
    has_metadata(&[&jpeg[..jpeg.len() - 2], segment, b"\xff\xd9"].concat(), Kind::Jpeg);
}

#[test]
fn a_picture_that_says_how_its_colours_are_meant_is_a_picture_and_nothing_more() {
    for (kind, format) in PICTURES {
        assert_eq!(inspect_for(&picture(format), kind, Metadata::Refuse), Ok(()), "{kind:?}");
    }
    assert_eq!(inspect_for(&png_part(b"gAMA", &[0, 0, 0xb1, 0x8f]), Kind::Png, Metadata::Refuse), Ok(()));
    assert_eq!(inspect_for(&webp_with(&[]), Kind::Webp, Metadata::Refuse), Ok(()));
}

/// The rules allow it for pictures only. If they did not, nothing would be let through.
#[test]
fn a_document_is_never_without_metadata() {
    for (kind, file) in honest().into_iter().filter(|(kind, _)| !kind.is_picture()) {
        assert_eq!(inspect_for(&file, kind, Metadata::Refuse), Err(Reason::Metadata), "{kind:?}");
    }
    // And what is refused anyway is refused for what it is.
    assert_eq!(inspect_for(b"<html>", Kind::Png, Metadata::Refuse), inspect(b"<html>", Kind::Png));
}
