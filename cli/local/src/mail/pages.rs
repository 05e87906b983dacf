//! The mailbox, for a person and for tests. What is in a mail is somebody else's: each text is escaped, and the HTML of a mail is shown in a
//! frame that may do nothing at all.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Mail, Mailbox};

/// Our own pages: their style, and a frame of this origin.
const OWN: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The HTML of a mail: its styles, and nothing else. It has no origin, runs nothing, and links open elsewhere.
const FOREIGN: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
                       sandbox allow-popups allow-popups-to-escape-sandbox";

/// What is served beneath `/_local/mail`; `rest` is what follows that. `None`: nothing.
pub(crate) fn answer(mailbox: &Mailbox, rest: &str) -> Option<Response<Body>> {
    match rest {
        "" | "/" => Some(page(list(&mailbox.all()))),
        ".json" => Some(listed(&mailbox.all())),
        _ => {
            let rest = rest.strip_prefix('/')?;
            let (id, is_html) = rest.strip_suffix("/html").map_or((rest, false), |id| (id, true));
            let mail = mailbox.find(id)?;
            Some(if is_html { html(FOREIGN, framed(&mail.html)) } else { page(whole(&mail)) })
        }
    }
}

fn listed(mails: &[Mail]) -> Response<Body> {
    let mail = |mail: &Mail| {
        let mut value = serde_json::to_value(mail).unwrap_or_default();
        if let Some(value) = value.as_object_mut() {
            value.insert("link".to_owned(), json!(mail.link()));
        }
        value
    };
    let all: Vec<Value> = mails.iter().map(mail).collect();
    response("application/json", OWN, json!({ "mails": all }).to_string())
}

fn list(mails: &[Mail]) -> String {
    if mails.is_empty() {
        return "<p>No mail yet. Ask for a new password, for example.</p>".to_owned();
    }
    let row = |mail: &Mail| {
        let (id, subject, to) = (escaped(&mail.id), escaped(&mail.subject), escaped(&mail.to.join(", ")));
        format!(
            "<li><a href=\"/_local/mail/{id}\" dir=\"auto\">{subject}</a><br><small>{to} · {}</small></li>",
            time(mail)
        )
    };
    format!("<ul>{}</ul>", mails.iter().map(row).collect::<String>())
}

fn whole(mail: &Mail) -> String {
    let link = mail.link().map(|link| {
        let link = escaped(link);
        format!("<p><a href=\"{link}\" rel=\"noreferrer\">{link}</a></p>")
    });
    format!(
        "<p><a href=\"/_local/mail\">All mails</a></p><h2 dir=\"auto\">{}</h2><p>From {} to {}<br>{}</p>{}\
         <iframe title=\"HTML\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" src=\"/_local/mail/{}/html\" \
         width=\"100%\" height=\"560\"></iframe><pre dir=\"auto\">{}</pre>",
        escaped(&mail.subject),
        escaped(&mail.from),
        escaped(&mail.to.join(", ")),
        time(mail),
        link.unwrap_or_default(),
        escaped(&mail.id),
        escaped(&mail.text)
    )
}

/// Links open in a tab of their own: in the frame they could do nothing.
fn framed(html: &str) -> String {
    html.replacen("<head>", "<head><base target=\"_blank\">", 1)
}

fn time(mail: &Mail) -> String {
    let at = i64::try_from(mail.sent_at_ms / 1000).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.unwrap_or_default().to_string()
}

fn page(body: String) -> Response<Body> {
    let whole = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Mail</title><link rel=\"stylesheet\" href=\"/_local/style.css\"></head><body><main><h1>Mail</h1>{body}</main></body></html>"
    );
    html(OWN, whole)
}

fn html(policy: &'static str, body: String) -> Response<Body> {
    response("text/html; charset=utf-8", policy, body)
}

fn response(kind: &'static str, policy: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::OK;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::documents::Documents;

    fn mailbox() -> Mailbox {
        let mailbox = Mailbox::new(Documents::new(dynoxide::Database::memory().unwrap()));
        let hostile = "<script>alert(1)</script>";
        let mail = |id: &str| Mail {
            id: id.to_owned(),
            sent_at_ms: 1_700_000_000_000,
            from: hostile.to_owned(),
            to: vec![hostile.to_owned()],
            subject: hostile.to_owned(),
            text: format!("{hostile} https://app.example.com/\"><script>"),
            html: format!("<html><head></head><body>{hostile}</body></html>"),
        };
        mailbox.keep(&mail("one")).unwrap();
        mailbox.keep(&mail("two")).unwrap();
        mailbox
    }

    async fn ask(mailbox: &Mailbox, rest: &str) -> Option<(String, String)> {
        let (parts, body) = answer(mailbox, rest)?.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let policy = parts.headers["content-security-policy"].to_str().unwrap().to_owned();
        Some((policy, String::from_utf8(body.to_vec()).unwrap()))
    }

    /// A mail has texts of strangers in it, and is shown on the origin that the refresh cookie is for.
    #[tokio::test]
    async fn nothing_of_a_mail_is_markup_of_ours_and_its_own_runs_nowhere() {
        let mailbox = mailbox();
        for rest in ["", "/one"] {
            let (policy, body) = ask(&mailbox, rest).await.unwrap();
            assert!(!body.contains("<script>") && body.contains("&lt;script&gt;"), "{body}");
            assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        }
        let (policy, body) = ask(&mailbox, "/one/html").await.unwrap();
        assert!(policy.contains("sandbox") && !policy.contains("allow-scripts"), "{policy}");
        assert!(!policy.contains("allow-same-origin") && body.contains("<script>"), "{policy}");
        assert!(ask(&mailbox, "/three").await.is_none() && ask(&mailbox, "x").await.is_none());
    }

    #[tokio::test]
    async fn a_test_reads_the_newest_mail_first() {
        let (_, body) = ask(&mailbox(), ".json").await.unwrap();
        let all: Value = serde_json::from_str(&body).unwrap();
        let ids: Vec<_> =
            all["mails"].as_array().unwrap().iter().map(|mail| mail["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["two", "one"]);
        assert!(all["mails"][0]["link"].as_str().unwrap().starts_with("https://app.example.com/"));
    }

    #[test]
    fn the_oldest_mails_make_room_for_the_newest() {
        let mailbox = mailbox();
        let mail = mailbox.find("one").unwrap();
        for number in 0..super::super::MOST {
            mailbox.keep(&Mail { id: number.to_string(), ..mail.clone() }).unwrap();
        }
        assert_eq!(mailbox.all().len(), super::super::MOST);
        assert!(mailbox.find("one").is_none() && mailbox.find("0").is_some());
    }
}
