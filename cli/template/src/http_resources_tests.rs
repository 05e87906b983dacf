use std::path::Path;

use crate::{ApiKind, AuthorizerKind, Cors, Identity, Inputs, Payload, Template, read};

fn template(text: &str) -> Template {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap()
}

fn problem(text: &str) -> String {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap_err().to_string()
}

const WHOLE: &str = r#"
Resources:
  Notes:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: notes, ProtocolType: HTTP, CorsConfiguration: { AllowOrigins: [https://app.example.com] } }
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Notes, StageName: $default, AutoDeploy: true }
  Auth:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Notes
      Name: auth
      AuthorizerType: REQUEST
      AuthorizerPayloadFormatVersion: "2.0"
      EnableSimpleResponses: true
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations
      AuthorizerCredentialsArn: arn:aws:iam::123456789012:role/calls
      IdentitySource: [$request.header.Authorization, $request.querystring.q, $stageVariables.s, $context.routeKey]
  Tokens:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Notes
      Name: tokens
      AuthorizerType: JWT
      IdentitySource: [$request.header.Authorization]
      JwtConfiguration: { Audience: [a], Issuer: https://i.example.com }
  Behind:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Notes, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Function.Arn, PayloadFormatVersion: "2.0" }
  Older:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Notes, IntegrationType: AWS_PROXY, PayloadFormatVersion: 1.0, IntegrationUri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations" }
  One:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Notes, RouteKey: "GET /notes/{id}", AuthorizationType: CUSTOM, AuthorizerId: !Ref Auth, Target: !Sub "integrations/${Behind}" }
  Any:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Notes, RouteKey: "ANY /old", AuthorizationType: JWT, AuthorizerId: !Ref Tokens, AuthorizationScopes: [notes], Target: !Sub "integrations/${Older}" }
  Rest:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Notes, RouteKey: $default, Target: !Sub "integrations/${Behind}" }
  Guard:
    Type: AWS::Lambda::Function
    Properties: { Code: functions/token-authorizer }
  Function:
    Type: AWS::Lambda::Function
    Properties: { Code: notes }
"#;

#[test]
fn the_parts_that_name_an_api_are_put_together() {
    let template = template(WHOLE);
    let api = &template.apis[0];
    assert_eq!((api.logical_id.as_str(), api.stage.as_str()), ("Notes", "$default"));
    let cors = Cors { allow_origins: vec!["https://app.example.com".to_owned()], ..Cors::default() };
    assert_eq!(api.kind, ApiKind::Http { cors: Some(cors) });
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|r| (r.method.as_str(), r.path.as_str(), r.authorizer.as_deref(), r.payload, r.scopes.join(" ")))
        .collect();
    assert_eq!(
        routes,
        [
            ("GET", "/notes/{id}", Some("Auth"), Payload::Two, String::new()),
            ("ANY", "/old", Some("Tokens"), Payload::One, "notes".to_owned()),
            ("ANY", "$default", None, Payload::Two, String::new()),
        ]
    );
    assert!(api.routes.iter().all(|route| route.function == "Function"));
}

#[test]
fn authorizers_have_their_payload_their_identity_and_five_minutes_unless_they_say_otherwise() {
    let template = template(WHOLE);
    let auth = &template.apis[0].authorizers["Auth"];
    assert_eq!((auth.function.as_str(), auth.payload, auth.simple), ("Guard", Payload::Two, true));
    assert_eq!(auth.ttl_seconds, 300);
    let AuthorizerKind::Request(sources) = &auth.kind else { panic!("{auth:?}") };
    assert_eq!(
        sources,
        &[
            Identity::Header("Authorization".to_owned()),
            Identity::Query("q".to_owned()),
            Identity::StageVariable("s".to_owned()),
            Identity::Context("routeKey".to_owned()),
        ]
    );
    let tokens = &template.apis[0].jwt_authorizers["Tokens"];
    let [issuer] = tokens.issuers.as_slice() else { panic!("{tokens:?}") };
    assert_eq!(
        (issuer.name.as_str(), issuer.audience.as_slice()),
        ("https://i.example.com", &["a".to_owned()][..])
    );
    assert_eq!(tokens.source, Identity::Header("Authorization".to_owned()));
}

#[test]
fn what_aws_would_refuse_or_never_call_is_refused_here_too() {
    for (from, to, said) in [
        ("ProtocolType: HTTP,", "ProtocolType: HTTP, Body: {},", "Body is not supported here"),
        ("StageName: $default", "Other: v1", "Stage: it has no StageName"),
        ("AuthorizerType: JWT", "AuthorizerType: OTHER", "neither REQUEST nor JWT"),
        ("AuthorizerPayloadFormatVersion: \"2.0\"", "Other: 1", "no AuthorizerPayloadFormatVersion"),
        (
            "AuthorizerPayloadFormatVersion: \"2.0\"",
            "AuthorizerPayloadFormatVersion: \"1.0\"",
            "EnableSimpleResponses needs",
        ),
        (
            "      AuthorizerCredentialsArn: arn:aws:iam::123456789012:role/calls\n",
            "",
            "it could not be called",
        ),
        (
            "$request.querystring.q",
            "method.request.querystring.q",
            "is not an identity source of an HTTP API",
        ),
        (
            "      IdentitySource: [$request.header.Authorization, $request.querystring.q, $stageVariables.s, $context.routeKey]\n",
            "      AuthorizerResultTtlInSeconds: 1\n",
            "needs AuthorizerResultTtlInSeconds: 0",
        ),
        (
            "IdentitySource: [$request.header.Authorization]",
            "IdentitySource: [$context.path]",
            "neither a header nor",
        ),
        ("Audience: [a]", "Audience: []", "no audience"),
        ("AuthorizationType: CUSTOM", "AuthorizationType: JWT", "unknown authorizer: Auth"),
        ("AuthorizationType: CUSTOM", "AuthorizationType: AWS_IAM", "AuthorizationType is AWS_IAM"),
        ("IntegrationType: AWS_PROXY", "IntegrationType: HTTP_PROXY", "IntegrationType is HTTP_PROXY"),
        ("IntegrationUri: !GetAtt Function.Arn", "IntegrationUri: https://a.example", "it calls no function"),
        (", PayloadFormatVersion: \"2.0\"", "", "it has no PayloadFormatVersion"),
        ("\"GET /notes/{id}\"", "GET", "its RouteKey is neither"),
        ("\"integrations/${Older}\"", "\"integrations/x\"", "its Target is not an integration"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let told = problem(&WHOLE.replacen(from, to, 1));
        assert!(told.contains(said), "{said} in {told}");
    }
}
