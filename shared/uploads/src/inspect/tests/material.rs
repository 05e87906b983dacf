//! Files made for the tests, honest ones and others. None is kept: each is small, and made anew.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::DeflateEncoder};
use image::{DynamicImage, ImageFormat};
use lopdf::{Document, Object, Stream, dictionary};

use crate::kind::Kind;

/// One entry of an archive, as it is written into it. Its fields may contradict each other.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) local_name: Option<Vec<u8>>,
    pub(super) data: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) unpacked: u32,
    pub(super) attributes: u32,
    /// The place of another entry that this one shares.
    pub(super) shares: Option<usize>,
    /// Bytes behind it that are no part of it.
    pub(super) behind: Vec<u8>,
}

pub(super) fn stored(name: &str, data: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        local_name: None,
        data: data.to_vec(),
        method: 0,
        flags: 0,
        unpacked: u32::try_from(data.len()).unwrap(),
        attributes: 0,
        shares: None,
        behind: Vec::new(),
    }
}

pub(super) fn deflated(name: &str, data: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    Entry { data: encoder.finish().unwrap(), method: 8, ..stored(name, data) }
}

pub(super) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory, mut places) = (Vec::new(), Vec::new(), Vec::<u32>::new());
    for entry in entries {
        let place = match entry.shares {
            Some(other) => places[other],
            None => {
                let place = u32::try_from(file.len()).unwrap();
                let name = entry.local_name.as_ref().unwrap_or(&entry.name);
                file.extend(b"PK\x03\x04\x14\0");
                file.extend(fixed(entry));
                file.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
                file.extend([0, 0]);
                file.extend(name);
                file.extend(&entry.data);
                file.extend(&entry.behind);
                place
            }
        };
        places.push(place);
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(fixed(entry));
        directory.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        directory.extend([0; 8]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(place.to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = u32::try_from(file.len()).unwrap();
    let count = u16::try_from(entries.len()).unwrap();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// What both headers have of an entry: flags, method, time, checksum, sizes.
fn fixed(entry: &Entry) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(entry.flags.to_le_bytes());
    header.extend(entry.method.to_le_bytes());
    header.extend([0, 0, 0x21, 0, 0, 0, 0, 0]);
    header.extend(u32::try_from(entry.data.len()).unwrap().to_le_bytes());
    header.extend(entry.unpacked.to_le_bytes());
    header
}

pub(super) const WORD_MAIN: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";

/// A document of an office, with parts more or changed.
pub(super) fn office(main_type: &str, main: &str, relation: &str, more: &[Entry]) -> Vec<u8> {
    let types = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/{main}" ContentType="{main_type}"/></Types>"#
    );
    let rels = format!(
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="{main}"/>{relation}</Relationships>"#
    );
    let mut entries = vec![
        deflated("[Content_Types].xml", types.as_bytes()),
        deflated("_rels/.rels", rels.as_bytes()),
        deflated(main, b"<document>Quarterly report</document>"),
    ];
    entries.extend(more.iter().cloned());
    archive(&entries)
}

pub(super) fn word(relation: &str, more: &[Entry]) -> Vec<u8> {
    office(WORD_MAIN, "word/document.xml", relation, more)
}

pub(super) fn relation(kind: &str, target: &str, mode: &str) -> String {
    format!(
        r#"<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}" TargetMode="{mode}"/>"#
    )
}

pub(super) fn picture(format: ImageFormat) -> Vec<u8> {
    let mut image = image::RgbImage::new(24, 16);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        *pixel = image::Rgb([(x * 9) as u8, (y * 13) as u8, (x * y) as u8]);
    }
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A document of one page, with objects more and members more of its catalog.
pub(super) fn pdf(catalog: &[(&str, Object)], more: impl FnOnce(&mut Document)) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let content = document.add_object(Stream::new(dictionary! {}, b"BT (Quarterly report) Tj ET".to_vec()));
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    });
    document.objects.insert(
        pages,
        Object::Dictionary(dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }),
    );
    let mut root = dictionary! { "Type" => "Catalog", "Pages" => pages };
    for (key, value) in catalog {
        root.set(*key, value.clone());
    }
    let root = document.add_object(root);
    document.trailer.set("Root", root);
    more(&mut document);
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    file
}

/// An honest file of each kind.
pub(super) fn honest() -> Vec<(Kind, Vec<u8>)> {
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
    let show = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml";
    vec![
        (Kind::Png, picture(ImageFormat::Png)),
        (Kind::Jpeg, picture(ImageFormat::Jpeg)),
        (Kind::Webp, picture(ImageFormat::WebP)),
        (Kind::Pdf, pdf(&[], |_| {})),
        (Kind::Docx, word(&relation("hyperlink", "https://example.com/", "External"), &[])),
        (Kind::Xlsx, office(sheet, "xl/workbook.xml", "", &[])),
        (Kind::Pptx, office(show, "ppt/presentation.xml", "", &[])),
        (
            Kind::Zip,
            archive(&[
                deflated("notes/a.txt", b"a note"),
                stored("notes/b.csv", b"a,b"),
                stored("notes/", b""),
            ]),
        ),
    ]
}
