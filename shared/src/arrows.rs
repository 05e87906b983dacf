//! The arrows between the modules of this crate run one way.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// From the ground up: a module imports those before it, and none after it. So there is no circle.
const FLOORS: [&str; 27] = [
    "domain",
    "entropy",
    "mails",
    "patience",
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
    let after = text.match_indices("crate::").map(|(at, word)| &text[at + word.len()..]);
    after.flat_map(paths).map(first_word).filter(|word| !word.is_empty()).collect()
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
fn first_word(path: &str) -> String {
    path.chars().take_while(|sign| sign.is_ascii_lowercase() || *sign == '_').collect()
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
        let text = fs::read_to_string(&path).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<_> = shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for imported in imports(&code.join("\n")) {
            if imported != module && floor(&imported) >= floor(module) {
                upwards.push(format!("{name} imports {imported}"));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

#[test]
fn imports_are_read_alone_and_in_braces() {
    let text = "use crate::{\n    domain::{ids::UserId, moment::Moment},\n    entropy,\n    keys::Token,\n};\nlet x = crate::store::y;";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["domain", "entropy", "keys", "store"]);
}
