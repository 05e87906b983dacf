//! Lambda's 4 KB for all variables of a function together.

use serde_json::{Map, Value, json};

use super::{AUTH, entries, of_type, read};

/// Lambda measures the variables as one JSON object.
const LAMBDA_LIMIT: usize = 4_096;

/// The longest name of a stack.
const STACK_NAME: usize = 128;

/// The longest that a variable can be.
fn longest(template: &Value, value: &Value) -> usize {
    if let Some(choice) = value["Fn::If"].as_array() {
        return choice.iter().skip(1).map(|value| longest(template, value)).max().expect("a value");
    }
    let Some(name) = value["Ref"].as_str() else { return value.as_str().expect("a text").len() };
    // Up to four bytes each: a name may be in any script.
    if name == "MailName" {
        return 160;
    }
    let parameter = &template["Parameters"][name];
    let of = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).len();
    if let Some(words) = parameter["AllowedValues"].as_array() {
        return words.iter().map(of).max().expect("a word");
    }
    if parameter["Type"] == "Number" {
        return of(&parameter["MinValue"]).max(of(&parameter["MaxValue"]));
    }
    if !parameter.is_null() {
        // One that a pattern bounds: seconds, up to 300.
        let bounded = parameter["AllowedPattern"].as_str().is_some_and(|pattern| pattern.ends_with("|300"));
        let most = parameter["MaxLength"].as_u64().or(bounded.then_some(3));
        return usize::try_from(most.unwrap_or_else(|| panic!("{name} may be of any length")))
            .expect("a length");
    }
    match template["Resources"][name]["Type"].as_str() {
        None if name == "AWS::StackName" => STACK_NAME,
        // CloudFormation's own name: the stack's, the resource's, and twelve characters.
        Some("AWS::DynamoDB::Table") => STACK_NAME + name.len() + 14,
        // Its address has the account, the region and CloudFormation's name, which is 80 characters at most.
        Some("AWS::SQS::Queue") => 160,
        // Named by the stack.
        Some("AWS::Events::EventBus") => STACK_NAME + 7,
        // An ARN in the longest partition and region.
        Some("AWS::SecretsManager::Secret") => 128,
        _ => panic!("nobody knows how long {name} can be"),
    }
}

/// A deployment with more would fail half-way, or, worse, much later with the next variable.
#[test]
fn the_variables_of_every_function_fit_into_lambdas_4_kb_at_their_longest() {
    let template = read(AUTH);
    let global = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        let own = &function["Properties"]["Environment"]["Variables"];
        let variables: Map<String, Value> = entries(global)
            .chain(entries(own))
            .map(|(variable, value)| (variable.to_owned(), json!("x".repeat(longest(&template, value)))))
            .collect();
        let size = Value::Object(variables).to_string().len();
        assert!(size <= LAMBDA_LIMIT, "{name} can have {size} bytes: lower a MaxLength");
    }
}

/// The characters that JSON has to escape would make more of what `MaxLength` counts.
#[test]
fn no_value_grows_on_its_way_into_the_variables() {
    let template = read(AUTH);
    for parameter in [
        "TokenIssuer",
        "TokenIssuerAlso",
        "TokenAudience",
        "TrustedProxies",
        "AllowedOrigins",
        "AllowedHeaders",
    ] {
        let pattern = template["Parameters"][parameter]["AllowedPattern"].as_str().expect("a pattern");
        let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$")).expect("a regular expression");
        for growing in ["\"", "\\", "\u{1}", "\n", "é", "\u{7f}"] {
            assert!(!whole.is_match(growing), "{parameter} takes {growing:?}");
        }
    }
}
