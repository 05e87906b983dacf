use std::path::Path;

use crate::{Inputs, Template, read};

const TEMPLATE: &str = r#"
Parameters:
  Switch: { Type: String, Default: closed, AllowedValues: [closed, open] }
  Days: { Type: Number, Default: 7, AllowedValues: [1, 7, 30] }
  Cost: { Type: Number, Default: 12, MinValue: 10, MaxValue: 15 }
  Share: { Type: Number, Default: 0.5, MinValue: 0.25 }
  Name: { Type: String, Default: nova, MinLength: 2, MaxLength: 5 }
  Word: { Type: String, Default: a, AllowedPattern: "a|bc" }
  Told: { Type: String, Default: "", AllowedPattern: "[a-z]*", ConstraintDescription: letters of lower case }
  Networks: { Type: CommaDelimitedList, Default: "", AllowedPattern: "([0-9]+)?" }
  Ports: { Type: List<Number>, Default: "80,443", MaxValue: 65535 }
  Network: { Type: AWS::EC2::VPC::Id, Default: anything }
  Needed: { Type: String }
Resources:
  Function: { Type: AWS::Serverless::Function, Properties: { CodeUri: functions/one, Environment: { Variables: { SWITCH: !Ref Switch } } } }
"#;

fn start(text: &str, name: &str, value: &str) -> Result<Template, String> {
    let parameters = [(name.to_owned(), value.to_owned())].into();
    let inputs = Inputs { parameters, ..Inputs::default() };
    read::template(Path::new("t.yaml"), text, &inputs).map_err(|error| error.to_string())
}

#[test]
fn what_every_constraint_allows_is_taken() {
    for (name, value) in [
        ("Switch", "open"),
        ("Days", "30"),
        ("Cost", "10"),
        ("Cost", "15"),
        ("Share", "0.25"),
        ("Name", "ab"),
        ("Name", "سارة"),
        ("Word", "a"),
        ("Word", "bc"),
        ("Told", ""),
        ("Networks", ""),
        ("Networks", "1, 22"),
        ("Ports", "1, 2"),
        ("Network", "vpc-1"),
    ] {
        assert!(start(TEMPLATE, name, value).is_ok(), "{name}={value}");
    }
    assert_eq!(start(TEMPLATE, "Switch", "open").unwrap().functions[0].environment["SWITCH"], "open");
}

#[test]
fn what_a_deployment_would_refuse_does_not_start_and_cloudformations_words_say_why() {
    for (name, value, said) in [
        ("Switch", "maybe", "Parameter 'Switch' must be one of AllowedValues: closed, open"),
        ("Switch", "Open", "Parameter 'Switch' must be one of AllowedValues: closed, open"),
        ("Switch", "", "Parameter 'Switch' must be one of AllowedValues: closed, open"),
        ("Days", "8", "Parameter 'Days' must be one of AllowedValues: 1, 7, 30"),
        ("Cost", "99", "Parameter 'Cost' must be a number not greater than 15"),
        ("Cost", "9", "Parameter 'Cost' must be a number not less than 10"),
        ("Cost", "twelve", "Parameter 'Cost' must be a number"),
        ("Cost", "", "Parameter 'Cost' must be a number"),
        ("Cost", "NaN", "Parameter 'Cost' must be a number"),
        ("Share", "0.2", "Parameter 'Share' must be a number not less than 0.25"),
        ("Name", "n", "Parameter 'Name' must contain at least 2 characters"),
        ("Name", "novas!", "Parameter 'Name' must contain at most 5 characters"),
        ("Word", "abc", "Parameter 'Word' must match pattern a|bc"),
        ("Word", "a\n", "Parameter 'Word' must match pattern a|bc"),
        ("Told", "Secret9", "Parameter 'Told' failed to satisfy constraint: letters of lower case"),
        ("Networks", "1,x", "Parameter 'Networks' must match pattern ([0-9]+)?"),
        ("Ports", "80,99999", "Parameter 'Ports' must be a number not greater than 65535"),
    ] {
        let problem = start(TEMPLATE, name, value).unwrap_err();
        let remedy = format!("give another with --parameter-overrides {name}=VALUE");
        assert_eq!(problem, format!("t.yaml: {said}; {remedy}"), "{name}={value}");
    }
}

#[test]
fn a_default_is_held_to_the_same_and_a_type_must_be_one_of_cloudformations() {
    let text = TEMPLATE.replace("Default: 12", "Default: 16");
    assert!(start(&text, "Switch", "open").unwrap_err().contains("'Cost' must be a number not greater"));
    let text = TEMPLATE.replace("Type: List<Number>", "Type: Integer");
    assert!(start(&text, "Switch", "open").unwrap_err().contains("Unrecognized parameter type: Integer"));
}

#[test]
fn a_parameter_that_the_template_does_not_have_is_named() {
    assert_eq!(start(TEMPLATE, "Swich", "open").unwrap_err(), "t.yaml has no parameter Swich");
}
