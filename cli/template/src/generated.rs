//! `GenerateSecretString`, with the defaults that it has on AWS.

use serde_json::Value;

use super::Generated;
use super::scalar::scalar_text;

pub(super) fn generated(how: &Value) -> Result<Generated, String> {
    let text = |name: &str| how.get(name).and_then(scalar_text);
    let on = |name: &str, default: bool| text(name).map_or(default, |value| value == "true");
    let template = match (text("SecretStringTemplate"), text("GenerateStringKey")) {
        (Some(template), Some(key)) => Some((template, key)),
        (None, None) => None,
        _ => return Err("SecretStringTemplate and GenerateStringKey belong together".to_owned()),
    };
    let excluded = text("ExcludeCharacters").unwrap_or_default();
    let class = |characters: &str, excluded_by: &str, default: bool| -> Vec<char> {
        let kept = characters.chars().filter(|character| !excluded.contains(*character));
        if on(excluded_by, default) { Vec::new() } else { kept.collect() }
    };
    let mut classes = vec![
        class("abcdefghijklmnopqrstuvwxyz", "ExcludeLowercase", false),
        class("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ExcludeUppercase", false),
        class("0123456789", "ExcludeNumbers", false),
        class("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "ExcludePunctuation", false),
    ];
    if on("IncludeSpace", false) {
        classes.push(vec![' ']);
    }
    classes.retain(|class| !class.is_empty());
    let length = text("PasswordLength").map_or(Ok(32), |text| text.parse());
    let length = length.map_err(|_| "PasswordLength is not a whole number".to_owned())?;
    if classes.is_empty() || length < classes.len() || length > 4096 {
        return Err("no secret can be generated that way".to_owned());
    }
    Ok(Generated { template, length, classes, require_each: on("RequireEachIncludedType", true) })
}
