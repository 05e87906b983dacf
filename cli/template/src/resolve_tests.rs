use crate::Inputs;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Exports, Resolver};
use crate::yaml;

const TEMPLATE: &str = r#"
Parameters:
  Stage: { Type: String, Default: dev }
  Cost: { Type: Number, Default: 12 }
  Origins: { Type: CommaDelimitedList, Default: "https://a.test, https://b.test" }
  Bare: { Type: String }
Mappings:
  Sizes: { dev: { memory: 128 }, prod: { memory: 512 } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Both: !And [!Condition IsProd, !Condition IsDev]
  Either: !Or [!Condition IsProd, !Condition IsDev]
  Circle: !Not [!Condition Circle]
Resources:
  Users: { Type: AWS::DynamoDB::Table }
  Named: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Sub "${Stage}-users" } }
  Keys: { Type: AWS::SecretsManager::Secret }
  Login: { Type: AWS::Serverless::Function }
  Api: { Type: AWS::Serverless::Api }
  Topic: { Type: AWS::SNS::Topic }
"#;

fn resolve_with(parameters: &[(&str, &str)], expression: &str) -> Result<Option<Value>, String> {
    let document = yaml::parse(TEMPLATE).unwrap();
    let asked = yaml::parse(&format!("Resources: {{}}\nAsked: {expression}")).unwrap();
    let parameters: BTreeMap<String, String> =
        parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let imports = Exports::from([
        ("nova-Authorizer".to_owned(), Ok("arn:it".to_owned())),
        ("nova-Broken".to_owned(), Err("no such thing".to_owned())),
    ]);
    let inputs = Inputs { parameters, imports, stack: "nova".to_owned(), ..Inputs::default() };
    Resolver::new(&document.root, &inputs).resolve(&asked.root["Asked"])
}

fn resolve(expression: &str) -> Value {
    resolve_with(&[], expression).unwrap().unwrap()
}

fn problem(expression: &str) -> String {
    resolve_with(&[], expression).unwrap_err()
}

#[test]
fn a_ref_is_a_parameter_a_pseudo_parameter_or_the_name_of_a_resource() {
    assert_eq!(resolve("!Ref Stage"), "dev");
    assert_eq!(resolve("!Ref Cost"), "12");
    assert_eq!(resolve("!Ref Origins"), json!(["https://a.test", "https://b.test"]));
    assert_eq!(resolve("!Ref AWS::Region"), "us-east-1");
    assert_eq!(resolve("!Ref AWS::AccountId"), "123456789012");
    assert_eq!(resolve("!Ref AWS::StackName"), "nova");
    assert_eq!(resolve("!Ref Users"), "Users");
    assert_eq!(resolve("!Ref Named"), "dev-users");
    assert_eq!(resolve("!Ref Api"), "Api");
    assert_eq!(resolve("!Ref Keys"), "arn:aws:secretsmanager:us-east-1:123456789012:secret:Keys-local0");
}

#[test]
fn a_parameter_that_is_given_wins_over_its_default() {
    assert_eq!(resolve_with(&[("Stage", "prod")], "!Ref Stage").unwrap().unwrap(), "prod");
    assert_eq!(resolve_with(&[("Bare", "x")], "!Ref Bare").unwrap().unwrap(), "x");
    assert_eq!(problem("!Ref Bare"), "the parameter Bare has no default");
}

#[test]
fn sub_takes_references_attributes_its_own_names_and_literals() {
    assert_eq!(resolve("!Sub '${AWS::StackName}-${Stage}'"), "nova-dev");
    assert_eq!(resolve("!Sub '${Login.Arn}!'"), "arn:aws:lambda:us-east-1:123456789012:function:Login!");
    assert_eq!(resolve("!Sub ['${A}/${Stage}', {A: !Ref Cost}]"), "12/dev");
    assert_eq!(resolve("!Sub '${!Literal}'"), "${Literal}");
    assert_eq!(resolve("{'Fn::Sub': '${Stage}'}"), "dev");
    assert_eq!(problem("!Sub '${Nobody}'"), "Nobody is neither parameter nor resource");
}

#[test]
fn attributes_of_what_this_machine_runs_are_known_and_others_are_refused() {
    assert_eq!(resolve("!GetAtt Login.Arn"), "arn:aws:lambda:us-east-1:123456789012:function:Login");
    assert_eq!(resolve("{'Fn::GetAtt': Login.Arn}"), resolve("!GetAtt Login.Arn"));
    assert_eq!(resolve("!GetAtt Named.Arn"), "arn:aws:dynamodb:us-east-1:123456789012:table/dev-users");
    assert_eq!(
        problem("!GetAtt Topic.TopicName"),
        "Topic.TopicName of AWS::SNS::Topic is not supported here"
    );
}

#[test]
fn conditions_choose_and_no_value_takes_the_entry_away() {
    assert_eq!(resolve("!If [IsProd, a, b]"), "b");
    assert_eq!(resolve_with(&[("Stage", "prod")], "!If [IsProd, a, b]").unwrap().unwrap(), "a");
    assert_eq!(resolve("!If [Both, a, b]"), "b");
    assert_eq!(resolve("!If [Either, a, b]"), "a");
    assert_eq!(resolve("{A: !If [IsProd, 1, !Ref AWS::NoValue], B: 2}"), json!({"B": 2}));
    assert_eq!(resolve("[1, !Ref AWS::NoValue]"), json!([1]));
}

#[test]
fn a_condition_that_names_itself_is_refused() {
    assert!(problem("!If [Circle, a, b]").contains("refers to itself"));
}

#[test]
fn lists_and_maps_are_looked_up() {
    assert_eq!(resolve("!Join ['+', [a, !Ref Stage]]"), "a+dev");
    assert_eq!(resolve("!Join [',', !Ref Origins]"), "https://a.test,https://b.test");
    assert_eq!(resolve("!Select [1, !Split ['-', a-b-c]]"), "b");
    assert_eq!(resolve("!FindInMap [Sizes, !Ref Stage, memory]"), 128);
    assert_eq!(problem("!FindInMap [Sizes, x, memory]"), "Fn::FindInMap finds nothing at Sizes.x.memory");
}

#[test]
fn imports_come_from_what_the_other_template_exports() {
    assert_eq!(resolve("!ImportValue nova-Authorizer"), "arn:it");
    assert_eq!(resolve("{'Fn::ImportValue': !Sub '${AWS::StackName}-Authorizer'}"), "arn:it");
    assert_eq!(problem("!ImportValue nova-Nothing"), "nothing exports nova-Nothing");
    assert_eq!(
        problem("!ImportValue nova-Broken"),
        "the export nova-Broken can't be resolved: no such thing"
    );
}

#[test]
fn an_unknown_function_is_refused_with_its_name() {
    assert_eq!(problem("!Cidr [a, b]"), r#"Fn::Cidr can't take ["a","b"]"#);
}
