use std::path::Path;

use crate::{
    AuthorizerKind, Bucket, EventSource, Exports, Identity, Inputs, SecretValue, SourceKind, Template,
};

fn read(text: &str) -> Template {
    super::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap()
}

fn problem(text: &str) -> String {
    super::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap_err().to_string()
}

const WHOLE: &str = r#"
Globals:
  Function:
    Timeout: 7
    Environment: { Variables: { TABLE: !Ref Users, LEVEL: 1 } }
Resources:
  Users:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      TimeToLiveSpecification: { AttributeName: expiresAt, Enabled: true }
  Keys:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: { SecretStringTemplate: '{"a":1}', GenerateStringKey: seed, PasswordLength: 40, ExcludePunctuation: true }
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Auth:
        DefaultAuthorizer: Main
        Authorizers:
          Main: { FunctionArn: !GetAtt Guard.Arn, Identity: { ReauthorizeEvery: 0 } }
          Whole: { FunctionArn: !GetAtt Guard.Arn, FunctionPayloadType: REQUEST, Identity: { Headers: [X-Key], QueryStrings: [k] } }
      GatewayResponses:
        UNAUTHORIZED: { StatusCode: 401, ResponseParameters: { Headers: { X-A: "'b'" } }, ResponseTemplates: { application/json: '{}' } }
  Guard:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: functions/token-authorizer/ }
  Login:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ./functions/login
      MemorySize: 512
      Environment: { Variables: { LEVEL: 2 } }
      Events:
        A: { Type: Api, Properties: { RestApiId: !Ref Api, Path: /login, Method: post, Auth: { Authorizer: NONE } } }
        B: { Type: Api, Properties: { RestApiId: !Ref Api, Path: "/x/{id}", Method: any } }
        C: { Type: Schedule, Properties: { Schedule: rate(1 minute) } }
Outputs:
  Arn: { Value: !GetAtt Guard.Arn, Export: { Name: the-arn } }
  Odd: { Value: !GetAtt Guard.Version, Export: { Name: the-version } }
"#;

#[test]
fn a_function_has_its_own_settings_over_the_globals() {
    let template = read(WHOLE);
    let login = template.functions.iter().find(|function| function.logical_id == "Login").unwrap();
    assert_eq!(login.binary, "login");
    assert_eq!((login.timeout_seconds, login.memory_megabytes), (7, 512));
    assert_eq!(login.environment["TABLE"], "Users");
    assert_eq!(login.environment["LEVEL"], "2");
    let guard = template.functions.iter().find(|function| function.logical_id == "Guard").unwrap();
    assert_eq!((guard.binary.as_str(), guard.memory_megabytes), ("token-authorizer", 128));
}

#[test]
fn routes_take_the_default_authorizer_unless_their_event_says_otherwise() {
    let api = &read(WHOLE).apis[0];
    assert_eq!((api.logical_id.as_str(), api.stage.as_str()), ("Api", "v1"));
    let route = |path: &str| api.routes.iter().find(|route| route.path == path).unwrap();
    assert_eq!((route("/login").method.as_str(), route("/login").authorizer.as_deref()), ("POST", None));
    assert_eq!(
        (route("/x/{id}").method.as_str(), route("/x/{id}").authorizer.as_deref()),
        ("ANY", Some("Main"))
    );
    assert_eq!(api.routes.len(), 2);
}

#[test]
fn authorizers_and_gateway_responses_are_read_with_their_defaults() {
    let api = &read(WHOLE).apis[0];
    let main = &api.authorizers["Main"];
    assert_eq!((main.function.as_str(), main.ttl_seconds), ("Guard", 0));
    assert!(
        matches!(&main.kind, AuthorizerKind::Token { header, validation: None } if header == "Authorization")
    );
    let whole = &api.authorizers["Whole"];
    assert_eq!(whole.ttl_seconds, 300);
    let sources = [Identity::Header("X-Key".to_owned()), Identity::Query("k".to_owned())];
    assert!(matches!(&whole.kind, AuthorizerKind::Request(given) if given == &sources));
    assert_eq!(api.responses["UNAUTHORIZED"].status, Some(401));
    assert_eq!(api.responses["UNAUTHORIZED"].headers["X-A"], "'b'");
}

#[test]
fn tables_and_secrets_are_named_by_their_logical_id() {
    let template = read(WHOLE);
    assert_eq!(template.tables[0].name, "Users");
    assert_eq!(template.tables[0].ttl_attribute.as_deref(), Some("expiresAt"));
    assert_eq!(template.tables[0].definition["KeySchema"][0]["KeyType"], "HASH");
    let SecretValue::Generated(how) = &template.secrets[0].value else { panic!("it is generated") };
    assert_eq!((how.length, how.classes.len()), (40, 3));
    assert_eq!(template.secrets[0].arn, "arn:aws:secretsmanager:us-east-1:123456789012:secret:Keys-local0");
}

#[test]
fn a_secret_knows_the_function_that_rotates_it() {
    let text = "
Resources:
  Api: { Type: AWS::Serverless::Api, Properties: { StageName: p } }
  Rotator: { Type: AWS::Serverless::Function, Properties: { CodeUri: functions/rotator } }
  Rotated: { Type: AWS::SecretsManager::Secret, Properties: { SecretString: a } }
  Fixed: { Type: AWS::SecretsManager::Secret, Properties: { SecretString: b } }
  Schedule:
    Type: AWS::SecretsManager::RotationSchedule
    Properties: { SecretId: !Ref Rotated, RotationLambdaARN: !GetAtt Rotator.Arn }
";
    let secrets = read(text).secrets;
    assert_eq!(secrets[0].rotation.as_deref(), Some("Rotator"));
    assert_eq!(secrets[1].rotation, None);
}

#[test]
fn exports_are_kept_and_a_broken_one_says_why_when_it_is_imported() {
    let exports = read(WHOLE).exports;
    assert_eq!(exports["the-arn"].as_deref(), Ok("arn:aws:lambda:us-east-1:123456789012:function:Guard"));
    let broken = exports["the-version"].as_ref().unwrap_err();
    assert!(broken.starts_with("Guard.Version of AWS::Serverless::Function"), "{broken}");
}

#[test]
fn an_attached_template_finds_its_authorizer_by_import() {
    let text = "
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties: { StageName: p, Auth: { Authorizers: { A: { FunctionArn: !ImportValue the-arn } } } }
";
    let imports: Exports = read(WHOLE).exports;
    let inputs = Inputs { imports, ..Inputs::default() };
    let attached = super::template(Path::new("a.yaml"), text, &inputs).unwrap();
    assert_eq!(attached.apis[0].authorizers["A"].function, "Guard");
    assert!(problem(text).contains("nothing exports the-arn"));
}

#[test]
fn each_problem_is_one_line_with_file_and_resource() {
    let function = |properties: &str| {
        format!("Resources: {{ F: {{ Type: AWS::Serverless::Function, Properties: {properties} }} }}")
    };
    for (text, line) in [
        (function("{ CodeUri: a, Timeout: soon }"), "t.yaml: F: Timeout is not a whole number: soon"),
        (
            function("{ CodeUri: a, Environment: { Variables: { A: !Ref Nobody } } }"),
            "t.yaml: F: Environment: Nobody is neither parameter nor resource",
        ),
        (
            function(
                "{ CodeUri: a, Events: { E: { Type: Api, Properties: { Path: /a, Method: get, RestApiId: X } } } }",
            ),
            "t.yaml: F: RestApiId names no API of this template: X",
        ),
        ("Resources: [".to_owned(), "cannot read the template t.yaml: line "),
    ] {
        let problem = problem(&text);
        assert!(problem.starts_with(line), "{problem}");
        assert!(!problem.contains('\n'));
    }
}

#[test]
fn an_event_that_names_no_api_makes_the_implicit_one() {
    let text = "
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: f, Events: { E: { Type: Api, Properties: { Path: /a, Method: get } } } }
";
    let api = &read(text).apis[0];
    assert_eq!(
        (api.logical_id.as_str(), api.stage.as_str(), api.routes.len()),
        ("ServerlessRestApi", "Prod", 1)
    );
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_not_there() {
    let text = "
Parameters: { On: { Type: String, Default: 'no' } }
Conditions: { IsOn: !Equals [!Ref On, 'yes'] }
Resources:
  F: { Type: AWS::Serverless::Function, Condition: IsOn, Properties: { CodeUri: f } }
";
    assert!(read(text).functions.is_empty());
}

/// A nested stack is deployed, and not run here; who imports what only it could tell gets to know why not.
#[test]
fn a_nested_application_is_passed_over() {
    let nested = r#"
  Watch:
    Type: AWS::Serverless::Application
    Properties: { Location: infra/monitoring.yaml, Parameters: { Function: !Ref Guard, Topic: !GetAtt Elsewhere.Arn } }
Outputs:
  Topic: { Value: !GetAtt Watch.Outputs.Topic, Export: { Name: the-topic } }
"#;
    let template = read(&WHOLE.replace("Outputs:\n", nested));
    assert_eq!(template.functions.len(), read(WHOLE).functions.len());
    let problem = template.exports["the-topic"].as_ref().unwrap_err();
    assert!(problem.contains("Watch.Outputs.Topic"), "{problem}");
}

#[test]
fn a_bucket_has_its_switches_and_a_name_without_capital_letters() {
    let template = read(
        "Resources:
  QuarantineBucket:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: { Status: Enabled }
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } }
  Plain: { Type: AWS::S3::Bucket, Properties: { BucketName: own-name } }
  Plan:
    Type: AWS::GuardDuty::MalwareProtectionPlan
    Properties: { ProtectedResource: { S3Bucket: { BucketName: !Ref QuarantineBucket } } }
",
    );
    let bucket =
        |name: &str, on: bool| Bucket { name: name.to_owned(), is_versioned: on, tells: on, is_scanned: on };
    assert_eq!(template.buckets, [bucket("quarantinebucket", true), bucket("own-name", false)]);
}

/// SAM can't put a condition on one of a function's `Events`; a mapping of its own has one.
#[test]
fn a_mapping_of_its_own_calls_its_function_like_one_of_the_functions_events() {
    let text = |source: &str, function: &str, more: &str| {
        format!(
            "Resources:
  F: {{ Type: AWS::Serverless::Function, Properties: {{ CodeUri: f }} }}
  Elsewhere: {{ Type: AWS::Lambda::Function, Properties: {{}} }}
  Q: {{ Type: AWS::SQS::Queue }}
  T:
    Type: AWS::DynamoDB::Table
    Properties: {{ KeySchema: [], AttributeDefinitions: [] }}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{ EventSourceArn: {source}, FunctionName: {function}, FunctionResponseTypes: [ReportBatchItemFailures]{more} }}
"
        )
    };
    let sources = |source: &str, function: &str, more: &str| read(&text(source, function, more)).sources;
    for function in ["!Ref F", "!GetAtt F.Arn"] {
        let found = sources("!GetAtt Q.Arn", function, "");
        let [EventSource { function, kind: SourceKind::Queue(queue), .. }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((function.as_str(), queue.batch_size, queue.reports_failures), ("F", 10, true));
        assert!(queue.queue.ends_with(":Q"));
    }
    let found = sources("!GetAtt T.StreamArn", "!Ref F", ", BatchSize: 3");
    let [EventSource { kind: SourceKind::Stream(stream), .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((stream.table.as_str(), stream.batch_size), ("T", 3));
    // Switched off; of a source that nothing here knows; of a function that is not run here.
    assert!(sources("!GetAtt Q.Arn", "!Ref F", ", Enabled: false").is_empty());
    assert!(sources("'arn:aws:kinesis:us-east-1:123456789012:stream/s'", "!Ref F", "").is_empty());
    assert!(sources("!GetAtt Elsewhere.Stream", "!Ref F", "").is_empty());
    assert!(sources("!GetAtt Q.Arn", "!Ref Elsewhere", "").is_empty());
}
