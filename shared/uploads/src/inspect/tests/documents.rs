//! Documents of offices, and PDF.

use lopdf::{Object, Stream, dictionary, xref::XrefType};

use super::material::{Entry, WORD_MAIN, deflated, office, pdf, relation, stored, word};
use crate::{inspect::inspect, kind::Kind, reason::Reason};

#[track_caller]
fn refused(file: &[u8], reason: Reason) {
    assert_eq!(inspect(file, Kind::Docx), Err(reason));
}

#[test]
fn a_document_with_macros_is_refused_under_whatever_name_they_are_in_it() {
    refused(&word("", &[stored("word/vbaProject.bin", b"x")]), Reason::Macros);
    refused(&word("", &[stored("word/VBAPROJECT.BIN", b"x")]), Reason::Macros);
    let macro_enabled = "application/vnd.ms-word.document.macroEnabled.main+xml";
    refused(&office(macro_enabled, "word/document.xml", "", &[]), Reason::Macros);
    let hidden = relation("vbaProject", "media/image1.bin", "Internal");
    refused(&word(&hidden, &[stored("media/image1.bin", b"x")]), Reason::Macros);
}

#[test]
fn a_document_that_loads_something_when_it_is_opened_is_refused() {
    for (kind, target) in [
        ("attachedTemplate", "https://example.com/a.dotm"),
        ("oleObject", "https://example.com/a.html!"),
        ("image", "https://example.com/a.png"),
        ("frame", "file://host/a"),
        ("hyperlink", "file://host/share"),
        ("hyperlink", "javascript:x()"),
        ("hyperlink", "ms-msdt:/id"),
    ] {
        let reason = if kind == "oleObject" { Reason::EmbeddedFile } else { Reason::ExternalContent };
        let file = word(&relation(kind, target, "External"), &[]);
        refused(&file, reason);
        // Not only in the relations of the package.
        let deep = format!(r#"<Relationships>{}</Relationships>"#, relation(kind, target, "External"));
        refused(&word("", &[deflated("word/_rels/settings.xml.rels", deep.as_bytes())]), reason);
    }
    refused(&word(&relation("image", "https://example.com/a.png", "Internal"), &[]), Reason::ExternalContent);
    refused(&word(&relation("image", "//example.com/a.png", "Internal"), &[]), Reason::ExternalContent);
    refused(&word(&relation("image", "media/a.png", "external"), &[]), Reason::ExternalContent);
}

#[test]
fn a_document_with_another_file_in_it_is_refused() {
    refused(&word("", &[stored("word/embeddings/oleObject1.bin", b"x")]), Reason::EmbeddedFile);
    refused(&word(&relation("aFChunk", "a.mht", "Internal"), &[stored("a.mht", b"x")]), Reason::EmbeddedFile);
    refused(&word("", &[stored("word/activeX/activeX1.xml", b"<a/>")]), Reason::ActiveContent);
}

const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
const SHOW: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml";

fn workbook(more: &[Entry]) -> Vec<u8> {
    office(SHEET, "xl/workbook.xml", "", more)
}

/// The parts of a chart in this folder, as offices write them: the relation, and the workbook that it was made from.
fn chart(folder: &str, workbook: &[u8]) -> [Entry; 2] {
    let relation = relation("package", "../embeddings/Microsoft_Excel_Sheet1.xlsx", "Internal");
    let relations = format!("<Relationships>{relation}</Relationships>");
    [
        deflated(&format!("{folder}/charts/_rels/chart1.xml.rels"), relations.as_bytes()),
        stored(&format!("{folder}/embeddings/Microsoft_Excel_Sheet1.xlsx"), workbook),
    ]
}

#[test]
fn a_document_with_a_chart_is_accepted_with_the_workbook_that_the_chart_was_made_from() {
    let show = office(SHOW, "ppt/presentation.xml", "", &chart("ppt", &workbook(&[])));
    assert_eq!(inspect(&show, Kind::Pptx), Ok(()));
    assert_eq!(inspect(&word("", &chart("word", &workbook(&[]))), Kind::Docx), Ok(()));
}

#[test]
fn a_workbook_of_a_chart_is_inspected_like_any_other_and_is_the_last_file_in_there() {
    let with = |workbook: &[u8]| word("", &chart("word", workbook));
    refused(&with(&workbook(&[stored("xl/vbaProject.bin", b"x")])), Reason::Macros);
    refused(&with(&workbook(&[stored("xl/embeddings/a.bin", b"x")])), Reason::EmbeddedFile);
    refused(&with(&workbook(&chart("xl", &workbook(&[])))), Reason::ArchiveContent);
    refused(&with(&workbook(&chart("ppt", &workbook(&[])))), Reason::ArchiveContent);
    let link = relation("image", "https://example.com/a.png", "External");
    refused(&with(&office(SHEET, "xl/workbook.xml", &link, &[])), Reason::ExternalContent);
    for other in [b"MZ\x90\0".as_slice(), b"", b"<html>", &word("", &[]), &pdf(&[], |_| {})] {
        let refusal = inspect(&with(other), Kind::Docx);
        let reasons = [Reason::EmbeddedFile, Reason::TypeMismatch, Reason::Polyglot];
        assert!(refusal.is_err_and(|reason| reasons.contains(&reason)), "{refusal:?}");
    }
}

/// Whatever else leads to it could open it as a file of its own.
#[test]
fn a_workbook_in_a_document_that_is_no_chart_s_is_refused() {
    let [relations, sheet] = chart("word", &workbook(&[]));
    refused(&word("", std::slice::from_ref(&sheet)), Reason::EmbeddedFile);
    let as_object = Entry { name: b"word/_rels/document.xml.rels".to_vec(), ..relations.clone() };
    refused(&word("", &[as_object.clone(), sheet.clone()]), Reason::EmbeddedFile);
    refused(&word("", &[relations.clone(), as_object, sheet.clone()]), Reason::EmbeddedFile);
    let elsewhere = Entry { name: b"word/media/a.xlsx".to_vec(), ..sheet.clone() };
    refused(&word("", &[relations.clone(), elsewhere]), Reason::ArchiveContent);
    for (target, mode) in [
        ("../embeddings/../a.xlsx", "Internal"),
        ("../embeddings/a/Microsoft_Excel_Sheet1.xlsx", "Internal"),
        ("../embeddings/Microsoft_Excel_Sheet1.xlsm", "Internal"),
        ("https://example.com/Microsoft_Excel_Sheet1.xlsx", "External"),
        ("../embeddings/Microsoft_Excel_Sheet1.xlsx", "External"),
    ] {
        let part = format!("<Relationships>{}</Relationships>", relation("package", target, mode));
        let part = deflated("word/charts/_rels/chart1.xml.rels", part.as_bytes());
        refused(&word("", &[part, sheet.clone()]), Reason::EmbeddedFile);
    }
    // Excel's own charts have no workbook but the one that they are in.
    let sheet_in_sheet = workbook(&chart("xl", &workbook(&[])));
    assert_eq!(inspect(&sheet_in_sheet, Kind::Xlsx), Err(Reason::ArchiveContent));
}

#[test]
fn xml_that_could_name_other_files_is_not_read() {
    // Behind the first kilobyte, where a browser would look for a page.
    let first = stored("word/media/a.emf", &[1; 1100]);
    let with =
        |part: &str| word("", &[first.clone(), deflated("word/_rels/document.xml.rels", part.as_bytes())]);
    refused(
        &with(r#"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Relationships/>"#),
        Reason::Unreadable,
    );
    refused(&with("<Relationships"), Reason::Unreadable);
    assert_eq!(inspect(&with("\u{feff}<Relationships/>"), Kind::Docx), Ok(()));
}

#[test]
fn a_document_is_what_its_main_part_is_and_has_one() {
    let sheet = office(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "word/document.xml",
        "",
        &[],
    );
    refused(&sheet, Reason::TypeMismatch);
    let as_default = office("x", "word/document.xml", "", &[]);
    let text = String::from_utf8_lossy(&as_default).into_owned();
    assert!(!text.contains(WORD_MAIN));
    refused(&as_default, Reason::TypeMismatch);
}

fn action(kind: &str) -> Object {
    Object::Dictionary(
        dictionary! { "S" => Object::Name(kind.into()), "JS" => Object::string_literal("x()") },
    )
}

fn add(document: &mut lopdf::Document, object: impl Into<Object>) {
    document.add_object(object);
}

#[track_caller]
fn refused_pdf(file: &[u8], reason: Reason) {
    assert_eq!(inspect(file, Kind::Pdf), Err(reason));
}

#[test]
fn a_pdf_that_does_something_is_refused_and_one_with_links_is_not() {
    refused_pdf(&pdf(&[("OpenAction", action("JavaScript"))], |_| {}), Reason::ActiveContent);
    for kind in ["Launch", "SubmitForm", "ImportData", "GoToR", "GoToE", "Rendition"] {
        let action = dictionary! { "S" => Object::Name(kind.into()) };
        refused_pdf(&pdf(&[("OpenAction", action.into())], |_| {}), Reason::ActiveContent);
    }
    let additional = dictionary! { "WC" => dictionary! { "S" => "GoTo" } };
    refused_pdf(&pdf(&[("AA", additional.into())], |_| {}), Reason::ActiveContent);
    let link = dictionary! { "S" => "URI", "URI" => Object::string_literal("https://example.com/") };
    assert_eq!(inspect(&pdf(&[("OpenAction", link.into())], |_| {}), Kind::Pdf), Ok(()));
}

#[test]
fn a_script_is_found_in_an_array_in_a_stream_s_dictionary_and_in_an_object_that_nobody_refers_to() {
    let nested = (0..40).fold(action("GoTo"), |inner, _| Object::Array(vec![inner]));
    refused_pdf(&pdf(&[("Names", nested)], |_| {}), Reason::ActiveContent);
    let stream = Stream::new(dictionary! { "A" => action("GoTo") }, vec![]);
    refused_pdf(&pdf(&[], |document| add(document, stream)), Reason::ActiveContent);
    let lonely = pdf(&[], |document| add(document, action("GoTo")));
    refused_pdf(&lonely, Reason::ActiveContent);
}

/// Objects in a compressed stream are not found by a search for their names.
#[test]
fn a_script_is_found_in_a_compressed_stream_of_objects() {
    let mut document =
        lopdf::Document::load_mem(&pdf(&[("Q", Object::string_literal("a".repeat(4000)))], |_| {})).unwrap();
    let script = document.add_object(action("JavaScript"));
    document.catalog_mut().unwrap().set("OpenAction", script);
    document.reference_table.cross_reference_type = XrefType::CrossReferenceStream;
    let mut file = Vec::new();
    let options = lopdf::SaveOptions::builder()
        .use_object_streams(true)
        .use_xref_streams(true)
        .compression_level(9)
        .build();
    document.save_with_options(&mut file, options).unwrap();
    assert!(memchr::memmem::find(&file, b"JavaScript").is_none(), "it is not compressed");
    refused_pdf(&file, Reason::ActiveContent);
}

/// A table of objects that does not mention an object hides it from a reader that believes it, and from no other.
#[test]
fn a_name_is_found_in_another_spelling_and_outside_of_the_table() {
    let file = pdf(&[], |_| {});
    let at = memchr::memmem::find(&file, b"xref").unwrap();
    for hidden in [
        "99 0 obj\n<</S/Java#53cript>>\nendobj\n",
        "99 0 obj\n<</#4aavaScript 1>>\nendobj\n",
        "99 0 obj\n<</Launch 1>>\nendobj\n",
    ] {
        let edited = [&file[..at], hidden.as_bytes(), &file[at..]].concat();
        assert!(inspect(&edited, Kind::Pdf).is_err(), "{hidden}");
    }
}

/// Names too short to be looked for in the open: only a reader that ignores the table finds their object.
#[test]
fn an_object_that_the_table_does_not_mention_is_read_all_the_same() {
    let file = pdf(&[], |_| {});
    let at = memchr::memmem::find(&file, b"startxref").unwrap();
    for hidden in ["99 0 obj\n<</AA 1>>\nendobj\n", "99 0 obj\n<</S/GoTo/JS(x)>>\nendobj\n"] {
        let edited = [&file[..at], hidden.as_bytes(), &file[at..]].concat();
        refused_pdf(&edited, Reason::ActiveContent);
    }
}

#[test]
fn a_pdf_with_files_in_it_or_that_nobody_can_read_is_refused() {
    let embedded = |document: &mut lopdf::Document| {
        add(document, Stream::new(dictionary! { "Type" => "EmbeddedFile" }, b"x".to_vec()));
    };
    refused_pdf(&pdf(&[], embedded), Reason::EmbeddedFile);
    refused_pdf(&pdf(&[("Names", dictionary! { "EF" => 1 }.into())], |_| {}), Reason::EmbeddedFile);
    let file = pdf(&[], |document| document.trailer.set("Encrypt", dictionary! { "Filter" => "Standard" }));
    refused_pdf(&file, Reason::Encrypted);
    let honest = pdf(&[], |_| {});
    for length in 0..honest.len() - 1 {
        assert!(inspect(&honest[..length], Kind::Pdf).is_err(), "{length} bytes");
    }
}
