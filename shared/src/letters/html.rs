//! The HTML of a letter, which is XML too: a strict parser reads it in the tests. Every text is escaped where it is put in, whoever wrote it.

use super::Part;
use crate::messages::Language;

/// The page. Programs that read mail drop style sheets, so that each element has its own style.
pub(super) fn page(subject: &str, language: Language, parts: &[Part]) -> String {
    let direction = match language {
        Language::Arabic => "rtl",
        Language::English => "ltr",
    };
    let (tag, subject) = (language.name(), escaped(subject));
    let body: String = parts.iter().map(part).collect();
    format!(
        "<!doctype html>\n<html lang=\"{tag}\" dir=\"{direction}\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width\"/><meta name=\"color-scheme\" content=\"light\"/>\
         <title>{subject}</title></head>\
         <body style=\"margin:0;padding:24px 12px;background:#f3f4f6;color:#1f2937;\
         font:16px/1.6 system-ui,-apple-system,'Segoe UI',Tahoma,Arial,sans-serif\">\
         <div style=\"max-width:30rem;margin:0 auto;padding:32px;background:#ffffff;border-radius:12px\">{body}</div></body></html>\n"
    )
}

fn part(part: &Part) -> String {
    match part {
        Part::Title(text) => {
            format!("<h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.3\">{}</h1>", escaped(text))
        }
        Part::Line(text) => format!("<p style=\"margin:0 0 16px\">{}</p>", escaped(text)),
        Part::Button(text, link) => {
            let (text, link) = (escaped(text), escaped(link));
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{link}\" style=\"display:inline-block;padding:12px 24px;\
                 background:#1d4ed8;color:#ffffff;border-radius:8px;text-decoration:none;font-weight:600\">{text}</a></p>\
                 <p dir=\"ltr\" style=\"margin:0 0 16px;font-size:13px;color:#4b5563;word-break:break-all\">{link}</p>"
            )
        }
        Part::Code(text, code) => format!(
            "<p style=\"margin:0 0 4px\">{}</p><p dir=\"ltr\" style=\"margin:0 0 16px;font:600 28px/1.4 ui-monospace,monospace;\
             letter-spacing:2px;white-space:nowrap\">{}</p>",
            escaped(text),
            escaped(code)
        ),
        Part::Small(text) => {
            format!("<p style=\"margin:16px 0 0;font-size:13px;color:#4b5563\">{}</p>", escaped(text))
        }
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
