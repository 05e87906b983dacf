use std::path::Path;

use crate::{ApiKind, AuthorizerKind, Identity, Inputs, Payload, Template, read};

fn template(text: &str) -> Template {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap()
}

fn problem(text: &str) -> String {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap_err().to_string()
}

const WHOLE: &str = r#"
Resources:
  Notes:
    Type: AWS::ApiGateway::RestApi
    Properties: { Name: notes }
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: { RestApiId: !Ref Notes, DeploymentId: !Ref Deployment, StageName: v1 }
  Deployment:
    Type: AWS::ApiGateway::Deployment
    Properties: { RestApiId: !Ref Notes }
  All:
    Type: AWS::ApiGateway::Resource
    Properties: { RestApiId: !Ref Notes, ParentId: !GetAtt Notes.RootResourceId, PathPart: notes }
  One:
    Type: AWS::ApiGateway::Resource
    Properties: { RestApiId: !Ref Notes, ParentId: !Ref All, PathPart: "{id}" }
  Auth:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Notes
      Name: auth
      Type: REQUEST
      IdentitySource: method.request.header.Authorization, context.identity.sourceIp,method.request.querystring.k,stageVariables.s
      AuthorizerResultTtlInSeconds: 0
      AuthorizerCredentials: arn:aws:iam::123456789012:role/calls
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations
  Token:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Notes
      Name: token
      Type: TOKEN
      IdentitySource: method.request.header.X-Token
      IdentityValidationExpression: "Bearer .+"
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations
  Permission:
    Type: AWS::Lambda::Permission
    Properties: { Action: lambda:InvokeFunction, FunctionName: !GetAtt Guard.Arn, Principal: apigateway.amazonaws.com }
  GetOne:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Notes
      ResourceId: !Ref One
      HttpMethod: get
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Auth
      Integration: { Type: AWS_PROXY, IntegrationHttpMethod: POST, Uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations" }
  Preflight:
    Type: AWS::ApiGateway::Method
    Properties: { RestApiId: !Ref Notes, ResourceId: !Ref One, HttpMethod: OPTIONS, AuthorizationType: NONE, Integration: { Type: MOCK } }
  Root:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Notes
      ResourceId: !GetAtt Notes.RootResourceId
      HttpMethod: ANY
      AuthorizationType: NONE
      Integration: { Type: AWS_PROXY, Uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations" }
  Refused:
    Type: AWS::ApiGateway::GatewayResponse
    Properties:
      RestApiId: !Ref Notes
      ResponseType: UNAUTHORIZED
      StatusCode: "401"
      ResponseParameters: { gatewayresponse.header.WWW-Authenticate: "'Bearer'" }
      ResponseTemplates: { application/json: "{}" }
  Other:
    Type: AWS::ApiGateway::Authorizer
    Properties: { RestApiId: somebody-elses, Type: nothing }
  Guard:
    Type: AWS::Lambda::Function
    Properties: { Code: ../functions/token-authorizer }
  Function:
    Type: AWS::Lambda::Function
    Metadata: { CodeUri: ../notes }
    Properties: { Code: { S3Bucket: b, S3Key: k }, Timeout: 7, Environment: { Variables: { STAGE: !Ref Stage } } }
"#;

#[test]
fn the_parts_that_name_an_api_are_put_together() {
    let template = template(WHOLE);
    let api = &template.apis[0];
    assert_eq!((api.logical_id.as_str(), api.stage.as_str(), &api.kind), ("Notes", "v1", &ApiKind::Rest));
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|r| {
            (r.method.as_str(), r.path.as_str(), r.function.as_str(), r.authorizer.as_deref(), r.payload)
        })
        .collect();
    assert_eq!(
        routes,
        [
            ("GET", "/notes/{id}", "Function", Some("Auth"), Payload::One),
            ("ANY", "/", "Function", None, Payload::One),
        ]
    );
    assert_eq!(api.responses.len(), 1);
    let refused = &api.responses["UNAUTHORIZED"];
    assert_eq!((refused.status, refused.body.as_deref()), (Some(401), Some("{}")));
    assert_eq!(refused.headers["WWW-Authenticate"], "'Bearer'");
}

#[test]
fn authorizers_keep_results_for_five_minutes_unless_they_say_otherwise() {
    let template = template(WHOLE);
    let authorizers = &template.apis[0].authorizers;
    assert_eq!(authorizers.len(), 2);
    let auth = &authorizers["Auth"];
    assert_eq!((auth.function.as_str(), auth.ttl_seconds), ("Guard", 0));
    let AuthorizerKind::Request(sources) = &auth.kind else { panic!("{auth:?}") };
    assert_eq!(
        sources,
        &[
            Identity::Header("Authorization".to_owned()),
            Identity::Context("identity.sourceIp".to_owned()),
            Identity::Query("k".to_owned()),
            Identity::StageVariable("s".to_owned()),
        ]
    );
    let token = &authorizers["Token"];
    assert_eq!(token.ttl_seconds, 300);
    let AuthorizerKind::Token { header, validation: Some(validation) } = &token.kind else {
        panic!("{token:?}")
    };
    assert!(header == "X-Token" && validation.is_match("Bearer x") && !validation.is_match("a Bearer x"));
}

#[test]
fn a_functions_code_is_where_its_template_or_its_metadata_says() {
    let template = template(WHOLE);
    let binaries: Vec<_> = template
        .functions
        .iter()
        .map(|f| (f.logical_id.as_str(), f.binary.as_str(), f.code.clone(), f.timeout_seconds))
        .collect();
    let at = |path: &str| Some(Path::new(path).to_owned());
    assert_eq!(
        binaries,
        [
            ("Guard", "token-authorizer", at("../functions/token-authorizer"), 3),
            ("Function", "notes", at("../notes"), 7),
        ]
    );
    assert_eq!(template.functions[1].environment["STAGE"], "v1");
}

/// Code in a bucket has a name on this machine all the same: its function's.
#[test]
fn a_function_without_a_directory_has_its_own_name() {
    let text = WHOLE.replace("    Metadata: { CodeUri: ../notes }\n", "");
    let function = &template(&text).functions[1];
    assert_eq!((function.binary.as_str(), &function.code), ("Function", &None));
}

/// The CDK puts functions into a template that nobody calls by a request, with code that is nowhere here.
#[test]
fn a_helper_of_the_deployment_is_no_function_that_has_to_be_found() {
    let helper = "  Helper:\n    Type: AWS::Lambda::Function\n    Properties: { Code: { ZipFile: x }, Environment: { Variables: { A: !GetAtt Nothing.Here } } }\n";
    let names = |text: &str| -> Vec<String> {
        template(text).functions.into_iter().map(|function| function.logical_id).collect()
    };
    assert_eq!(names(&format!("{WHOLE}{helper}")), ["Guard", "Function"]);
    let found = helper.replace("    Properties: ", "    Metadata: { CodeUri: helper }\n    Properties: ");
    let found = found.replace("!GetAtt Nothing.Here", "a");
    assert_eq!(names(&format!("{WHOLE}{found}")), ["Guard", "Function", "Helper"]);
}

#[test]
fn what_this_machine_cannot_run_is_said_and_not_passed_over() {
    for (from, to, said) in [
        ("{ Name: notes }", "{ Name: notes, Body: {} }", "Body is not supported here"),
        ("StageName: v1", "Other: v1", "Stage: it has no StageName"),
        ("Type: AWS::ApiGateway::Stage", "Type: AWS::Other", "no AWS::ApiGateway::Stage names it"),
        ("ParentId: !Ref All", "ParentId: !Ref One", "form a cycle"),
        ("ParentId: !Ref All", "ParentId: !Ref Auth", "not a resource of this API: Auth"),
        ("ResourceId: !Ref One", "ResourceId: !Ref Auth", "not a resource of this API: Auth"),
        ("AuthorizerId: !Ref Auth", "AuthorizerId: !Ref Other", "unknown authorizer: Other"),
        (
            "AuthorizationType: CUSTOM",
            "AuthorizationType: COGNITO_USER_POOLS",
            "AuthorizationType is COGNITO_USER_POOLS",
        ),
        ("Type: AWS_PROXY, Int", "Type: HTTP_PROXY, Int", "\"HTTP_PROXY\": only AWS_PROXY"),
        // It would be answered without the function, and without the authorizer's word.
        ("HttpMethod: OPTIONS", "HttpMethod: GET", "\"MOCK\": only AWS_PROXY"),
        ("Type: REQUEST", "Type: COGNITO_USER_POOLS", "Type is COGNITO_USER_POOLS"),
        ("context.identity", "$context.identity", "$context.identity.sourceIp is not an identity source"),
        ("X-Token", "X-Token,method.request.header.B", "is one header"),
        ("\"Bearer .+\"", "\"(\"", "IdentityValidationExpression is not a regular expression"),
        ("InSeconds: 0", "InSeconds: 3601", "more than 3600"),
        ("${Guard.Arn}/invocations\n  Token", "x/invocations\n  Token", "it calls no function"),
        (
            "FunctionName: !GetAtt Guard.Arn",
            "FunctionName: !Ref Function",
            "Token: it has no AuthorizerCredentials",
        ),
        ("StatusCode: \"401\"", "StatusCode: \"99\"", "StatusCode is not a status"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let told = problem(&WHOLE.replacen(from, to, 1));
        assert!(told.contains(said), "{said} in {told}");
    }
    let unkept = WHOLE.replace(
        "      IdentitySource: method.request.header.Authorization, context.identity.sourceIp,method.request.querystring.k,stageVariables.s\n      AuthorizerResultTtlInSeconds: 0\n",
        "",
    );
    assert!(problem(&unkept).contains("needs AuthorizerResultTtlInSeconds: 0"));
}
