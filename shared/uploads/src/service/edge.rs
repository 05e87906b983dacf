//! Requests in, answers out, and the codes of uploads. Everything that every endpoint answers alike is the library's.

use std::fmt::Display;

use jiff::Timestamp;
use lambda_http::{
    Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use nova_auth::{
    http::{self, Request, bare, enveloped},
    messages::Language,
};
use nova_auth_domain::refusal::Refusal;
use serde_json::{Value, json};

use super::store::Row;
use crate::{reason::Reason, upload::State};

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// What any endpoint may say.
    Refused(Refusal),
    /// No file of this type may be sent for this purpose.
    TypeRefused,
    /// The file is larger than files of this purpose may be.
    TooLarge,
    /// The user has sent enough for today: seconds to the next day.
    Quota(i64),
    /// There is no such upload of this user.
    NotFound,
    /// The file is not judged yet.
    NotReady,
    FileRefused(Vec<Reason>),
    /// Something is out of reach for the moment.
    Unavailable,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Problem {
    /// Something is out of reach; what it was is for the log.
    pub fn unavailable(error: impl Display) -> Self {
        tracing::error!(error = %error, "a flow failed");
        Self::Unavailable
    }

    /// The quota of the day is used up, at this time of it.
    #[must_use]
    pub fn quota(now: Timestamp) -> Self {
        const DAY: i64 = 86_400;
        Self::Quota(DAY - now.as_second().rem_euclid(DAY))
    }

    /// Status, code, and what people read. Nothing, where the library says it.
    #[must_use]
    pub const fn row(&self) -> Option<(StatusCode, &'static str, &'static str, &'static str)> {
        use StatusCode as S;
        Some(match self {
            Self::TypeRefused => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "UPLOAD_TYPE_REFUSED",
                "نوع الملف غير مسموح به",
                "Files of this type are not allowed here.",
            ),
            Self::TooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "UPLOAD_TOO_LARGE",
                "حجم الملف أكبر من المسموح به",
                "The file is larger than allowed.",
            ),
            Self::Quota(_) => (
                S::TOO_MANY_REQUESTS,
                "UPLOAD_QUOTA",
                "بلغت الحد اليومي لرفع الملفات. حاول مرة أخرى غدًا",
                "You have reached today's upload limit. Try again tomorrow.",
            ),
            Self::NotFound => {
                (S::NOT_FOUND, "UPLOAD_NOT_FOUND", "الملف غير موجود", "There is no such upload.")
            }
            Self::NotReady => (
                S::CONFLICT,
                "UPLOAD_NOT_READY",
                "لم يكتمل فحص الملف بعد",
                "The file has not been checked yet. Try again in a moment.",
            ),
            Self::FileRefused(_) => (S::GONE, "UPLOAD_REFUSED", "رُفض الملف", "The file was refused."),
            Self::Refused(_) | Self::Unavailable => return None,
        })
    }

    fn retry_after(&self) -> Option<i64> {
        match self {
            Self::Quota(seconds) => Some(*seconds),
            Self::NotReady => Some(2),
            _ => None,
        }
    }

    /// The refusal as it is sent.
    #[must_use]
    pub fn render(&self, language: Language, request_id: &str) -> Response<Body> {
        let Some((status, code, arabic, english)) = self.row() else {
            let problem = match self {
                Self::Refused(refusal) => http::error::Problem::Refused(refusal.clone()),
                _ => http::error::Problem::Unavailable,
            };
            return problem.render(language, request_id);
        };
        let mut envelope =
            json!({"success": false, "code": code, "message": said(language, arabic, english)});
        if let (Self::FileRefused(reasons), Some(members)) = (self, envelope.as_object_mut()) {
            members.insert("reasons".to_owned(), told(reasons, language));
        }
        let mut response = enveloped(status, &envelope, language, request_id);
        if let Some(wait) = self.retry_after() {
            put(&mut response, header::RETRY_AFTER, &wait.to_string());
        }
        response
    }

    /// The code, for the log.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => http::error::Problem::Refused(refusal.clone()).row().1,
            other => other.row().map_or("SERVICE_UNAVAILABLE", |(_, code, ..)| code),
        }
    }
}

const fn said(language: Language, arabic: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Arabic => arabic,
        Language::English => english,
    }
}

fn told(reasons: &[Reason], language: Language) -> Value {
    let tell = |reason: &Reason| json!({"code": reason.name(), "message": said(language, reason.arabic(), reason.english())});
    reasons.iter().map(tell).collect()
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What the owner of an upload is told of it.
#[must_use]
pub fn shown(row: &Row, now: Timestamp, language: Language) -> Value {
    let state = row.state(now);
    let mut shown = json!({
        "uploadId": row.id.to_string(),
        "state": state.name(),
        "purpose": row.file.purpose,
        "fileName": row.file.name.as_str(),
        "contentType": row.file.kind.name(),
        "size": row.file.size,
    });
    let reasons: Vec<_> = row.upload.reasons().into_iter().collect();
    if let (State::Refused, Some(members)) = (state, shown.as_object_mut()) {
        members.insert("reasons".to_owned(), told(&reasons, language));
    }
    shown
}

/// A way to somewhere else, that nothing keeps.
#[must_use]
pub fn redirect(location: &str, request: &Request) -> Response<Body> {
    let mut response = bare(StatusCode::FOUND, Body::Empty, request.public_id());
    put(&mut response, header::LOCATION, location);
    put(&mut response, header::REFERRER_POLICY, "no-referrer");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_for_a_new_quota_ends_with_the_day() {
        let at = |time: &str| Problem::quota(time.parse().unwrap());
        assert_eq!(at("2026-01-01T23:59:59Z"), Problem::Quota(1));
        assert_eq!(at("2026-01-01T00:00:00Z"), Problem::Quota(86_400));
        let response = at("2026-01-01T23:59:00Z").render(Language::English, "r");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (429, &"60".parse().unwrap())
        );
    }

    #[test]
    fn a_refused_file_is_told_with_its_reasons_in_the_language_that_was_asked_for() {
        let response = Problem::FileRefused(vec![Reason::Macros]).render(Language::Arabic, "r");
        assert_eq!(response.status(), 410);
        let Body::Text(text) = response.into_body() else { panic!("no text") };
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["code"], "UPLOAD_REFUSED");
        assert_eq!(body["reasons"], json!([{"code": "MACROS", "message": "يحتوي المستند على وحدات ماكرو"}]));
    }
}
