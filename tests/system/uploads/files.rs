//! Files made for the tests. The parts of EICAR are put together here, so that no scanner takes this text for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A picture of one pixel.
pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The test file that every scanner knows. <https://www.eicar.org>
pub(crate) fn eicar() -> Vec<u8> {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

pub(crate) fn picture(text: &[u8]) -> Vec<u8> {
    let file = STANDARD.decode(PIXEL).unwrap();
    let chunk = [b"tEXtComment\0", text].concat();
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    [&file[..33], &length, &chunk, &crc32(&chunk).to_be_bytes(), &file[33..]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A Word document with parts more.
pub(crate) fn document(more: &[(&str, &[u8])]) -> Vec<u8> {
    let types = br#"<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let rels = br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;
    let mut parts: Vec<(&str, &[u8])> =
        vec![("[Content_Types].xml", types), ("_rels/.rels", rels), ("word/document.xml", b"<document/>")];
    parts.extend(more);
    archive(&parts)
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in parts {
        let place = u32::try_from(file.len()).unwrap().to_le_bytes();
        let size = u32::try_from(data.len()).unwrap().to_le_bytes();
        let fixed = [&[0; 4][..], &[0, 0, 0x21, 0], &crc32(data).to_le_bytes(), &size, &size].concat();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        file.extend([b"PK\x03\x04\x14\0", &fixed[..], &length, &[0, 0], name.as_bytes(), data].concat());
        let entry = [b"PK\x01\x02\x14\0\x14\0", &fixed[..], &length, &[0; 12], &place, name.as_bytes()];
        directory.extend(entry.concat());
    }
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let start = u32::try_from(file.len()).unwrap().to_le_bytes();
    [&file[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &start, &[0, 0]].concat()
}

/// What a client declares of a file.
pub(crate) fn declared(purpose: &str, kind: &str, file: &[u8]) -> Value {
    json!({
        "purpose": purpose,
        "fileName": "تقرير 2026",
        "contentType": kind,
        "size": file.len(),
        "sha256": STANDARD.encode(Sha256::digest(file)),
    })
}
