//! The envelope that every answer comes in, and the headers that every answer has.

use jiff::SignedDuration;
use lambda_http::{
    Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    cookies::{self, SetCookie},
    error::{Problem, fault_arguments, fault_code},
};
use crate::{
    domain::{attempts::Quota, refusal::Refusal},
    flows::FlowError,
    messages::{Language, message},
};

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    pub(super) data: Option<Value>,
    message: Option<&'static str>,
    quota: Option<Quota>,
    published: Option<Published>,
    cookies: Vec<SetCookie>,
}

/// No answer, and the cookies that go with that.
#[derive(Debug)]
pub struct Failure {
    pub(super) error: FlowError,
    pub(super) cookies: Vec<SetCookie>,
}

impl Failure {
    /// The same, setting cookies too.
    #[must_use]
    pub fn with_cookies(self, cookies: Vec<SetCookie>) -> Self {
        Self { cookies, ..self }
    }
}

impl<E: Into<FlowError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), cookies: Vec::new() }
    }
}

/// A document of somebody else's format, without our envelope.
#[derive(Debug)]
struct Published {
    document: Value,
    media_type: &'static str,
    /// How long caches may keep it. Without it: not at all.
    max_age: Option<SignedDuration>,
}

impl Answer {
    const EMPTY: Self = Self {
        status: StatusCode::OK,
        data: None,
        message: None,
        quota: None,
        published: None,
        cookies: Vec::new(),
    };

    #[must_use]
    pub fn data(data: Value) -> Self {
        Self { data: Some(data), ..Self::EMPTY }
    }

    /// 200 with a public document of this type, without the envelope, that any cache may keep for a while.
    #[must_use]
    pub fn published(document: Value, media_type: &'static str, max_age: SignedDuration) -> Self {
        Self::document(Published { document, media_type, max_age: Some(max_age) })
    }

    /// 200 with a JSON document for whoever asked, without the envelope: where a standard says what the answer is.
    #[must_use]
    pub fn plain(document: Value) -> Self {
        Self::document(Published { document, media_type: "application/json", max_age: None })
    }

    fn document(published: Published) -> Self {
        Self { published: Some(published), ..Self::EMPTY }
    }

    #[must_use]
    pub fn created(data: Value) -> Self {
        Self { status: StatusCode::CREATED, data: Some(data), ..Self::EMPTY }
    }

    /// 202 with nothing but the message of this code: what was asked for happens later, or not at all.
    #[must_use]
    pub fn accepted(code: &'static str) -> Self {
        Self { status: StatusCode::ACCEPTED, message: Some(code), ..Self::EMPTY }
    }

    /// 200 with nothing but the message of this code.
    #[must_use]
    pub fn message(code: &'static str) -> Self {
        Self { message: Some(code), ..Self::EMPTY }
    }

    /// The same answer, telling the client of its window.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota: Some(quota), ..self }
    }

    /// The same answer, setting cookies too.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = SetCookie>) -> Self {
        self.cookies.extend(cookies);
        self
    }

    /// The answer as it is sent.
    #[must_use]
    pub fn render(&self, language: Language, request_id: &str) -> Response<Body> {
        if let Some(Published { document, media_type, max_age }) = &self.published {
            let mut response = enveloped(self.status, document, language, request_id);
            put(&mut response, header::CONTENT_TYPE, media_type);
            if let Some(max_age) = max_age {
                put(&mut response, header::CACHE_CONTROL, &format!("public, max-age={}", max_age.as_secs()));
                response.headers_mut().remove(header::CONTENT_LANGUAGE);
            }
            return response;
        }
        let mut envelope = json!({"success": true});
        if let (Some(members), Some(data)) = (envelope.as_object_mut(), &self.data) {
            members.insert("data".to_owned(), data.clone());
        }
        if let (Some(members), Some(code)) = (envelope.as_object_mut(), self.message) {
            members.insert("message".to_owned(), message(code, language, &[]).into());
        }
        let mut response = enveloped(self.status, &envelope, language, request_id);
        self.quota.iter().for_each(|quota| tell_quota(&mut response, quota));
        cookies::set(&mut response, &self.cookies);
        response
    }
}

impl Problem {
    /// The refusal as it is sent.
    #[must_use]
    pub fn render(&self, language: Language, request_id: &str) -> Response<Body> {
        let (status, code) = self.row();
        let mut envelope = json!({
            "success": false,
            "code": code,
            "message": self.message(language),
        });
        if let (Self::Refused(Refusal::Invalid(faults)), Some(members)) = (self, envelope.as_object_mut()) {
            let error = |fault: &crate::domain::refusal::FieldFault| {
                let code = fault_code(fault.fault);
                json!({"field": fault.field, "code": code, "message": message(code, language, &fault_arguments(fault.fault))})
            };
            members.insert("errors".to_owned(), faults.iter().map(error).collect());
        }
        let demand = self.demand();
        if let (Some(demand), Some(members)) = (demand, envelope.as_object_mut()) {
            members.extend(demand.acr().map(|acr| ("acr".to_owned(), acr.name().into())));
            members.extend(demand.max_age.map(|age| ("maxAge".to_owned(), age.seconds().into())));
        }
        let mut response = enveloped(status, &envelope, language, request_id);
        if let Some(demand) = demand {
            put(&mut response, header::WWW_AUTHENTICATE, &demand.challenge());
        }
        if let Some(wait) = self.retry_after() {
            put(&mut response, header::RETRY_AFTER, &wait.as_secs().to_string());
        }
        self.quota().into_iter().for_each(|quota| tell_quota(&mut response, quota));
        response
    }
}

/// An answer in its envelope, which is this JSON.
#[must_use]
pub fn enveloped(
    status: StatusCode,
    envelope: &Value,
    language: Language,
    request_id: &str,
) -> Response<Body> {
    let mut response = bare(status, Body::Text(envelope.to_string()), request_id);
    put(&mut response, header::CONTENT_TYPE, "application/json; charset=utf-8");
    put(&mut response, header::CONTENT_LANGUAGE, language.name());
    response
}

/// An answer with the headers that every one has, whatever is in it.
#[must_use]
pub fn bare(status: StatusCode, body: Body, request_id: &str) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-request-id"), request_id),
    ] {
        put(&mut response, name, value);
    }
    response
}

/// draft-ietf-httpapi-ratelimit-headers-10.
fn tell_quota(response: &mut Response<Body>, quota: &Quota) {
    let Quota { policy, limit, remaining, resets_in } = quota;
    let (max, window) = (limit.max, limit.window.as_secs());
    put(response, HeaderName::from_static("ratelimit-policy"), &format!("\"{policy}\";q={max};w={window}"));
    let seconds = resets_in.as_secs();
    put(response, HeaderName::from_static("ratelimit"), &format!("\"{policy}\";r={remaining};t={seconds}"));
}

/// A value that HTTP can't write is left out: only a request id could be one.
pub(super) fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        attempts::Limit,
        refusal::{Fault, FieldFault},
    };

    fn quota(seconds: i64) -> Quota {
        let limit = Limit { max: 5, window: SignedDuration::from_mins(15) };
        Quota { policy: "account", limit, remaining: 0, resets_in: SignedDuration::from_secs(seconds) }
    }

    fn body(response: Response<Body>) -> Value {
        let Body::Text(text) = response.into_body() else { panic!("no text") };
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_minutes_in_a_429_are_the_real_ones_rounded_up() {
        let problem = Problem::Refused(Refusal::LoginLocked(quota(61)));
        let response = problem.render(Language::English, "r");
        assert_eq!(response.headers()["retry-after"], "61");
        assert_eq!(response.headers()["ratelimit"], "\"account\";r=0;t=61");
        assert_eq!(response.headers()["ratelimit-policy"], "\"account\";q=5;w=900");
        assert_eq!(body(response)["message"], "Too many attempts. Try again in 2 minutes.");
    }

    #[test]
    fn a_rejected_body_names_every_field() {
        let faults = vec![
            FieldFault { field: "email", fault: Fault::Required },
            FieldFault { field: "password", fault: Fault::PasswordTooShort(8) },
        ];
        let answer = body(Problem::Refused(Refusal::Invalid(faults)).render(Language::English, "r"));
        assert_eq!(answer["code"], "VALIDATION_FAILED");
        assert_eq!(answer["errors"][0]["field"], "email");
        assert_eq!(answer["errors"][1]["code"], "PASSWORD_TOO_SHORT");
    }

    #[test]
    fn a_client_is_told_what_to_show_before_it_asks_again() {
        let age = Some(600.try_into().unwrap());
        let refusal = |second_factor, max_age| Refusal::StepUpRequired { second_factor, max_age };
        let answer = Problem::Refused(refusal(true, age)).render(Language::English, "r");
        assert_eq!(answer.status(), 403);
        let challenge =
            r#"Bearer error="insufficient_user_authentication", acr_values="urn:nova:2", max_age="600""#;
        assert_eq!(answer.headers()["www-authenticate"], challenge);
        let answer = body(answer);
        assert_eq!((&answer["acr"], &answer["maxAge"]), (&json!("urn:nova:2"), &json!(600)));
        let answer = body(Problem::Refused(refusal(false, age)).render(Language::English, "r"));
        assert_eq!((answer.get("acr"), &answer["maxAge"]), (None, &json!(600)));
        let other = Problem::Refused(Refusal::Forbidden).render(Language::English, "r");
        assert!(other.headers().get("www-authenticate").is_none());
    }

    #[test]
    fn an_answer_with_nothing_but_a_message_leaves_data_out() {
        let answer = body(Answer::message("LOGGED_OUT").render(Language::Arabic, "r"));
        assert_eq!(answer, json!({"success": true, "message": "تم تسجيل الخروج بنجاح"}));
    }

    #[test]
    fn a_public_document_comes_as_it_is_and_caches_may_keep_it() {
        let answer =
            Answer::published(json!({"keys": []}), "application/jwk-set+json", SignedDuration::from_mins(5));
        let response = answer.render(Language::Arabic, "r");
        assert_eq!(response.headers()["cache-control"], "public, max-age=300");
        assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
        assert!(response.headers().get("content-language").is_none());
        assert_eq!(body(response), json!({"keys": []}));
    }

    #[test]
    fn a_request_id_that_no_header_can_carry_costs_nothing_but_itself() {
        let response = Answer::message("LOGGED_OUT").render(Language::Arabic, "a\nb");
        assert_eq!(response.status(), 200);
        assert!(response.headers().get("x-request-id").is_none());
    }
}
