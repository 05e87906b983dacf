//! What a template comes to, once everything in it is resolved.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{EventSource, Exports, Queue, Rule};

/// One template: everything of it that this machine runs.
#[derive(Debug)]
pub struct Template {
    /// Its file.
    pub path: PathBuf,
    /// The Lambda functions.
    pub functions: Vec<Function>,
    /// The APIs of every kind, in the order of the file.
    pub apis: Vec<Api>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    pub secrets: Vec<Secret>,
    pub buckets: Vec<Bucket>,
    /// The SQS queues.
    pub queues: Vec<Queue>,
    /// The names of the event buses, but for the one that every account has.
    pub buses: Vec<String>,
    /// What calls functions besides requests.
    pub sources: Vec<EventSource>,
    /// The rules of event buses that are resources of their own.
    pub rules: Vec<Rule>,
    /// What other templates may import, by the export's name.
    pub exports: Exports,
}

/// A Lambda function (`AWS::Serverless::Function`, `AWS::Lambda::Function`).
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the template, which is also its name on this machine.
    pub logical_id: String,
    /// The package and binary that it runs: the last part of its code's directory, or its name where that has none.
    pub binary: String,
    /// Where its code lies (`CodeUri`, or `Code` without SAM), if the template says so by a directory that has a name.
    pub code: Option<PathBuf>,
    /// Seconds after which a call is given up and the process ended.
    pub timeout_seconds: u64,
    /// Megabytes that the function is told it has; nothing here enforces them.
    pub memory_megabytes: u64,
    /// The environment that the template gives it.
    pub environment: BTreeMap<String, String>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name: `TableName`, or the logical id where the template leaves the name to CloudFormation.
    pub name: String,
    /// The properties that `CreateTable` takes, in its own words.
    pub definition: serde_json::Value,
    /// The attribute whose time ends an item, where time-to-live is on.
    pub ttl_attribute: Option<String>,
    /// What the records of its stream show (`StreamViewType`), where it has one.
    pub stream: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name: `BucketName`, or the logical id in lower case.
    pub name: String,
    /// Whether it keeps every version of an object.
    pub is_versioned: bool,
    /// Whether the default bus hears of its objects.
    pub tells: bool,
    /// Whether GuardDuty scans its objects for malware (`AWS::GuardDuty::MalwareProtectionPlan`).
    pub is_scanned: bool,
}

#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name: `Name`, or the logical id.
    pub name: String,
    /// Its ARN on this machine, which `Ref` gives.
    pub arn: String,
    /// Where its first value comes from.
    pub value: SecretValue,
    /// The logical id of the function that rotates it (`AWS::SecretsManager::RotationSchedule`). The schedule itself is
    /// not kept on this machine: a rotation is asked for.
    pub rotation: Option<String>,
}

/// Where the first value of a secret comes from.
#[derive(Clone)]
pub enum SecretValue {
    /// `SecretString`: it stands in the template.
    Given(String),
    /// `GenerateSecretString`: it is made on the first start.
    Generated(Generated),
    /// Neither: there is no value until somebody puts one.
    Empty,
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SecretValue::Given(_) => "Given(…)",
            SecretValue::Generated(_) => "Generated",
            SecretValue::Empty => "Empty",
        })
    }
}

/// How a secret's first value is made (`GenerateSecretString`, with its defaults).
#[derive(Clone, Debug)]
pub struct Generated {
    /// The JSON object that the value is put into, and the key that it gets there.
    pub template: Option<(String, String)>,
    /// How many characters it has.
    pub length: usize,
    /// The classes of characters that it is made of: lower, upper, digits, punctuation, space.
    pub classes: Vec<Vec<char>>,
    /// Whether every class must occur.
    pub require_each: bool,
}

#[derive(Clone, Debug)]
pub struct Api {
    /// Its name in the template, which is also its apiId.
    pub logical_id: String,
    pub kind: ApiKind,
    /// The stage's name, which stands in ARNs and in `requestContext.path`; `$default` is one that no path names.
    pub stage: String,
    /// What it answers.
    pub routes: Vec<Route>,
    /// The Lambda authorizers that its routes name.
    pub authorizers: BTreeMap<String, Authorizer>,
    /// Those of them that call no function: the gateway verifies tokens itself. WebSocket APIs have none.
    pub jwt_authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Its own answers to what it refuses by itself, by type. Only REST APIs have any.
    pub responses: BTreeMap<String, GatewayResponse>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKind {
    /// `AWS::Serverless::Api`, `AWS::ApiGateway::RestApi`.
    Rest,
    /// `AWS::Serverless::HttpApi`, `AWS::ApiGatewayV2::Api` with the protocol `HTTP`.
    Http {
        /// What the gateway answers preflight requests with, and adds to every answer.
        cors: Option<Cors>,
    },
    /// `AWS::ApiGatewayV2::Api` with the protocol `WEBSOCKET`.
    WebSocket {
        /// Where a message says which route it is for: `$request.body.action`.
        selection: String,
    },
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Whole origins, `*`, `http://*` or `https://*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Names of request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Names of response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies may be sent along.
    pub allow_credentials: bool,
    /// Seconds for which a browser may keep the answer to a preflight request.
    pub max_age: Option<u64>,
}

/// The shape of the events that HTTP APIs send. REST and WebSocket APIs have one shape each, which is called 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `1.0`: near to what REST APIs send.
    One,
    /// `2.0`.
    Two,
}

/// The authorizer of routes that take requests signed with keys of AWS (SigV4). No template defines it.
pub const AWS_IAM: &str = "AWS_IAM";

/// One method of one resource of an API. The path of an HTTP API's catch-all is `$default`; a WebSocket API's routes
/// have the method `CONNECT`, `DISCONNECT` or `MESSAGE`, and their route key as the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method in capitals, or `ANY`.
    pub method: String,
    /// The resource's path, with `{name}` and `{name+}`.
    pub path: String,
    /// The logical id of the function behind it.
    pub function: String,
    /// The authorizer that must let a request pass; [`AWS_IAM`] is the gateway itself.
    pub authorizer: Option<String>,
    /// One of these a token must have, behind a JWT authorizer; none: any token will do.
    pub scopes: Vec<String>,
    /// The event that the function gets.
    pub payload: Payload,
    /// Whether what the function answers is sent to the client (WebSocket APIs only: a route response).
    pub responds: bool,
}

/// A Lambda authorizer of an API.
#[derive(Clone, Debug)]
pub struct Authorizer {
    /// The logical id of its function, which may be another template's.
    pub function: String,
    /// The event that it gets.
    pub kind: AuthorizerKind,
    /// Seconds that a result is kept for; 0 keeps none.
    pub ttl_seconds: u64,
    /// The shape of the event that it gets.
    pub payload: Payload,
    /// Whether it answers with `isAuthorized` instead of a policy (payload 2.0 only).
    pub simple: bool,
}

/// A JWT authorizer of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthorizer {
    /// Where the token is: a header or, of an HTTP API, a parameter of the query string.
    pub source: Identity,
    /// Whose tokens it takes. An HTTP API's authorizer has one issuer.
    pub issuers: Vec<JwtIssuer>,
    /// How a token may be signed, by the names of RFC 7518.
    pub algorithms: Vec<String>,
    /// The scopes of routes that name none of their own.
    pub scopes: Vec<String>,
}

/// An issuer whose tokens a JWT authorizer takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtIssuer {
    /// The exact `iss`, below which the issuer's keys are found.
    pub name: String,
    /// One of these must be the token's `aud`.
    pub audience: Vec<String>,
    /// What else a token must say. Only REST APIs ask for more.
    pub claims: Vec<JwtClaim>,
}

/// What a REST API asks of one more claim of a token (`AdditionalClaims`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtClaim {
    pub name: String,
    /// The only text that it may be. Without one, any text will do.
    pub value: Option<String>,
    /// Whether a token without it is refused.
    pub required: bool,
}

/// Which event an authorizer gets, and what a request must carry to be asked about.
#[derive(Clone, Debug)]
pub enum AuthorizerKind {
    /// The value of one header.
    Token {
        /// The header's name.
        header: String,
        /// What the whole value must match; anything else is refused without a call.
        validation: Option<regex_lite::Regex>,
    },
    /// The whole request.
    Request(Vec<Identity>),
}

/// An identity source of a `REQUEST` authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A request header.
    Header(String),
    /// A parameter of the query string.
    Query(String),
    /// A stage variable; there are none on this machine.
    StageVariable(String),
    /// A value of the request context, as `identity.sourceIp` (any kind), or `routeKey` (HTTP APIs).
    Context(String),
}

/// How an API words one of its own refusals (`GatewayResponses`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayResponse {
    /// The status, where it is not the type's own.
    pub status: Option<u16>,
    /// Headers, each with its mapping expression.
    pub headers: BTreeMap<String, String>,
    /// The template of a JSON body.
    pub body: Option<String>,
}
