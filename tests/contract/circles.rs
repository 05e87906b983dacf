//! No module of a package uses one that uses it, by whatever way: what a part of a module uses, the module uses. A module and its own
//! parts may use each other: they are one thing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex_lite::Regex;

use nova_test_support::workspace;

/// A module, by its path: `store::session` is `["store", "session"]`.
type Module = Vec<String>;

/// Where packages have their code.
const PACKAGES: [&str; 13] = [
    "shared/src",
    "shared/domain/src",
    "shared/uploads/src",
    "cli/src",
    "cli/local/src",
    "cli/objects/src",
    "cli/template/src",
    "tests/consumer/notes/src",
    "tests/contract",
    "tests/protocol",
    "tests/soak/src",
    "tests/support/src",
    "tests/system",
];

/// The modules beneath a folder, each with its code: no comments, and no tests within it.
fn modules(folder: &Path) -> BTreeMap<Module, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.insert(module(folder, &path), code(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn module(folder: &Path, file: &Path) -> Module {
    let name = file.strip_prefix(folder).unwrap().with_extension("");
    let mut parts: Module = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn code(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]").next().unwrap();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The paths of an import, which may have braces in braces.
fn paths(import: &str) -> Vec<String> {
    let Some((head, rest)) = import.split_once('{') else {
        return vec![import.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for sign in inside.chars() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(sign);
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(paths).map(|path| format!("{}{path}", head.trim())).collect()
}

/// The modules that one uses.
fn used(own: &Module, code: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let imports = Regex::new(r"\buse ([^;]+);").unwrap();
    let inline = Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap();
    let imported = imports.captures_iter(code).flat_map(|found| paths(&found[1]));
    let named = inline.find_iter(code).map(|found| found.as_str().to_owned());
    let is_a_relation = |other: &Module| own.starts_with(other) || other.starts_with(own);
    let found = imported.chain(named).filter_map(|path| meant(own, &path, all));
    found.filter(|other| !is_a_relation(other)).collect()
}

/// The module that a path leads into, as far as it is made of modules.
fn meant(own: &Module, path: &str, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts: Vec<_> = path.split("::").map(str::to_owned).collect();
    let mut at = own.clone();
    match parts.first()?.as_str() {
        "crate" => at.clear(),
        "super" | "self" => {}
        first if all.contains_key(&[own.clone(), vec![first.to_owned()]].concat()) => {
            parts.insert(0, "self".to_owned());
        }
        _ => return None,
    }
    let supers = parts.iter().take_while(|part| *part == "super").count();
    at.truncate(at.len().saturating_sub(supers));
    for part in parts.into_iter().skip(supers.max(1)) {
        at.push(part);
        if !all.contains_key(&at) {
            at.pop();
            break;
        }
    }
    Some(at)
}

/// A module, and those that it is a part of; not the package, which all of them are.
fn wholes(of: &Module) -> impl Iterator<Item = Module> {
    (1..=of.len()).map(|parts| of[..parts].to_vec())
}

/// What is left when everybody has gone who uses nobody, or whom nobody uses: the circles, and what lies between two of them.
fn circles(all: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut uses = BTreeMap::<Module, BTreeSet<Module>>::new();
    for (own, code) in all {
        // What a part uses, its module uses; and who uses a part, uses its module.
        let used = used(own, code, all);
        for (own, used) in
            wholes(own).flat_map(|own| used.iter().flat_map(wholes).map(move |used| (own.clone(), used)))
        {
            let uses = uses.entry(own.clone()).or_default();
            if !own.starts_with(&used) && !used.starts_with(&own) {
                uses.insert(used);
            }
        }
        uses.entry(own.clone()).or_default();
    }
    let is_free = |uses: &BTreeMap<Module, BTreeSet<Module>>, own: &Module| {
        uses[own].is_empty() || !uses.values().any(|used| used.contains(own))
    };
    while let Some(free) = uses.keys().find(|own| is_free(&uses, own)).cloned() {
        uses.remove(&free);
        for used in uses.values_mut() {
            used.remove(&free);
        }
    }
    uses
}

#[test]
fn no_file_uses_one_that_uses_it() {
    for package in PACKAGES {
        let mut all = modules(&workspace().join(package));
        // The tests of a module know all of it.
        all.retain(|own, _| package.starts_with("tests/") || !own.iter().any(|part| part.contains("test")));
        assert!(all.len() > 1, "{package}");
        let circles = circles(&all);
        assert!(circles.is_empty(), "{package}: {circles:#?}");
    }
}

#[test]
fn a_circle_is_found_whichever_way_its_files_name_each_other() {
    let package = |files: &[(&str, &str)]| {
        let module =
            |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        files.iter().map(|(name, text)| (module(name), code(text))).collect::<BTreeMap<Module, _>>()
    };
    let root = ("", "mod a; mod b; mod c;");
    let a = ("a", "use crate::{b::{B, d}, other};");
    for back in [
        "use super::a::A;",
        "use crate::{\n    x,\n    a::{A, C},\n};",
        "fn f() -> crate::a::A {}",
        "use super::c;",
    ] {
        let c = ("c", if back.contains("super::c") { "use super::a;" } else { "" });
        let found = circles(&package(&[root, a, ("b", back), c]));
        assert!(found.contains_key(&vec!["a".to_owned()]), "{back}");
    }
    for harmless in ["", "// use super::a::A;", "use a::A;", "#[cfg(test)]\nmod tests { use crate::a; }"] {
        assert!(
            circles(&package(&[root, a, ("b", harmless), ("c", "use super::a;")])).is_empty(),
            "{harmless}"
        );
    }
    let parts = package(&[root, ("a", "mod d; use d::D;"), ("a::d", "use super::A;")]);
    assert!(circles(&parts).is_empty(), "a module and its part are one thing");
    let by_a_part =
        package(&[root, ("a", "mod d;"), ("a::d", "use crate::b::B;"), ("b", "use crate::a::A;")]);
    assert!(circles(&by_a_part).contains_key(&vec!["a".to_owned()]), "what a part uses, its module uses");
}
