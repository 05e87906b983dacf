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
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: v1
      CorsConfiguration: { AllowOrigins: [https://app.example.com], AllowMethods: [GET], AllowHeaders: [authorization], AllowCredentials: true, MaxAge: 600 }
      Auth:
        DefaultAuthorizer: Simple
        Authorizers:
          Simple:
            AuthorizerPayloadFormatVersion: 2.0
            EnableSimpleResponses: true
            EnableFunctionDefaultPermissions: true
            FunctionArn: !GetAtt Guard.Arn
            Identity: { Headers: [Authorization], QueryStrings: [q], StageVariables: [s], Context: [routeKey], ReauthorizeEvery: 60 }
          Policy: { AuthorizerPayloadFormatVersion: "1.0", FunctionArn: !GetAtt Guard.Arn, FunctionInvokeRole: role, Identity: { Headers: [Authorization] } }
  Guard:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: functions/token-authorizer }
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: notes
      Events:
        A: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Path: "/notes/{id}", Method: get } }
        B: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Path: /old, Method: any, PayloadFormatVersion: "1.0", Auth: { Authorizer: Policy } } }
        C: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Auth: { Authorizer: NONE } } }
        D: { Type: HttpApi, Properties: { Path: /own, Method: GET } }
"#;

#[test]
fn routes_have_their_events_their_payload_and_the_authorizer_that_holds_in_the_end() {
    let template = template(WHOLE);
    let routes: Vec<_> = template.apis[0]
        .routes
        .iter()
        .map(|r| (r.method.as_str(), r.path.as_str(), r.payload, r.authorizer.as_deref()))
        .collect();
    assert_eq!(
        routes,
        [
            ("GET", "/notes/{id}", Payload::Two, Some("Simple")),
            ("ANY", "/old", Payload::One, Some("Policy")),
            ("ANY", "$default", Payload::Two, None),
        ]
    );
    // The API that SAM makes for events that name none.
    let implicit = &template.apis[1];
    assert_eq!((implicit.logical_id.as_str(), implicit.stage.as_str()), ("ServerlessHttpApi", "$default"));
    assert_eq!(implicit.kind, ApiKind::Http { cors: None });
}

#[test]
fn authorizers_have_their_payload_their_identity_and_five_minutes_unless_they_say_otherwise() {
    let template = template(WHOLE);
    let simple = &template.apis[0].authorizers["Simple"];
    assert_eq!((simple.payload, simple.simple, simple.ttl_seconds), (Payload::Two, true, 60));
    let AuthorizerKind::Request(sources) = &simple.kind else { panic!("{simple:?}") };
    assert_eq!(
        sources,
        &[
            Identity::Header("Authorization".to_owned()),
            Identity::Query("q".to_owned()),
            Identity::StageVariable("s".to_owned()),
            Identity::Context("routeKey".to_owned()),
        ]
    );
    let policy = &template.apis[0].authorizers["Policy"];
    assert_eq!((policy.payload, policy.simple, policy.ttl_seconds), (Payload::One, false, 300));
    assert_eq!(policy.function, "Guard");
}

const JWT: &str = r#"
Resources:
  Notes:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Tokens
        Authorizers:
          Tokens:
            AuthorizationScopes: [notes:read]
            IdentitySource: $request.header.Authorization
            JwtConfiguration: { issuer: "https://auth.example.com", audience: [nova-api, other-api] }
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: notes
      Events:
        A: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Path: /a, Method: GET } }
        B: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Path: /b, Method: GET, Auth: { AuthorizationScopes: [notes:write] } } }
        C: { Type: HttpApi, Properties: { ApiId: !Ref Notes, Path: /c, Method: GET, Auth: { Authorizer: NONE } } }
"#;

#[test]
fn a_jwt_authorizer_has_an_issuer_its_audiences_and_scopes_that_an_event_may_change() {
    let template = template(JWT);
    let api = &template.apis[0];
    let jwt = &api.jwt_authorizers["Tokens"];
    assert_eq!(jwt.source, Identity::Header("Authorization".to_owned()));
    let [issuer] = jwt.issuers.as_slice() else { panic!("{jwt:?}") };
    assert_eq!((issuer.name.as_str(), issuer.audience.len()), ("https://auth.example.com", 2));
    assert_eq!(jwt.algorithms, ["RS256"]);
    assert!(api.authorizers.is_empty(), "it asks no function");
    let routes = api.routes.iter().map(|route| (route.authorizer.as_deref(), route.scopes.join(" ")));
    let routes: Vec<_> = routes.collect();
    assert_eq!(
        routes,
        [
            (Some("Tokens"), "notes:read".to_owned()),
            (Some("Tokens"), "notes:write".to_owned()),
            (None, String::new())
        ]
    );
    // In capitals, as CloudFormation has it.
    let capitals = JWT.replace("issuer:", "Issuer:").replace("audience:", "Audience:");
    assert_eq!(self::template(&capitals).apis[0].jwt_authorizers["Tokens"], *jwt);
}

#[test]
fn a_jwt_authorizer_that_would_take_no_token_or_anybodys_is_refused() {
    for (from, to, said) in [
        ("IdentitySource: $request.header.Authorization", "Other: 1", "has no IdentitySource"),
        (
            "$request.header.Authorization",
            "$request.body.token",
            "neither a header nor a parameter of the query",
        ),
        (
            "$request.header.Authorization",
            "$request.header.",
            "neither a header nor a parameter of the query",
        ),
        (r#"issuer: "https://auth.example.com", "#, "", "no issuer"),
        (", audience: [nova-api, other-api]", "", "no audience"),
        ("DefaultAuthorizer: Tokens", "DefaultAuthorizer: Other", "unknown authorizer: Other"),
    ] {
        assert!(JWT.contains(from), "{from}");
        let told = problem(&JWT.replace(from, to));
        assert!(told.contains(said), "{said} in {told}");
    }
}

#[test]
fn cors_is_read_as_it_is_written() {
    let cors = Cors {
        allow_origins: vec!["https://app.example.com".to_owned()],
        allow_methods: vec!["GET".to_owned()],
        allow_headers: vec!["authorization".to_owned()],
        expose_headers: Vec::new(),
        allow_credentials: true,
        max_age: Some(600),
    };
    assert_eq!(template(WHOLE).apis[0].kind, ApiKind::Http { cors: Some(cors) });
}

#[test]
fn what_aws_would_refuse_or_never_call_is_refused_here_too() {
    for (from, to, said) in [
        ("https://app.example.com", "'*'", "AllowCredentials needs origins"),
        (
            "AuthorizerPayloadFormatVersion: 2.0",
            "AuthorizerPayloadFormatVersion: 1.0",
            "needs AuthorizerPayload",
        ),
        (
            "AuthorizerPayloadFormatVersion: 2.0",
            "AuthorizerPayloadFormatVersion: 3.0",
            "neither 1.0 nor 2.0: 3.0",
        ),
        ("AuthorizerPayloadFormatVersion: 2.0", "Other: 2.0", "has no AuthorizerPayloadFormatVersion"),
        ("EnableFunctionDefaultPermissions: true", "Other: 1", "could not be called"),
        ("ReauthorizeEvery: 60", "ReauthorizeEvery: 3601", "more than 3600"),
        (
            "Identity: { Headers: [Authorization] }",
            "Identity: { ReauthorizeEvery: 9 }",
            "without identity sources",
        ),
        ("Authorizer: Policy", "Authorizer: Nobody", "unknown authorizer: Nobody"),
        ("Path: /own, Method: GET", "Path: /own", "only one of Path and Method"),
        ("ApiId: !Ref Notes, Path: \"/notes/{id}\"", "ApiId: !Ref Guard, Path: /a", "ApiId names no API"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let told = problem(&WHOLE.replace(from, to));
        assert!(told.contains(said), "{said} in {told}");
    }
}
