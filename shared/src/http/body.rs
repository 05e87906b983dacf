//! JSON members, read one by one, so that an answer names every fault at once.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    domain::{
        email::Email,
        factors::{recovery::RecoveryCode, totp::TotpCode},
        ids::FingerprintHash,
        mail::{MailCode, MailToken},
        name::PersonName,
        refusal::{Fault, FieldFault, Refusal},
    },
    flows::{factors::prove::FactorProof, mail::redeem::Proof},
};

/// The members of a body, and what was found wrong with them so far.
pub struct Fields {
    members: Map<String, Value>,
    faults: Vec<FieldFault>,
}

/// The members hold passwords and tokens.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fields").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Fields {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self { members, faults: Vec::new() }
    }

    fn fault<T>(&mut self, field: &'static str, fault: Fault) -> Option<T> {
        self.faults.push(FieldFault { field, fault });
        None
    }

    /// A text that has to be there and not be empty, unchanged.
    pub fn text(&mut self, field: &'static str) -> Option<String> {
        match self.members.remove(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(Value::String(_) | Value::Null) | None => self.fault(field, Fault::Required),
            Some(_) => self.fault(field, Fault::WrongType),
        }
    }

    /// A text that has to be there and be read as something.
    pub fn parsed<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.text(field)?;
        parse(&text).map_or_else(|fault| self.fault(field, fault), Some)
    }

    /// A text that may be missing, null or empty. `name` is the member's, `field` how faults call it.
    fn optional(
        &mut self,
        members: &mut Map<String, Value>,
        name: &str,
        field: &'static str,
    ) -> Option<String> {
        match members.remove(name) {
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(Value::Null) | None => None,
            Some(_) => self.fault(field, Fault::WrongType),
        }
    }

    /// A text that may be missing, null or empty.
    pub fn optional_text(&mut self, field: &'static str) -> Option<String> {
        let mut members = std::mem::take(&mut self.members);
        let text = self.optional(&mut members, field, field);
        self.members = members;
        text
    }

    /// Yes or no, which may be missing or null: then it is no.
    pub fn optional_flag(&mut self, field: &'static str) -> bool {
        match self.members.remove(field) {
            Some(Value::Bool(flag)) => flag,
            Some(Value::Null) | None => false,
            Some(_) => self.fault(field, Fault::WrongType).unwrap_or_default(),
        }
    }

    /// A whole number that is not negative.
    pub fn number(&mut self, field: &'static str) -> Option<u64> {
        match self.members.remove(field) {
            Some(Value::Number(number)) => number.as_u64().or_else(|| self.fault(field, Fault::Invalid)),
            Some(Value::Null) | None => self.fault(field, Fault::Required),
            Some(_) => self.fault(field, Fault::WrongType),
        }
    }

    /// The `token` of a mail's link.
    pub fn mail_link(&mut self) -> Option<Result<Proof, Refusal>> {
        let token = self.text("token")?;
        Some(MailToken::parse(&token).map(Proof::Link).map_err(|_| Refusal::MailTokenInvalid))
    }

    /// What somebody shows who has read a mail: `token`, or `email` and `code`. What has the form of none is a wrong one, and is told
    /// to be no more than that; what is missing is a fault.
    pub fn mail_proof(&mut self) -> Option<Result<Proof, Refusal>> {
        if self.members.contains_key("token") || !self.members.contains_key("code") {
            return self.mail_link();
        }
        let code = self.text("code");
        let email = self.parsed("email", Email::parse);
        let code = MailCode::parse(&code?).map_err(|_| Refusal::MailTokenInvalid);
        let email = email?;
        Some(code.map(|code| Proof::Code(email, code)))
    }

    /// What a browser answered of a passkey, as its `toJSON()` makes it: `passkey`.
    pub fn passkey<T: DeserializeOwned>(&mut self) -> Option<T> {
        const FIELD: &str = "passkey";
        match self.members.remove(FIELD) {
            Some(answer @ Value::Object(_)) => {
                serde_json::from_value(answer).ok().or_else(|| self.fault(FIELD, Fault::Invalid))
            }
            Some(Value::Null) | None => self.fault(FIELD, Fault::Required),
            Some(_) => self.fault(FIELD, Fault::WrongType),
        }
    }

    /// A second factor: `code`, `recoveryCode` or `passkey`. `None` where there is none of them, which is no fault yet.
    pub fn factor_proof(&mut self) -> Option<FactorProof> {
        if self.members.contains_key("passkey") {
            return self.passkey().map(Box::new).map(FactorProof::Passkey);
        }
        if self.members.contains_key("recoveryCode") {
            return self.parsed("recoveryCode", RecoveryCode::parse).map(FactorProof::Recovery);
        }
        if self.members.contains_key("code") {
            return self.parsed("code", TotpCode::parse).map(FactorProof::Code);
        }
        None
    }

    /// What a user calls a factor: up to 60 characters, none of them unseen.
    pub fn factor_name(&mut self) -> Option<String> {
        let name = self.optional_text("name")?;
        match PersonName::parse(&name) {
            Ok(name) if name.as_str().chars().count() <= 60 => Some(name.as_str().to_owned()),
            Ok(_) => self.fault("name", Fault::TooLong),
            Err(fault) => self.fault("name", fault),
        }
    }

    /// `deviceInfo`: what the client says of itself.
    pub fn device_info(&mut self) -> DeviceInfo {
        let mut info = match self.members.remove("deviceInfo") {
            Some(Value::Object(info)) => info,
            Some(Value::Null) | None => return DeviceInfo::default(),
            Some(_) => return self.fault("deviceInfo", Fault::WrongType).unwrap_or_default(),
        };
        DeviceInfo {
            user_agent: self
                .optional(&mut info, "userAgent", "deviceInfo.userAgent")
                .map(|text| clip(&text, 512)),
            ip: self.optional(&mut info, "ip", "deviceInfo.ip").map(|text| clip(&text, 64)),
            fingerprint: self
                .optional(&mut info, "fingerprint", "deviceInfo.fingerprint")
                .map(|fingerprint| FingerprintHash::of(&fingerprint)),
        }
    }

    /// Adds a fault that the endpoint found.
    pub fn refuse(&mut self, field: &'static str, fault: Fault) {
        self.faults.push(FieldFault { field, fault });
    }

    /// What was read, if nothing was wrong with any of it.
    ///
    /// # Errors
    /// `Invalid`, with every fault.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Refusal> {
        match read {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Refusal::Invalid(self.faults)),
        }
    }
}

/// What a client says of itself.
#[derive(Debug, Default)]
pub struct DeviceInfo {
    /// Its idea of its user agent, cut at 512 characters.
    pub user_agent: Option<String>,
    /// Its idea of its address, cut at 64 characters.
    pub ip: Option<String>,
    /// SHA-256 of what it calls itself.
    pub fingerprint: Option<FingerprintHash>,
}

/// The first characters of a text, without those that no screen shows, and those that turn the direction of what follows.
pub(super) fn clip(text: &str, characters: usize) -> String {
    let turns = |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !turns(c)).take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(body: Value) -> Fields {
        Fields::new(body.as_object().unwrap().clone())
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let mut fields = fields(serde_json::json!({"a": 1, "b": "", "c": null, "deviceInfo": {"ip": []}}));
        let read =
            (fields.text("a"), fields.text("b"), fields.text("c"), fields.text("d"), fields.device_info().ip);
        let Err(Refusal::Invalid(faults)) = fields.finish(Some(read)) else { panic!("accepted") };
        let faults: Vec<_> = faults.into_iter().map(|fault| (fault.field, fault.fault)).collect();
        let expected = [
            ("a", Fault::WrongType),
            ("b", Fault::Required),
            ("c", Fault::Required),
            ("d", Fault::Required),
            ("deviceInfo.ip", Fault::WrongType),
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn what_a_client_says_of_itself_is_cut_to_size() {
        let mut fields = fields(serde_json::json!({"deviceInfo": {"userAgent": "x\u{0}".repeat(600)}}));
        assert_eq!(fields.device_info().user_agent, Some("x".repeat(512)));
    }
}
