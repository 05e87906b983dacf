//! `POST /v2/email/outbound-emails` (`SendEmail`, simple content), `GET /v2/email/account`, and the suppression list:
//! `PUT /v2/email/suppression/addresses`, `GET` and `DELETE /v2/email/suppression/addresses/ADDRESS`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value, json};

use super::suppression::Entry;
use super::{Mail, Mailbox, new_id};
use crate::clock::Clock;
use crate::guard;

/// What SES takes in a subject: anything but the end of the line.
const BREAKS: [char; 2] = ['\r', '\n'];

pub(super) fn router(mailbox: Mailbox, clock: Clock) -> Router {
    Router::new()
        .route("/v2/email/outbound-emails", post(send))
        .route("/v2/email/account", get(account))
        .route("/v2/email/suppression/addresses", put(suppress))
        .route("/v2/email/suppression/addresses/{address}", get(suppressed).delete(unsuppress))
        .layer(axum::middleware::from_fn(guard::by_programs))
        .with_state((mailbox, clock))
}

async fn send(State((mailbox, clock)): State<(Mailbox, Clock)>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    match read(&request, clock.now_ms()) {
        Err(problem) => refused("BadRequestException", problem),
        // SES takes what it will not deliver like any other mail: the sender is not told.
        Ok(mail) if !mail.to.iter().any(|to| mailbox.reaches(to)) => {
            answer(StatusCode::OK, &json!({ "MessageId": mail.id }))
        }
        Ok(mail) => match mailbox.keep(&mail) {
            Ok(()) => answer(StatusCode::OK, &json!({ "MessageId": mail.id })),
            Err(_) => broken(),
        },
    }
}

async fn suppress(State((mailbox, clock)): State<(Mailbox, Clock)>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let (address, entry) = (text("EmailAddress"), Entry::new(text("Reason"), clock.now_ms()));
    match entry.filter(|_| address.contains('@') && address.is_ascii()) {
        None => refused("BadRequestException", "An address and a reason (BOUNCE or COMPLAINT) are needed."),
        Some(entry) => done(mailbox.suppress(address, Some(entry)).map(|_| true)),
    }
}

async fn suppressed(State((mailbox, _)): State<(Mailbox, Clock)>, Path(address): Path<String>) -> Response {
    match mailbox.suppressed(&address) {
        Some(entry) => answer(StatusCode::OK, &entry.told(&address)),
        None => not_found(),
    }
}

async fn unsuppress(State((mailbox, _)): State<(Mailbox, Clock)>, Path(address): Path<String>) -> Response {
    done(mailbox.suppress(&address, None))
}

fn done(was_there: Result<bool, String>) -> Response {
    match was_there {
        Ok(true) => answer(StatusCode::OK, &json!({})),
        Ok(false) => not_found(),
        Err(_) => broken(),
    }
}

/// An account that may send to anybody.
async fn account() -> Response {
    let quota = json!({ "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0 });
    let account = json!({
        "ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY", "SendQuota": quota,
        "SuppressionAttributes": { "SuppressedReasons": ["BOUNCE", "COMPLAINT"] },
    });
    answer(StatusCode::OK, &account)
}

/// A mail, as far as SES would take it.
fn read(request: &Value, now_ms: u64) -> Result<Mail, &'static str> {
    let text = |at: &str| request.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let to = request.pointer("/Destination/ToAddresses").and_then(Value::as_array);
    let to: Vec<_> = to.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let (from, simple) = (text("/FromEmailAddress"), "/Content/Simple");
    let subject = text(&format!("{simple}/Subject/Data"));
    let (text, html) = (text(&format!("{simple}/Body/Text/Data")), text(&format!("{simple}/Body/Html/Data")));
    if to.is_empty() || to.iter().chain([&from]).any(|address| !address.contains('@') || !address.is_ascii())
    {
        return Err("An address is missing, or not in ASCII.");
    }
    if subject.is_empty() || subject.contains(BREAKS) || (text.is_empty() && html.is_empty()) {
        return Err("The content is missing, or the subject is more than one line.");
    }
    Ok(Mail { id: new_id(), sent_at_ms: now_ms, from, to, subject, text, html })
}

fn broken() -> Response {
    answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({}))
}

fn refused(kind: &'static str, message: &str) -> Response {
    failed(StatusCode::BAD_REQUEST, kind, message)
}

fn not_found() -> Response {
    failed(StatusCode::NOT_FOUND, "NotFoundException", "The address is not on the suppression list.")
}

fn failed(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let mut response = answer(status, &json!({ "message": message }));
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(kind));
    response
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        json!({
            "FromEmailAddress": "\"Nova\" <no-reply@example.com>",
            "Destination": { "ToAddresses": ["sara@example.com"] },
            "Content": { "Simple": {
                "Subject": { "Data": "Hello", "Charset": "UTF-8" },
                "Body": { "Text": { "Data": "Go to\nhttps://app.example.com/reset#t=x now" }, "Html": { "Data": "<p>Hello</p>" } },
            } },
        })
    }

    #[test]
    fn a_mail_is_taken_with_its_link_and_what_ses_would_refuse_is_refused() {
        let mail = read(&request(), 7).unwrap();
        assert_eq!(
            (mail.to[0].as_str(), mail.link()),
            ("sara@example.com", Some("https://app.example.com/reset#t=x"))
        );
        for (at, value) in [
            ("/FromEmailAddress", json!("نوفا <no-reply@example.com>")),
            ("/FromEmailAddress", json!("")),
            ("/Destination/ToAddresses", json!([])),
            ("/Destination/ToAddresses", json!(["سارة@example.com"])),
            ("/Content/Simple/Subject/Data", json!("Hello\r\nBcc: all@example.com")),
            ("/Content/Simple/Subject/Data", json!("")),
        ] {
            let mut request = request();
            *request.pointer_mut(at).unwrap() = value.clone();
            assert!(read(&request, 7).is_err(), "{at} {value}");
        }
    }

    #[tokio::test]
    async fn a_suppressed_address_gets_nothing_until_it_is_freed_and_the_sender_is_not_told() {
        use crate::documents::Documents;
        let mailbox = Mailbox::new(Documents::new(dynoxide::Database::memory().unwrap()));
        let state = || State((mailbox.clone(), Clock::manual(7_000)));
        let sent = async |to: &str| {
            let mut request = request();
            request["Destination"]["ToAddresses"][0] = json!(to);
            let before = mailbox.all().len();
            let answer = send(state(), request.to_string().into()).await;
            assert_eq!(answer.status(), StatusCode::OK);
            mailbox.all().len() > before
        };
        assert!(sent("sara@example.com").await && sent("complaint@simulator.amazonses.com").await);
        assert!(!sent("bounce@simulator.amazonses.com").await);
        assert!(!sent("suppressionlist@simulator.amazonses.com").await);
        let address = || Path("sara@example.com".to_owned());
        let put = async |reason: &str| {
            let entry = json!({ "EmailAddress": "Sara@example.com", "Reason": reason });
            suppress(state(), entry.to_string().into()).await.status()
        };
        assert_eq!(put("WHIM").await, StatusCode::BAD_REQUEST);
        assert_eq!(suppressed(state(), address()).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(put("COMPLAINT").await, StatusCode::OK);
        assert_eq!(suppressed(state(), address()).await.status(), StatusCode::OK);
        assert!(!sent("sara@example.com").await && sent("ali@example.com").await);
        assert_eq!(unsuppress(state(), address()).await.status(), StatusCode::OK);
        assert_eq!(unsuppress(state(), address()).await.status(), StatusCode::NOT_FOUND);
        assert!(sent("sara@example.com").await);
    }
}
