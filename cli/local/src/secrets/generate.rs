//! The first value of a secret, as `GenerateSecretString` makes it.

use serde_json::Value;

use crate::random::{self, NoRandomness};
use nova_template::{Generated, Secret, SecretValue};

/// Why a secret has no first value.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is no randomness to make it of.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// `SecretStringTemplate` is no JSON object.
    #[error("the secret {0}: SecretStringTemplate is not a JSON object")]
    Template(String),
}

/// The first value of a secret; `None` for one that the template leaves empty.
pub(super) fn first_value(secret: &Secret) -> Result<Option<String>, GenerateError> {
    let how = match &secret.value {
        SecretValue::Given(value) => return Ok(Some(value.clone())),
        SecretValue::Empty => return Ok(None),
        SecretValue::Generated(how) => how,
    };
    let password = password(how)?;
    let Some((template, key)) = &how.template else { return Ok(Some(password)) };
    match serde_json::from_str(template) {
        Ok(Value::Object(mut object)) => {
            object.insert(key.clone(), Value::String(password));
            Ok(Some(Value::Object(object).to_string()))
        }
        _ => Err(GenerateError::Template(secret.name.clone())),
    }
}

fn password(how: &Generated) -> Result<String, NoRandomness> {
    let alphabet: Vec<char> = how.classes.iter().flatten().copied().collect();
    // Drawing again as a whole keeps every allowed password equally likely.
    loop {
        let mut password = String::new();
        while password.chars().count() < how.length {
            password.push(pick(&alphabet)?);
        }
        let has = |class: &Vec<char>| password.chars().any(|character| class.contains(&character));
        if !how.require_each || how.classes.iter().all(has) {
            return Ok(password);
        }
    }
}

/// One character, each equally likely: bytes beyond the last whole multiple of the alphabet are drawn again.
fn pick(alphabet: &[char]) -> Result<char, NoRandomness> {
    let fair = 256 - 256 % alphabet.len().max(1);
    loop {
        let [byte] = random::bytes::<1>()?;
        let drawn = usize::from(byte);
        if drawn < fair
            && let Some(character) = alphabet.get(drawn % alphabet.len().max(1))
        {
            return Ok(*character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(template: Option<(&str, &str)>) -> Secret {
        let how = Generated {
            template: template.map(|(text, key)| (text.to_owned(), key.to_owned())),
            length: 12,
            classes: vec![vec!['a', 'b'], vec!['7']],
            require_each: true,
        };
        Secret {
            name: "S".to_owned(),
            arn: "arn".to_owned(),
            value: SecretValue::Generated(how),
            rotation: None,
        }
    }

    #[test]
    fn a_generated_value_has_its_length_and_a_character_of_each_class() {
        let value = first_value(&secret(None)).unwrap().unwrap();
        assert_eq!(value.len(), 12);
        assert!(value.contains('7') && value.contains(['a', 'b']), "{value}");
        assert!(value.chars().all(|character| "ab7".contains(character)));
    }

    #[test]
    fn a_template_gets_the_value_under_its_key() {
        let value = first_value(&secret(Some((r#"{"kty":"oct"}"#, "k")))).unwrap().unwrap();
        let value: Value = serde_json::from_str(&value).unwrap();
        assert_eq!(value["kty"], "oct");
        assert_eq!(value["k"].as_str().unwrap().len(), 12);
    }

    #[test]
    fn a_template_that_is_no_object_names_its_secret() {
        let error = first_value(&secret(Some(("[", "k")))).unwrap_err();
        assert_eq!(error.to_string(), "the secret S: SecretStringTemplate is not a JSON object");
    }
}
