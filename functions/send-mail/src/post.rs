//! Amazon SES. Its client is here, and in no other function.

use aws_sdk_sesv2::{
    error::{BuildError, ProvideErrorMetadata as _},
    types::{Body, Content, Destination, EmailContent, Message},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nova_auth::{
    aws::{HttpClient, service_config},
    config::{AwsConfig, MailConfig},
    domain::email::Email,
    flows::mail::send::{NotTaken, Post},
    letters::Letter,
};

/// SES, and who mails are from.
pub(crate) struct Ses {
    client: aws_sdk_sesv2::Client,
    from: String,
    configuration_set: Option<String>,
}

impl Ses {
    /// Builds the client; nothing is sent yet.
    pub(crate) fn new(mail: MailConfig, config: &AwsConfig, http: HttpClient) -> Self {
        let ses = service_config(config, http, config.service_urls.ses.as_ref());
        Self {
            client: aws_sdk_sesv2::Client::new(&ses),
            from: from(&mail.name, &mail.from),
            configuration_set: mail.configuration_set,
        }
    }
}

impl Post for Ses {
    async fn deliver(&self, to: &Email, letter: &Letter) -> Result<(), NotTaken> {
        // SES takes no other letters: a domain of another script is given as it stands in DNS.
        let to = to.in_ascii().ok_or_else(|| NotTaken("the address is not in ASCII".to_owned()))?;
        let content = content(letter).map_err(|_| NotTaken("it has no form".to_owned()))?;
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(content)
            .set_configuration_set_name(self.configuration_set.clone());
        // SES repeats the address in its messages: only the error's kind is told.
        sent.send().await.map(drop).map_err(|error| NotTaken(error.code().unwrap_or("no answer").to_owned()))
    }
}

fn content(letter: &Letter) -> Result<EmailContent, BuildError> {
    let part = |text: &str| Content::builder().charset("UTF-8").data(text).build();
    let body = Body::builder().text(part(&letter.text)?).html(part(&letter.html)?).build();
    let message = Message::builder().subject(part(&letter.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

/// `Name <address>`. SES takes ASCII alone here: any other name is written in encoded words (RFC 2047).
fn from(name: &str, address: &Email) -> String {
    let address = address.in_ascii().unwrap_or_else(|| address.as_str().to_owned());
    if name.is_ascii() { format!("\"{name}\" <{address}>") } else { format!("{} <{address}>", encoded(name)) }
}

/// A word has 75 characters at most, and no letter is cut in two.
fn encoded(name: &str) -> String {
    const MOST: usize = 45;
    let mut words = vec![String::new()];
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= MOST => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words: Vec<_> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_service_s_name_stands_before_the_address_in_ascii() {
        let address = Email::parse("no-reply@example.com").unwrap();
        assert_eq!(from("Nova CRM", &address), "\"Nova CRM\" <no-reply@example.com>");
        let other = Email::parse("no-reply@bücher.example").unwrap();
        assert_eq!(from("Nova", &other), "\"Nova\" <no-reply@xn--bcher-kva.example>");
        let arabic = from("نوفا لإدارة العملاء والمبيعات والخدمات", &address);
        assert!(arabic.is_ascii(), "{arabic}");
        let words: Vec<_> = arabic.split(' ').collect();
        assert!(words.len() > 2 && words.iter().all(|word| word.len() <= 75), "{arabic}");
        let decoded: Vec<_> = words
            .iter()
            .filter_map(|word| word.strip_prefix("=?UTF-8?B?")?.strip_suffix("?="))
            .map(|word| String::from_utf8(STANDARD.decode(word).unwrap()).unwrap())
            .collect();
        assert_eq!(decoded.concat(), "نوفا لإدارة العملاء والمبيعات والخدمات");
    }
}
