//! The YAML that people write, with its lines.
//!
//! ```yaml
//! - purpose: avatar
//!   types: [image/png, image/jpeg, image/webp]     # by content, not by name
//!   up-to: 2 MiB
//!   per-user: 20 files and 20 MiB a day
//!   metadata: refuse                              # pictures only; without it, metadata stays
//! ```

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use nova_auth_domain::rules::file::FileFault;

use super::{LARGEST_BYTES, MOST_A_DAY, Metadata, Purpose, Rules};
use crate::kind::Kind;

/// The most purposes of one file.
const MAX_PURPOSES: usize = 32;

/// What a rule can't lack, each with an example.
const NEEDED: [(&str, &str); 4] = [
    ("purpose", "avatar"),
    ("types", "[image/png]"),
    ("up-to", "2 MiB"),
    ("per-user", "20 files and 20 MiB a day"),
];

/// The longest name of a purpose: it is part of a key.
const MAX_NAME: usize = 32;

/// Reads a file of rules.
///
/// # Errors
/// Every fault of every rule.
pub fn read(text: &str) -> Result<Rules, Vec<FileFault>> {
    let mut reader = Reader { lines: text.lines().collect(), faults: Vec::new() };
    let documents = match MarkedYaml::load_from_str(text) {
        Ok(documents) => documents,
        Err(error) => {
            reader.fault(error.marker().line(), error.info().to_owned(), "invalid YAML");
            return Err(reader.faults);
        }
    };
    let rules = match documents.as_slice() {
        [document] => reader.rules(document),
        _ => {
            reader.fault(1, "the file is empty, or has several documents", "write one list of purposes");
            Vec::new()
        }
    };
    if reader.faults.is_empty() { Ok(Rules(rules)) } else { Err(reader.faults) }
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    faults: Vec<FileFault>,
}

#[derive(Default)]
struct Draft {
    purpose: Option<String>,
    types: BTreeSet<Kind>,
    max_bytes: Option<u64>,
    quota: Option<(u32, u64)>,
    metadata: Metadata,
}

impl Reader<'_> {
    fn fault(&mut self, line: usize, problem: impl Into<String>, remedy: impl Into<String>) {
        let text = line.checked_sub(1).and_then(|at| self.lines.get(at)).copied().unwrap_or_default();
        let text = text.to_owned();
        self.faults.push(FileFault { line, text, problem: problem.into(), remedy: remedy.into() });
    }

    fn rules(&mut self, document: &MarkedYaml<'_>) -> Vec<Purpose> {
        let YamlData::Sequence(entries) = &document.data else {
            self.fault(line(document), "the file is not a list", "begin each rule with `- purpose: avatar`");
            return Vec::new();
        };
        if entries.len() > MAX_PURPOSES {
            self.fault(
                line(document),
                format!("there are more than {MAX_PURPOSES} purposes"),
                "join some of them",
            );
        }
        let mut rules: Vec<Purpose> = Vec::new();
        for entry in entries {
            let Some(rule) = self.rule(entry) else { continue };
            if rules.iter().any(|other| other.purpose == rule.purpose) {
                let problem = format!("`{}` is there twice", rule.purpose);
                self.fault(line(entry), problem, "give each purpose one rule");
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, entry: &MarkedYaml<'_>) -> Option<Purpose> {
        let YamlData::Mapping(members) = &entry.data else {
            self.fault(
                line(entry),
                "a rule is a mapping",
                "write `- purpose: avatar`, and its limits below it",
            );
            return None;
        };
        let mut draft = Draft::default();
        for (key, value) in members {
            match text(key).as_deref() {
                Some("purpose") => draft.purpose = self.name(value),
                Some("types") => draft.types = self.types(value),
                Some("up-to") => draft.max_bytes = self.max_bytes(value),
                Some("per-user") => draft.quota = self.quota(value),
                Some("metadata") => draft.metadata = self.metadata(value),
                other => self.unknown_key(line(key), other.unwrap_or("?")),
            }
        }
        for (key, example) in NEEDED {
            if !members.iter().any(|(name, _)| text(name).as_deref() == Some(key)) {
                self.fault(line(entry), format!("`{key}` is missing"), format!("add `{key}: {example}`"));
            }
        }
        if draft.metadata == Metadata::Refuse && !draft.types.iter().all(|kind| kind.is_picture()) {
            let remedy = "give pictures a purpose of their own, or take `metadata` out";
            self.fault(line(entry), "metadata can be refused in pictures only", remedy);
        }
        let (max_bytes, (files_a_day, bytes_a_day)) = (draft.max_bytes?, draft.quota?);
        if bytes_a_day < max_bytes {
            self.fault(
                line(entry),
                "one file may be larger than all files of a day together",
                "raise the bytes of `per-user`, or lower `up-to`",
            );
        }
        let Draft { types, metadata, .. } = draft;
        Some(Purpose { purpose: draft.purpose?, types, max_bytes, files_a_day, bytes_a_day, metadata })
    }

    fn unknown_key(&mut self, line: usize, key: &str) {
        let remedy = match key {
            "bytes" | "size" | "max" => "write `up-to: 2 MiB`",
            "type" => "write `types: [image/png]`",
            "quota" => "write `per-user: 20 files and 20 MiB a day`",
            "macros" => "take it out: documents with macros are always refused",
            _ => "a rule has purpose, types, up-to, per-user and metadata",
        };
        self.fault(line, format!("unknown key `{key}`"), remedy);
    }

    fn metadata(&mut self, value: &MarkedYaml<'_>) -> Metadata {
        let written = text(value).unwrap_or_default();
        Metadata::named(&written).unwrap_or_else(|| {
            let remedy = match written.as_str() {
                "strip" | "remove" => {
                    "files are not rewritten: write `metadata: refuse`, and strip it in the front end"
                }
                _ => "write `metadata: refuse`, or take it out",
            };
            self.fault(line(value), format!("`{written}` is neither keep nor refuse"), remedy);
            Metadata::Refuse
        })
    }

    fn name(&mut self, value: &MarkedYaml<'_>) -> Option<String> {
        let name = text(value).unwrap_or_default();
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_plain) {
            return Some(name);
        }
        let problem =
            format!("a purpose has up to {MAX_NAME} lower-case letters, digits, hyphens and underscores");
        self.fault(line(value), problem, "write for example `purpose: avatar`");
        None
    }

    fn types(&mut self, value: &MarkedYaml<'_>) -> BTreeSet<Kind> {
        let YamlData::Sequence(entries) = &value.data else {
            self.fault(line(value), "`types` is a list", "write it in brackets: `[image/png]`");
            return BTreeSet::new();
        };
        if entries.is_empty() {
            self.fault(line(value), "no type is allowed", "name at least one: `[image/png]`");
        }
        entries.iter().filter_map(|entry| self.kind(entry)).collect()
    }

    fn kind(&mut self, value: &MarkedYaml<'_>) -> Option<Kind> {
        let name = text(value).unwrap_or_default();
        let kind = Kind::named(&name);
        if kind.is_none() {
            let remedy = match name.as_str() {
                "image/svg+xml" => "SVG is a program: convert it to PNG before it is uploaded".to_owned(),
                "image/jpg" => "write `image/jpeg`".to_owned(),
                _ => format!("one of: {}", Kind::ALL.map(Kind::name).join(", ")),
            };
            self.fault(line(value), format!("`{name}` is not a type that can be inspected"), remedy);
        }
        kind
    }

    fn max_bytes(&mut self, value: &MarkedYaml<'_>) -> Option<u64> {
        let written = text(value).unwrap_or_default();
        match bytes(&written) {
            Some(bytes) if (1..=LARGEST_BYTES).contains(&bytes) => Some(bytes),
            Some(_) => {
                self.fault(line(value), "a file has 1 byte to 32 MiB", "write for example `up-to: 2 MiB`");
                None
            }
            None => {
                self.fault(
                    line(value),
                    format!("`{written}` is not a size"),
                    "write for example `up-to: 2 MiB`",
                );
                None
            }
        }
    }

    fn quota(&mut self, value: &MarkedYaml<'_>) -> Option<(u32, u64)> {
        let written = text(value).unwrap_or_default();
        let remedy = "write for example `per-user: 20 files and 20 MiB a day`";
        let Some((files, size)) = quota(&written) else {
            self.fault(line(value), format!("`{written}` is not a quota"), remedy);
            return None;
        };
        if !(1..=MOST_A_DAY).contains(&files) || size == 0 {
            self.fault(line(value), format!("a user has 1 to {MOST_A_DAY} files a day"), remedy);
            return None;
        }
        Some((files, size))
    }
}

/// `20 files and 20 MiB a day`
fn quota(text: &str) -> Option<(u32, u64)> {
    let (files, size) = text.strip_suffix(" a day")?.split_once(" and ")?;
    let files = files.strip_suffix(" files").or_else(|| files.strip_suffix(" file"))?;
    Some((whole(files)?.try_into().ok()?, bytes(size)?))
}

/// `2 MiB`
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit {
        "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        _ => return None,
    };
    whole(number)?.checked_mul(unit)
}

/// Digits alone: `u64::from_str` takes a plus sign too.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn line(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}

fn text(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
- purpose: avatar
  types: [image/png, image/jpeg]     # by content
  up-to: 2 MiB
  per-user: 20 files and 20 MiB a day
- purpose: document
  types: [application/pdf]
  up-to: 32 MiB
  per-user: 1 file and 1 GiB a day
";

    #[test]
    fn a_file_of_rules_is_read_and_stored_as_it_was_read() {
        let rules = read(SAMPLE).unwrap();
        let avatar = rules.purpose("avatar").unwrap();
        assert_eq!((avatar.max_bytes, avatar.files_a_day, avatar.bytes_a_day), (2 << 20, 20, 20 << 20));
        assert_eq!(avatar.types, BTreeSet::from([Kind::Png, Kind::Jpeg]));
        assert_eq!(rules.purpose("document").unwrap().bytes_a_day, 1 << 30);
        assert_eq!(rules.purpose("other"), None);
        let stored = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules);
    }

    #[test]
    fn metadata_is_refused_where_a_rule_says_so_and_rules_of_before_say_nothing() {
        let written = SAMPLE.replacen("  up-to: 2 MiB\n", "  up-to: 2 MiB\n  metadata: refuse\n", 1);
        let rules = read(&written).unwrap();
        let of = |rules: &Rules, name: &str| rules.purpose(name).unwrap().metadata;
        assert_eq!((of(&rules, "avatar"), of(&rules, "document")), (Metadata::Refuse, Metadata::Keep));
        let stored = serde_json::to_string(&rules).unwrap();
        let before = stored.replace(r#","metadata":"keep""#, "");
        assert!(before != stored);
        assert_eq!(serde_json::from_str::<Rules>(&before).unwrap(), rules);
    }

    #[test]
    fn a_limit_that_is_missing_or_none_is_refused_with_its_line() {
        for (key, written, line, remedy) in [
            ("up-to: 2 MiB", "up-to: 2", 3, "write for example `up-to: 2 MiB`"),
            ("up-to: 2 MiB", "up-to: +2 MiB", 3, "write for example `up-to: 2 MiB`"),
            ("up-to: 2 MiB", "up-to: 0 MiB", 3, "write for example `up-to: 2 MiB`"),
            ("up-to: 2 MiB", "up-to: 33 MiB", 3, "write for example `up-to: 2 MiB`"),
            ("up-to: 2 MiB", "up-to: 2 MB", 3, "write for example `up-to: 2 MiB`"),
            ("up-to: 2 MiB", "bytes: 2 MiB", 3, "write `up-to: 2 MiB`"),
            (
                "up-to: 2 MiB",
                "up-to: 2 MiB\n  metadata: strip",
                4,
                "files are not rewritten: write `metadata: refuse`, and strip it in the front end",
            ),
            ("up-to: 2 MiB", "metadata: [refuse]", 3, "write `metadata: refuse`, or take it out"),
            (
                "up-to: 32 MiB",
                "up-to: 32 MiB\n  metadata: refuse",
                5,
                "give pictures a purpose of their own, or take `metadata` out",
            ),
            ("up-to: 2 MiB", "macros: refuse", 3, "take it out: documents with macros are always refused"),
            (
                "[image/png, image/jpeg]",
                "[image/svg+xml]",
                2,
                "SVG is a program: convert it to PNG before it is uploaded",
            ),
            ("[image/png, image/jpeg]", "image/png", 2, "write it in brackets: `[image/png]`"),
            ("[image/png, image/jpeg]", "[]", 2, "name at least one: `[image/png]`"),
            ("purpose: avatar", "purpose: Avatar", 1, "write for example `purpose: avatar`"),
            ("purpose: avatar", "purpose: document", 5, "give each purpose one rule"),
            (
                "20 files and 20 MiB a day",
                "20 files",
                4,
                "write for example `per-user: 20 files and 20 MiB a day`",
            ),
            (
                "20 files and 20 MiB a day",
                "41 files and 20 MiB a day",
                4,
                "write for example `per-user: 20 files and 20 MiB a day`",
            ),
            (
                "20 files and 20 MiB a day",
                "20 files and 1 MiB a day",
                1,
                "raise the bytes of `per-user`, or lower `up-to`",
            ),
        ] {
            let faults = read(&SAMPLE.replacen(key, written, 1)).unwrap_err();
            assert!(
                faults.iter().any(|fault| fault.line == line && fault.remedy == remedy),
                "{written}: {faults:?}"
            );
        }
        let faults = read(&SAMPLE.replacen("  per-user: 20 files and 20 MiB a day\n", "", 1)).unwrap_err();
        assert_eq!(
            faults[0].to_string(),
            "line 1: `per-user` is missing\n    1 | - purpose: avatar\n      | add `per-user: 20 files and 20 MiB a day`"
        );
    }

    #[test]
    fn what_is_no_list_of_purposes_is_refused() {
        for file in ["", "a: b", "- 1", "- [", "---\n- purpose: a\n---\n- purpose: b\n"] {
            assert!(read(file).is_err(), "{file}");
        }
        let many: String = (0..33)
            .map(|n| SAMPLE.split("- purpose: document").next().unwrap().replace("avatar", &format!("p{n}")))
            .collect();
        assert_eq!(read(&many).unwrap_err()[0].problem, "there are more than 32 purposes");
    }
}
