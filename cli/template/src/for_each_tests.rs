use std::path::Path;

use serde_json::{Value, json};

use super::unrolled;
use crate::Template;
use crate::yaml::parse;

const TWO_FUNCTIONS: &str = "
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Resources:
  First: {Type: AWS::SNS::Topic}
  Fn::ForEach::Functions:
    - Name
    - [zwei, eins]
    - ${Name}Function:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: functions/${Name}
          Environment: {Variables: {NAME: !Ref Name, ROLE: !GetAtt '${Name}Role.Arn', STACK: !Sub '${AWS::StackName}-${Name}'}}
      ${Name}Role: {Type: AWS::IAM::Role}
  Last: {Type: AWS::SNS::Topic}
";

#[test]
fn a_loop_is_read_as_what_it_stands_for() {
    let template = Template::from_text(Path::new("loop.yaml"), TWO_FUNCTIONS).unwrap();
    let functions: Vec<_> = template.functions.iter().map(|one| one.logical_id.as_str()).collect();
    assert_eq!(functions, ["zweiFunction", "einsFunction"], "in the order of the list");
    let eins = &template.functions[1];
    assert_eq!(eins.binary, "eins");
    assert_eq!(eins.environment["NAME"], "eins");
    assert_eq!(eins.environment["STACK"], "nova-auth-eins");
    assert!(eins.environment["ROLE"].ends_with(":role/einsRole"));
}

#[test]
fn its_resources_stand_where_the_loop_stands() {
    let document = parse(TWO_FUNCTIONS).unwrap();
    assert_eq!(document.order, ["First", "zweiFunction", "zweiRole", "einsFunction", "einsRole", "Last"]);
}

#[test]
fn an_ampersand_takes_letters_and_digits_alone_in_keys_and_in_values() {
    let arguments =
        json!(["Type", ["BAD_BODY"], {"A&{Type}": {"B-&{Type}": ["${Type}", "&{Type}", "${Other}"]}}]);
    assert_eq!(
        unrolled("Fn::ForEach::Types", &arguments).unwrap(),
        [("ABADBODY".to_owned(), json!({"B-BADBODY": ["BAD_BODY", "BADBODY", "${Other}"]}))]
    );
}

#[test]
fn a_loop_repeats_properties_too_and_stands_in_another_loop() {
    let text = "
Transform: [AWS::LanguageExtensions]
Resources:
  Fn::ForEach::Outer:
    - One
    - [A, B]
    - Topic${One}:
        Properties:
          Fn::ForEach::Inner: [Two, [x, y], {'${One}${Two}': !Ref Two}]
";
    let root = parse(text).unwrap().root;
    assert_eq!(
        root["Resources"],
        json!({"TopicA": {"Properties": {"Ax": "x", "Ay": "y"}}, "TopicB": {"Properties": {"Bx": "x", "By": "y"}}})
    );
}

#[test]
fn what_is_no_loop_is_refused_by_its_name() {
    let problem = |arguments: Value| unrolled("Fn::ForEach::Loop", &arguments).unwrap_err();
    let cases = [
        (json!(["X", ["a", "b"], {"Same": 1}]), "it makes Same twice"),
        (json!(["X", {"Ref": "Names"}, {"${X}": 1}]), "has to be written out"),
        (json!(["X", [["a"]], {"${X}": 1}]), "plain words"),
        (json!(["X", ["a"]]), "a loop is an identifier"),
        (json!("X"), "a loop is an identifier"),
    ];
    for (arguments, said) in cases {
        let problem = problem(arguments);
        assert!(problem.starts_with("Fn::ForEach::Loop: ") && problem.contains(said), "{problem}");
    }
    assert!(unrolled("Fn::ForEach::", &json!(["X", ["a"], {"${X}": 1}])).is_err());
}

/// CloudFormation would refuse the template, and say less.
#[test]
fn a_loop_needs_the_language_extensions_before_sams_own_transform() {
    let swapped = TWO_FUNCTIONS.replace(
        "[AWS::LanguageExtensions, AWS::Serverless-2016-10-31]",
        "[AWS::Serverless-2016-10-31, AWS::LanguageExtensions]",
    );
    let missing = TWO_FUNCTIONS.replace("AWS::LanguageExtensions, ", "");
    for text in [swapped, missing] {
        let problem = parse(&text).unwrap_err();
        assert!(problem.contains("AWS::LanguageExtensions"), "{problem}");
    }
}

#[test]
fn a_key_that_a_loop_and_the_map_around_it_both_make_is_refused() {
    let text = TWO_FUNCTIONS.replace("Last:", "einsRole:");
    assert!(parse(&text).unwrap_err().contains("einsRole appears twice"));
}
