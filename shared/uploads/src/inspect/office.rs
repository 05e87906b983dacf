//! Word, Excel and PowerPoint: an archive, and what its parts say of each other.
//!
//! What a document loads, embeds or runs is named in its content types and relations, which are small. The text itself is
//! not read.

use roxmltree::{Document, Node, ParsingOptions};

use super::archive::Archive;
use crate::{kind::Kind, reason::Reason};

/// The largest part that is read.
const LARGEST_PART: u64 = 1024 * 1024;

/// The most bytes of all parts that are read.
const MOST_READ: usize = 16 * 1024 * 1024;

/// The most XML nodes of one part.
const MOST_NODES: u32 = 100_000;

pub(super) fn check(file: &[u8], declared: Kind) -> Result<(), Reason> {
    let archive = Archive::read(file)?;
    let names = archive.written_names()?;
    names.iter().try_for_each(|name| by_name(&name.to_ascii_lowercase()))?;
    let types = archive.part("[Content_Types].xml", LARGEST_PART)?.ok_or(Reason::TypeMismatch)?;
    content_types(&types, declared)?;
    let mut read = types.len();
    for name in names.iter().filter(|name| name.to_ascii_lowercase().ends_with(".rels")) {
        let part = archive.part(name, LARGEST_PART)?.ok_or(Reason::ArchiveBroken)?;
        read += part.len();
        if read > MOST_READ {
            return Err(Reason::ArchiveTooLarge);
        }
        relations(&part)?;
    }
    Ok(())
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

fn relations(part: &[u8]) -> Result<(), Reason> {
    let document = xml(part)?;
    elements(&document).filter(|node| node.tag_name().name() == "Relationship").try_for_each(relation)
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
