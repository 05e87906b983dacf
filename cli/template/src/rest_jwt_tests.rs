use std::path::Path;

use crate::{Identity, Inputs, JwtClaim, Template, TemplateError, read};

const WHOLE: &str = r#"
Resources:
  Notes:
    Type: AWS::ApiGateway::RestApi
    Properties: { Name: notes }
  Stage:
    Type: AWS::ApiGateway::Stage
    Properties: { RestApiId: !Ref Notes, StageName: v1 }
  Tokens:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Notes
      Name: tokens
      Type: JWT
      IdentitySource: method.request.header.Authorization
      AuthorizerResultTtlInSeconds: 300
      JwtConfiguration:
        DefaultAlgorithms: [RS256, ES256]
        Issuers:
          - Issuer: https://auth.example.com
            Audiences: [nova-api, other-api]
            AdditionalClaims:
              - { ClaimName: client_id, Format: SINGLE_STRING, ExpectedValues: [nova-auth], Required: true }
              - { ClaimName: tenant, Format: SINGLE_STRING, ExpectedValues: [north] }
              - { ClaimName: sid, Format: SINGLE_STRING }
          - { Issuer: "https://other.example.com/", Audiences: [theirs] }
  Guard:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Notes
      Type: TOKEN
      IdentitySource: method.request.header.Authorization
      AuthorizerCredentials: arn:aws:iam::123456789012:role/calls
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Notes
      ResourceId: !GetAtt Notes.RootResourceId
      HttpMethod: GET
      AuthorizationType: JWT
      AuthorizerId: !Ref Tokens
      AuthorizationScopes: [notes:read, notes:write]
      Integration: { Type: AWS_PROXY, Uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations" }
  Function:
    Type: AWS::Lambda::Function
    Properties: { Code: ../notes }
"#;

fn template(text: &str) -> Result<Template, TemplateError> {
    read::template(Path::new("t.yaml"), text, &Inputs::default())
}

#[test]
fn a_rest_api_takes_the_tokens_of_each_of_its_issuers_by_that_issuers_own_measure() {
    let template = template(WHOLE).unwrap();
    let api = &template.apis[0];
    let tokens = &api.jwt_authorizers["Tokens"];
    assert_eq!(tokens.source, Identity::Header("Authorization".to_owned()));
    assert_eq!(tokens.algorithms, ["RS256", "ES256"]);
    let [ours, theirs] = tokens.issuers.as_slice() else { panic!("{tokens:?}") };
    assert_eq!(
        (ours.name.as_str(), ours.audience.join(" ")),
        ("https://auth.example.com", "nova-api other-api".to_owned())
    );
    assert_eq!(
        (theirs.name.as_str(), theirs.audience.join(" ")),
        ("https://other.example.com/", "theirs".to_owned())
    );
    let claim = |name: &str, value: Option<&str>, required| JwtClaim {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        required,
    };
    assert_eq!(
        ours.claims,
        [
            claim("client_id", Some("nova-auth"), true),
            claim("tenant", Some("north"), false),
            claim("sid", None, true)
        ]
    );
    assert_eq!(api.authorizers.keys().collect::<Vec<_>>(), ["Guard"], "it asks no function");
    let route = &api.routes[0];
    assert_eq!(
        (route.authorizer.as_deref(), route.scopes.join(" ")),
        (Some("Tokens"), "notes:read notes:write".to_owned())
    );
}

#[test]
fn a_jwt_authorizer_that_aws_would_refuse_or_that_would_check_less_here_is_refused() {
    for (from, to, said) in [
        // One kind of authorizer does not pass for the other.
        ("AuthorizerId: !Ref Tokens", "AuthorizerId: !Ref Guard", "unknown authorizer: Guard"),
        ("AuthorizationType: JWT", "AuthorizationType: CUSTOM", "unknown authorizer: Tokens"),
        ("AuthorizerId: !Ref Tokens", "Other: 1", "has no AuthorizerId"),
        (
            "IdentitySource: method.request.header.Authorization\n      AuthorizerR",
            "AuthorizerR",
            "has no IdentitySource",
        ),
        ("header.Authorization\n      AuthorizerR", "querystring.t\n      AuthorizerR", "is one header"),
        (
            "header.Authorization\n      AuthorizerR",
            "header.A,method.request.header.B\n      AuthorizerR",
            "is one header",
        ),
        ("InSeconds: 300", "InSeconds: 3601", "more than 3600"),
        (
            "      Name: tokens",
            "      IdentityValidationExpression: a",
            "has no IdentityValidationExpression",
        ),
        ("      Name: tokens", "      AuthorizerUri: a", "has no AuthorizerUri"),
        ("      JwtConfiguration", "      Other", "DefaultAlgorithms is a list"),
        ("[RS256, ES256]", "[]", "DefaultAlgorithms is a list"),
        ("[RS256, ES256]", "[RS256, HS256]", "DefaultAlgorithms has HS256"),
        ("[RS256, ES256]", "[none]", "DefaultAlgorithms has none"),
        ("[RS256, ES256]", "[ES512]", "DefaultAlgorithms has ES512"),
        ("        Issuers:", "        Others:", "list of different issuers"),
        ("https://other.example.com/", "https://auth.example.com", "list of different issuers"),
        ("https://other.example.com/", "https://other.example.com/?a", "neither a query nor a fragment"),
        ("Issuer: https://auth", "Other: https://auth", "an issuer has no Issuer"),
        ("Audiences: [theirs]", "Audiences: []", "Audiences is a list"),
        ("Audiences: [theirs]", "Audiences: ['']", "Audiences is a list"),
        ("ClaimName: sid", "ClaimName: aud", "ClaimName can't be \"aud\""),
        ("ClaimName: sid", "Other: sid", "ClaimName can't be \"\""),
        ("sid, Format: SINGLE_STRING", "sid, Format: LIST", "the Format of the claim sid"),
        ("ExpectedValues: [north]", "ExpectedValues: [north, south]", "the claim tenant is a list of one"),
        ("ExpectedValues: [north]", "ExpectedValues: []", "ExpectedValues is a list"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let told = template(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(told.contains(said), "{said} in {told}");
    }
}
