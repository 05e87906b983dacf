//! A session that begins, or waits for its second step, as a client sees it.

use serde_json::{Value, json};

use super::{Answer, Request, body::Fields};
use crate::{
    domain::{factors::FactorKind, refusal::Fault},
    flows::{
        begin::LoggedIn,
        csrf::Carrier,
        login::{Login, SecondStep},
    },
    keys::Token,
};

impl Request {
    /// How the refresh tokens of a session are to travel: `tokenDelivery`.
    pub fn carrier(&self, fields: &mut Fields) -> Carrier {
        match fields.optional_text("tokenDelivery").as_deref() {
            None | Some("body") => Carrier::Body,
            Some("cookie") => Carrier::Cookie(self.proof()),
            Some(_) => {
                fields.refuse("tokenDelivery", Fault::Invalid);
                Carrier::Body
            }
        }
    }

    /// What the device keeps of a login before, on the way on which its refresh tokens travel.
    pub fn device_token(&self, fields: &mut Fields, carrier: &Carrier) -> Option<Token> {
        let in_body = fields.optional_text("deviceToken").map(Token::new);
        match carrier {
            Carrier::Body => in_body,
            Carrier::Cookie(_) => self.device_cookie(),
        }
    }
}

/// What a right password gets.
#[must_use]
pub fn login(login: &Login) -> Answer {
    match login {
        Login::Begun(begun) => logged_in(begun),
        Login::SecondStep(step) => second_step(step),
    }
}

/// A session that has begun.
#[must_use]
pub fn logged_in(begun: &LoggedIn) -> Answer {
    let LoggedIn { access, refresh, profile, quota, enrolling, password_change_advised, device } = begun;
    let mut data = json!({
        "accessToken": access.token.expose(),
        "expiresIn": access.expires_in.as_secs(),
        "user": {"id": profile.id, "name": profile.name, "email": profile.email, "role": profile.role},
    });
    // Said only where it is so: everybody else gets what they always got.
    let said = [("enrolmentRequired", enrolling), ("passwordChangeAdvised", password_change_advised)];
    for (name, _) in said.into_iter().filter(|(_, is_so)| **is_so) {
        if let Some(members) = data.as_object_mut() {
            members.insert(name.to_owned(), Value::Bool(true));
        }
    }
    let answer = Answer::data(data).delivering(refresh).keeping(device.as_ref(), refresh);
    match quota {
        Some(quota) => answer.with_quota(*quota),
        None => answer,
    }
}

fn second_step(step: &SecondStep) -> Answer {
    let mut methods: Vec<&str> =
        step.factors.iter().filter(|kind| **kind != FactorKind::Other).map(|kind| kind.name()).collect();
    methods.push("recovery");
    let challenge =
        json!({"token": step.token.expose(), "methods": methods, "expiresIn": step.expires_in.as_secs()});
    Answer::data(json!({"challenge": challenge})).with_quota(step.quota)
}
