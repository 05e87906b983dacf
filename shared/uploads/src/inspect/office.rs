//! Word, Excel and PowerPoint: an archive, and what its parts say of each other.
//!
//! What a document loads, embeds or runs is named in its content types and relations, which are small. The text itself is
//! not read.
//!
//! One kind of file may be in a document: the workbook that a chart was made from, which Word and PowerPoint put into each document
//! with a chart. It is inspected like any workbook, and has no further file in it.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::{archive::Archive, signatures};
use crate::{kind::Kind, reason::Reason};

/// The largest part that is read.
const LARGEST_PART: u64 = 1024 * 1024;

/// The most bytes of all parts that are read.
const MOST_READ: usize = 16 * 1024 * 1024;

/// The most XML nodes of one part.
const MOST_NODES: u32 = 100_000;

/// The largest workbook of a chart.
const LARGEST_WORKBOOK: u64 = 8 * 1024 * 1024;

pub(super) fn check(file: &[u8], declared: Kind) -> Result<(), Reason> {
    document(file, declared, !matches!(declared, Kind::Xlsx))
}

fn document(file: &[u8], declared: Kind, may_have_workbooks: bool) -> Result<(), Reason> {
    let is_workbook = |name: &str| may_have_workbooks && is_workbook(name);
    let archive = Archive::read_but(file, is_workbook)?;
    let names = archive.written_names()?;
    let (workbooks, others): (Vec<_>, Vec<_>) =
        names.iter().map(|name| (name, name.to_lowercase())).partition(|(_, lower)| is_workbook(lower));
    others.iter().try_for_each(|(_, lower)| by_name(lower))?;
    let types = archive.part("[Content_Types].xml", LARGEST_PART)?.ok_or(Reason::TypeMismatch)?;
    content_types(&types, declared)?;
    let (mut read, mut of_charts) = (types.len(), BTreeSet::new());
    for (name, lower) in others.iter().filter(|(_, lower)| lower.ends_with(".rels")) {
        let part = archive.part(name, LARGEST_PART)?.ok_or(Reason::ArchiveBroken)?;
        read += part.len();
        if read > MOST_READ {
            return Err(Reason::ArchiveTooLarge);
        }
        relations(&part, lower, &mut of_charts)?;
    }
    for (name, lower) in &workbooks {
        let workbook = archive.part(name, LARGEST_WORKBOOK)?.ok_or(Reason::ArchiveBroken)?;
        read += workbook.len();
        if read > MOST_READ {
            return Err(Reason::ArchiveTooLarge);
        }
        if !of_charts.contains(lower) || signatures::only(&workbook, Kind::Xlsx).is_err() {
            return Err(Reason::EmbeddedFile);
        }
        document(&workbook, Kind::Xlsx, false)?;
    }
    Ok(())
}

/// Where Word and PowerPoint put the workbooks of charts.
fn is_workbook(name: &str) -> bool {
    let file = ["word/embeddings/", "ppt/embeddings/"].iter().find_map(|folder| name.strip_prefix(folder));
    file.is_some_and(|file| !file.contains('/') && file.ends_with(".xlsx"))
}

/// The workbook that a chart's relation leads to, by the name of the part that the relation is in. Only as offices write it.
fn workbook(relations: &str, target: &str) -> Option<String> {
    let (root, of) = relations.split_once("/charts/_rels/")?;
    let file = target.strip_prefix("../embeddings/")?;
    let name = format!("{root}/embeddings/{file}");
    (!of.contains('/') && is_workbook(&name)).then_some(name)
}

fn by_name(name: &str) -> Result<(), Reason> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let is_in = |wanted: &str| folder.split('/').any(|part| part == wanted);
    if file.contains("vbaproject") || file.contains("vbadata") || is_in("macrosheets") {
        Err(Reason::Macros)
    } else if is_in("embeddings") {
        Err(Reason::EmbeddedFile)
    } else if is_in("activex") || is_in("ctrlprops") {
        Err(Reason::ActiveContent)
    } else {
        Ok(())
    }
}

/// The type of the main part, of a document without macros.
const fn main_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
        Kind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        _ => "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    }
}

fn content_types(part: &[u8], declared: Kind) -> Result<(), Reason> {
    let document = xml(part)?;
    let mut mains = 0;
    for node in elements(&document) {
        let Some(kind) = node.attribute("ContentType") else { continue };
        let lower = kind.to_ascii_lowercase();
        if ["macroenabled", "vbaproject", "vbadata", "intlmacrosheet"].iter().any(|word| lower.contains(word))
        {
            return Err(Reason::Macros);
        }
        if ["activex", "controlproperties"].iter().any(|word| lower.contains(word)) {
            return Err(Reason::ActiveContent);
        }
        if ["oleobject", "vnd.ms-package", "text/html", "mhtml", "message/rfc822"]
            .iter()
            .any(|word| lower.contains(word))
        {
            return Err(Reason::EmbeddedFile);
        }
        mains += usize::from(kind == main_type(declared) && node.tag_name().name() == "Override");
    }
    if mains == 1 { Ok(()) } else { Err(Reason::TypeMismatch) }
}

/// Looks at the relations of a part, and notes the workbooks of charts.
fn relations(part: &[u8], name: &str, of_charts: &mut BTreeSet<String>) -> Result<(), Reason> {
    let document = xml(part)?;
    for node in elements(&document).filter(|node| node.tag_name().name() == "Relationship") {
        match of_chart(node, name) {
            Some(workbook) => drop(of_charts.insert(workbook)),
            None => relation(node)?,
        }
    }
    Ok(())
}

fn of_chart(node: Node<'_, '_>, relations: &str) -> Option<String> {
    const KIND: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/package";
    let is_inside = matches!(node.attribute("TargetMode"), None | Some("Internal"));
    let target = node.attribute("Target").filter(|_| is_inside && node.attribute("Type") == Some(KIND))?;
    workbook(relations, &target.to_lowercase())
}

fn relation(node: Node<'_, '_>) -> Result<(), Reason> {
    let attribute = |name| node.attribute(name).unwrap_or_default();
    let (kind, target) = (attribute("Type"), attribute("Target").trim().to_ascii_lowercase());
    let kind = kind.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "vbaproject" | "wordvbadata" | "xlmacrosheet" | "xlintlmacrosheet" => return Err(Reason::Macros),
        "oleobject" | "package" | "afchunk" | "subdocument" => return Err(Reason::EmbeddedFile),
        "control" | "activexcontrolbinary" | "ctrlprop" => return Err(Reason::ActiveContent),
        "attachedtemplate" | "frame" => return Err(Reason::ExternalContent),
        _ => {}
    }
    let is_outside = !attribute("TargetMode").is_empty() && attribute("TargetMode") != "Internal";
    if !is_outside {
        // A target within the package is a path: with a scheme or a host it is something else.
        let is_path = !target.contains(':') && !target.starts_with("//") && !target.starts_with('\\');
        return if is_path { Ok(()) } else { Err(Reason::ExternalContent) };
    }
    // A link waits for a click. Everything else is loaded when the document is opened.
    let is_link = kind == "hyperlink";
    let leads_to_a_page = ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme));
    if is_link && leads_to_a_page { Ok(()) } else { Err(Reason::ExternalContent) }
}

/// XML in UTF-8, without a document type: an office writes no other.
fn xml(part: &[u8]) -> Result<Document<'_>, Reason> {
    let text = std::str::from_utf8(part).map_err(|_| Reason::Unreadable)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|_| Reason::Unreadable)
}

fn elements<'d>(document: &'d Document<'_>) -> impl Iterator<Item = Node<'d, 'd>> {
    document.root_element().descendants().filter(Node::is_element)
}
