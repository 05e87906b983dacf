//! What an endpoint is given.

use std::collections::BTreeMap;

use lambda_http::{
    Body,
    http::{HeaderMap, Method, Response, header},
};

use super::{bearer::bearer, body::Fields, origin::Page};
use crate::{
    domain::{
        moment::Moment,
        refusal::{Fault, MAX_BODY_BYTES, Refusal},
        strict_json,
    },
    flows::Requester,
    keys::Token,
    messages::Language,
    settings::EdgeConfig,
};

/// A request, as typed as it can be before its endpoint looks at it.
pub struct Request {
    /// When, and which invocation.
    pub moment: Moment,
    /// Who is calling.
    pub caller: Requester,
    /// The language of the answer.
    pub language: Language,
    /// The id that the answer carries, and API Gateway's log.
    pub(super) public_id: String,
    pub(super) method: Method,
    /// The route, as API Gateway names it.
    pub(super) route: String,
    pub(super) headers: HeaderMap,
    /// The page that asked for it.
    pub(super) page: Page,
    /// The parts of the path that the route names.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) query: BTreeMap<String, Vec<String>>,
    /// `None`: it came as base64 that is none.
    pub(super) body: Option<Vec<u8>>,
}

/// Headers and body hold tokens and passwords.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("id", &self.public_id).finish_non_exhaustive()
    }
}

impl Request {
    /// Insists on a method.
    ///
    /// # Errors
    /// `MethodNotAllowed`.
    pub fn require(&self, method: &Method) -> Result<(), Refusal> {
        if self.method == method { Ok(()) } else { Err(Refusal::MethodNotAllowed) }
    }

    /// The id that the answer carries.
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.public_id
    }

    /// Lets the page that asked read the answer, if its origin is on the list.
    pub fn share(&self, response: &mut Response<Body>) {
        self.page.share(response);
    }

    /// Tells the page that asks what it may send, if its origin is on the list.
    pub fn permit(&self, response: &mut Response<Body>, methods: &str, edge: &EdgeConfig) {
        self.page.permit(response, methods, &edge.allowed_headers);
    }

    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The route that the request came by, for functions that have several.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The part of the path that the route gives this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// What the query says of this name; nothing, if that is empty.
    ///
    /// # Errors
    /// `Invalid`, where it says it several times.
    pub fn query(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        match self.query.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([one]) => Ok(Some(one.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Refusal::field(name, Fault::Invalid)),
        }
    }

    /// The body's members. An empty body has none.
    ///
    /// # Errors
    /// `PayloadTooLarge`, `UnsupportedMediaType`, `Invalid`.
    pub fn json(&self) -> Result<Fields, Refusal> {
        let not_json = || Refusal::field("body", Fault::NotJson);
        let body = self.body.as_deref().ok_or_else(not_json)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(Refusal::PayloadTooLarge);
        }
        if body.is_empty() {
            return Ok(Fields::new(serde_json::Map::new()));
        }
        if !self.has_type(b"application/json") {
            return Err(Refusal::UnsupportedMediaType);
        }
        strict_json::object(body).map(Fields::new).map_err(|_| not_json())
    }

    /// The body's members, of a form (as the standards of OAuth have it) or of JSON.
    ///
    /// # Errors
    /// `PayloadTooLarge`, `UnsupportedMediaType`, `Invalid`, also for a name that stands there twice (RFC 6749, section 3.1).
    pub fn form_or_json(&self) -> Result<Fields, Refusal> {
        match self.body.as_deref() {
            Some(body) if self.has_type(b"application/x-www-form-urlencoded") => {
                if body.len() > MAX_BODY_BYTES {
                    return Err(Refusal::PayloadTooLarge);
                }
                let mut members = serde_json::Map::new();
                for (name, value) in form_urlencoded::parse(body) {
                    if members.insert(name.into_owned(), value.into()).is_some() {
                        return Err(Refusal::field("body", Fault::Invalid));
                    }
                }
                Ok(Fields::new(members))
            }
            _ => self.json(),
        }
    }

    /// The bearer token, if there is one.
    ///
    /// # Errors
    /// `TokenInvalid`, for several.
    pub fn bearer(&self) -> Result<Option<Token>, Refusal> {
        let values: Option<Vec<&str>> =
            self.headers.get_all(header::AUTHORIZATION).iter().map(|value| value.to_str().ok()).collect();
        bearer(values.ok_or(Refusal::TokenInvalid)?)
    }

    /// The bearer token, where there has to be one.
    ///
    /// # Errors
    /// `TokenMissing`, and `TokenInvalid` for several.
    pub fn required_bearer(&self) -> Result<Token, Refusal> {
        self.bearer()?.ok_or(Refusal::TokenMissing)
    }

    /// Whether the body is said to be of this type, whatever its parameters: RFC 8259, section 11, gives `charset` no effect, and
    /// JSON is UTF-8 or it is none. Nor has a form any.
    fn has_type(&self, media_type: &[u8]) -> bool {
        let mut values = self.headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        // A parameter may hold what is not ASCII; the type may not.
        let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(media_type)
    }
}
