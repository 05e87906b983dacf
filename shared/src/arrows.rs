//! The arrows between the modules of this crate run one way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the ground up: a module imports those before it, and none after it. So there is no circle.
const FLOORS: [&str; 28] = [
    "domain",
    "entropy",
    "mails",
    "patience",
    "retry",
    "messages",
    "letters",
    "telemetry",
    "runtime",
    "settings",
    "aws",
    "keys",
    "webauthn",
    "store",
    "passwords",
    "password_policy",
    "flow_error",
    "rules_cache",
    "journal",
    "gate",
    "service",
    "flows",
    "http",
    "authorizer",
    "relay",
    "send_mail",
    "rotation",
    "config",
];

/// The one module above all of them.
const ROOF: &str = "app";

fn floor(module: &str) -> usize {
    if module == ROOF {
        return FLOORS.len();
    }
    let floor = FLOORS.iter().position(|known| *known == module);
    floor.unwrap_or_else(|| panic!("on which floor is the module {module}?"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The modules that a text names after `crate::`, alone or in braces.
fn imports(text: &str) -> BTreeSet<String> {
    named(text, "crate::").map(module).filter(|word| !word.is_empty()).collect()
}

/// The paths that stand after a word, alone or in braces.
fn named<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(word).flat_map(move |(at, _)| paths(&text[at + word.len()..]))
}

/// One path, or those that stand in braces.
fn paths(text: &str) -> Vec<&str> {
    let Some(inside) = text.strip_prefix('{') else { return vec![text] };
    let (mut found, mut depth, mut begun) = (Vec::new(), 1, 0);
    for (at, sign) in inside.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (sign == ',' && depth == 1) {
            found.push(inside[begun..at].trim());
            begun = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The module, where a path begins with one: types are written in capitals.
fn module(path: &str) -> String {
    path.chars().take_while(|sign| sign.is_ascii_lowercase() || *sign == '_').collect()
}

/// What a file ships, without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.split("#[cfg(test)]").next().unwrap();
    let code: Vec<_> = shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    code.join("\n")
}

#[test]
fn no_module_imports_one_above_it_so_there_is_no_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut upwards = Vec::new();
    for path in all {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let module = name.split(['/', '.']).next().unwrap();
        if ["lib", "arrows"].contains(&module) || name.contains("test") {
            continue;
        }
        for imported in imports(&code(&path)) {
            if imported != module && floor(&imported) >= floor(module) {
                upwards.push(format!("{name} imports {imported}"));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

/// The name that a text begins with.
fn word(text: &str) -> String {
    text.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect()
}

/// The file of the store that a name is of: its own, or a type's that `mod.rs` hands on.
fn homes(map: &str) -> BTreeMap<String, String> {
    let mut homes: BTreeMap<_, _> = named(map, "\nmod ").map(|file| (word(file), word(file))).collect();
    for handed_on in named(map, "\npub use ") {
        let (file, names) = handed_on.split_once("::").unwrap();
        homes.extend(paths(names).into_iter().map(|name| (word(name), file.to_owned())));
    }
    homes
}

#[test]
fn no_file_of_the_store_uses_one_that_uses_it_by_whatever_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let homes = homes(&code(&folder.join("mod.rs")));
    let mut uses = BTreeMap::new();
    for file in homes.values() {
        let text = code(&folder.join(format!("{file}.rs")));
        let used = named(&text, "super::").filter_map(|path| homes.get(&word(path)));
        uses.insert(file, used.filter(|used| *used != file).collect::<BTreeSet<_>>());
    }
    // Who uses nobody is in no circle, and neither is whom nobody uses.
    while let Some(free) = uses
        .keys()
        .copied()
        .find(|file| uses[file].is_empty() || !uses.values().any(|used| used.contains(file)))
    {
        uses.remove(free);
        for used in uses.values_mut() {
            used.remove(free);
        }
    }
    assert!(uses.is_empty(), "{uses:#?}");
}

#[test]
fn imports_are_read_alone_and_in_braces() {
    let text = "use crate::{\n    domain::{ids::UserId, moment::Moment},\n    entropy,\n    keys::Token,\n};\nlet x = crate::store::y;";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["domain", "entropy", "keys", "store"]);
}
