use std::path::Path;

use crate::{ApiKind, AuthorizerKind, Identity, Inputs, Template, read};

fn template(text: &str) -> Template {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap()
}

fn problem(text: &str) -> String {
    read::template(Path::new("t.yaml"), text, &Inputs::default()).unwrap_err().to_string()
}

const WHOLE: &str = r#"
Resources:
  Chat:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: chat, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action }
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Chat, StageName: v1, AutoDeploy: true }
  Auth:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Chat
      AuthorizerType: REQUEST
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations
      IdentitySource: [route.request.header.Sec-WebSocket-Protocol, route.request.querystring.k, context.identity.sourceIp, stageVariables.s]
  Behind:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Chat, IntegrationType: AWS_PROXY, IntegrationUri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations" }
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Chat, RouteKey: $connect, AuthorizationType: CUSTOM, AuthorizerId: !Ref Auth, Target: !Sub "integrations/${Behind}" }
  Gone:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Chat, RouteKey: $disconnect, Target: !Sub "integrations/${Behind}" }
  Ping:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Chat, RouteKey: ping, AuthorizationType: NONE, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${Behind}" }
  Guard:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: functions/token-authorizer }
  Function:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: notes }
"#;

#[test]
fn the_parts_that_name_an_api_are_put_together() {
    let template = template(WHOLE);
    let api = &template.apis[0];
    assert_eq!((api.logical_id.as_str(), api.stage.as_str()), ("Chat", "v1"));
    assert_eq!(api.kind, ApiKind::WebSocket { selection: "$request.body.action".to_owned() });
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|r| {
            (r.method.as_str(), r.path.as_str(), r.function.as_str(), r.authorizer.as_deref(), r.responds)
        })
        .collect();
    assert_eq!(
        routes,
        [
            ("CONNECT", "$connect", "Function", Some("Auth"), false),
            ("DISCONNECT", "$disconnect", "Function", None, false),
            ("MESSAGE", "ping", "Function", None, true),
        ]
    );
}

#[test]
fn an_authorizer_is_asked_about_every_connection_and_has_its_identity_sources() {
    let template = template(WHOLE);
    let authorizer = &template.apis[0].authorizers["Auth"];
    assert_eq!((authorizer.function.as_str(), authorizer.ttl_seconds), ("Guard", 0));
    let AuthorizerKind::Request(sources) = &authorizer.kind else { panic!("{authorizer:?}") };
    assert_eq!(
        sources,
        &[
            Identity::Header("Sec-WebSocket-Protocol".to_owned()),
            Identity::Query("k".to_owned()),
            Identity::Context("identity.sourceIp".to_owned()),
            Identity::StageVariable("s".to_owned()),
        ]
    );
}

#[test]
fn what_this_machine_cannot_run_is_said_and_not_passed_over() {
    for (from, to, said) in [
        ("ProtocolType: WEBSOCKET", "ProtocolType: GRAPHQL", "ProtocolType is GRAPHQL"),
        (", RouteSelectionExpression: $request.body.action", "", "no RouteSelectionExpression"),
        ("StageName: v1", "Other: v1", "Stage: it has no StageName"),
        ("AuthorizerType: REQUEST", "AuthorizerType: JWT", "AuthorizerType is JWT"),
        ("route.request.querystring.k", "$request.querystring.k", "is not an identity source"),
        ("IntegrationType: AWS_PROXY", "IntegrationType: MOCK", "IntegrationType is MOCK"),
        ("AuthorizerId: !Ref Auth", "AuthorizerId: !Ref Stage", "unknown authorizer: v1"),
        ("AuthorizationType: NONE", "AuthorizationType: CUSTOM, AuthorizerId: !Ref Auth", "only $connect"),
        ("AuthorizationType: NONE", "AuthorizationType: AWS_IAM", "AuthorizationType is AWS_IAM"),
        ("${Guard.Arn}/invocations", "x/invocations", "it calls no function"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let told = problem(&WHOLE.replace(from, to));
        assert!(told.contains(said), "{said} in {told}");
    }
}
