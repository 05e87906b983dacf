//! Factors come and go; what their coming and going ends is asked about right before and right after.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::phone::Phone;
use super::login::First;
use super::{Access, Act, Answer, At, Owner, Proof, Reply};

impl Owner {
    /// A call of the latest session.
    async fn change(&self, method: Method, path: &str, body: &Value) -> Option<(Access, At, At, Reply)> {
        let access = self.latest()?;
        let request = self.agent.request(method, path).json(body).bearer_auth(&access.token);
        let (begin, end, reply) = self.agent.timed(request).await;
        Some((access, begin, end, reply))
    }

    /// What is told to show who they are does it, by logging in again.
    async fn again_if_asked(&mut self, answer: &Answer, pick: u64) {
        if matches!(answer, Answer::No(code) if code == "STEP_UP_REQUIRED") {
            self.log_in(pick).await;
        }
    }

    pub(super) async fn add_app(&mut self, pick: u64) {
        if self.wallet.apps() > 1 {
            return self.remove(pick).await;
        }
        let number = self.wallet.new_factor();
        let name = json!({"name": number.to_string()});
        let begun = self.change(Method::POST, "/api/auth/factors/totp", &name).await;
        let Some((access, begin, end, reply)) = begun else { return };
        let answer = reply.answer();
        self.agent.note_with((begin, end), &access, Act::BeginFactor, answer.clone());
        let (id, secret) = (reply.text("/data/id"), reply.text("/data/secret"));
        if answer != Answer::Yes || id.is_empty() {
            return self.again_if_asked(&answer, pick).await;
        }
        self.wallet.scan(number, secret);
        let Some((proof, body)) = self.wallet.code(Some(number)) else { return };
        let before = self.sessions.clone();
        self.decide_all(pick).await;
        let path = format!("/api/auth/factors/totp/{id}/confirm");
        let confirm = self.agent.request(Method::POST, &path).json(&body).bearer_auth(&access.token);
        let password = self.agent.user.passwords().first().copied().unwrap_or_default();
        // Now and then somebody logs in by the password alone at that very moment.
        let (confirmed, met) = if pick.is_multiple_of(2) {
            let (confirmed, met) = tokio::join!(self.agent.timed(confirm), self.show_password(password));
            (confirmed, Some(met))
        } else {
            (self.agent.timed(confirm).await, None)
        };
        let times = (confirmed.0, confirmed.1);
        self.added(number, (&access, proof), times, &confirmed.2);
        if let Some((begin, end, reply)) = met {
            let waiting = self.after_password(password, (begin, end), &reply).1;
            if let First::Waiting(challenge, token) = waiting {
                self.second_step((challenge, &token), pick).await;
            }
        }
        let before: Vec<_> = before.into_iter().map(|held| held.access).collect();
        self.decide_about(&before, pick).await;
        self.decide_all(pick).await;
        self.refresh_all().await;
    }

    pub(super) async fn add_passkey(&mut self, pick: u64) {
        if self.wallet.phones() > 1 {
            return self.remove(pick).await;
        }
        let begun = self.change(Method::POST, "/api/auth/factors/passkeys/options", &json!({})).await;
        let Some((access, begin, end, reply)) = begun else { return };
        let answer = reply.answer();
        self.agent.note_with((begin, end), &access, Act::BeginFactor, answer.clone());
        let Some(options) = reply.body.pointer("/data").filter(|_| answer == Answer::Yes) else {
            return self.again_if_asked(&answer, pick).await;
        };
        let number = self.wallet.new_factor();
        let Some(mut phone) = Phone::with_id(id_of(self.agent.user.number, number)) else { return };
        let body = json!({"name": number.to_string(), "passkey": phone.make(options)});
        let proof = Proof::Passkey { factor: number, ceremony: self.wallet.new_ceremony(), count: 0 };
        self.wallet.keep_phone(number, phone);
        self.decide_all(pick).await;
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        let added = self.agent.request(Method::POST, "/api/auth/factors/passkeys").json(&body);
        let (begin, end, reply) = self.agent.timed(added.bearer_auth(&access.token)).await;
        self.added(number, (&access, proof), (begin, end), &reply);
        self.decide_about(&before, pick).await;
        self.refresh_all().await;
    }

    /// Notes what came of a new factor, which stays in the wallet unless it was refused.
    fn added(&mut self, factor: u32, (access, proof): (&Access, Proof), times: (At, At), reply: &Reply) {
        let answer = reply.answer();
        let has_codes = reply.body.pointer("/data/recoveryCodes").is_some();
        let may_have = matches!(answer, Answer::Broken(_));
        let codes = (has_codes || may_have).then(|| self.wallet.new_set());
        if let Some(set) = codes {
            self.wallet.keep_codes(set, &reply.body);
        }
        if matches!(answer, Answer::No(_) | Answer::Limited(_)) {
            self.wallet.forget(factor);
        }
        self.agent.note_with(times, access, Act::AddFactor { factor, proof, codes }, answer);
    }

    /// The factors as the service has them: their numbers and ids. What is not among them leaves the wallet.
    pub(super) async fn list(&mut self) -> Vec<(u32, String)> {
        let listed = self.change(Method::GET, "/api/auth/factors", &json!({})).await;
        let Some((access, begin, end, reply)) = listed else { return Vec::new() };
        let all = reply.body.pointer("/data/factors").and_then(Value::as_array);
        let text = |factor: &Value, name: &str| factor.get(name).and_then(Value::as_str).map(str::to_owned);
        let all = all
            .into_iter()
            .flatten()
            .filter_map(|factor| Some((text(factor, "name")?.parse::<u32>().ok()?, text(factor, "id")?)));
        let all: Vec<_> = all.collect();
        let listed: Vec<_> = all.iter().map(|(number, _)| *number).collect();
        let answer = reply.answer();
        if answer == Answer::Yes {
            self.wallet.keep_only(&listed);
        }
        self.agent.note_with((begin, end), &access, Act::ListFactors { listed }, answer);
        all
    }

    /// Removes one of them; now and then while somebody is at the second step of a login.
    pub(super) async fn remove(&mut self, pick: u64) {
        let all = self.list().await;
        let index = usize::try_from(pick >> 8).unwrap_or_default() % all.len().max(1);
        let (Some((number, id)), Some(access)) = (all.get(index), self.latest()) else { return };
        let waiting = if pick.is_multiple_of(2) { self.first_step().await } else { First::Nothing };
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        self.decide_about(&before, pick).await;
        let path = format!("/api/auth/factors/{id}");
        let removal = self.agent.request(Method::DELETE, &path).bearer_auth(&access.token);
        let shown = match &waiting {
            First::Waiting(_, token) => self.proof_for(token, pick).await,
            _ => None,
        };
        let (begin, end, reply) = match (waiting, shown) {
            (First::Waiting(challenge, token), Some((proof, body))) => {
                let both = tokio::join!(self.agent.timed(removal), self.present(&token, &body, 1));
                self.presented(challenge, proof, both.1).await;
                both.0
            }
            _ => self.agent.timed(removal).await,
        };
        let answer = reply.answer();
        self.agent.note_with((begin, end), &access, Act::RemoveFactor { factor: *number }, answer.clone());
        if answer == Answer::Yes {
            self.wallet.forget(*number);
        }
        self.decide_about(&before, pick).await;
        self.decide_all(pick).await;
        self.again_if_asked(&answer, pick).await;
        self.refresh_all().await;
    }

    pub(super) async fn renew_codes(&mut self, pick: u64) {
        if self.wallet.is_empty() {
            return self.add_app(pick).await;
        }
        self.decide_all(pick).await;
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        let codes = self.wallet.new_set();
        let renewed = self.change(Method::POST, "/api/auth/factors/recovery", &json!({})).await;
        let Some((access, begin, end, reply)) = renewed else { return };
        let answer = reply.answer();
        self.wallet.keep_codes(codes, &reply.body);
        self.agent.note_with((begin, end), &access, Act::RenewCodes { codes }, answer.clone());
        self.decide_about(&before, pick).await;
        self.again_if_asked(&answer, pick).await;
        self.refresh_all().await;
    }

    /// The operator takes everything away, again if need be.
    pub(super) async fn reset(&mut self, pick: u64) {
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        self.decide_about(&before, pick).await;
        let reset = ["factor", "reset", self.agent.user.email.as_str()];
        if self.agent.operate(&reset, &Act::ResetFactors, "").await {
            self.wallet.forget_all();
        }
        self.decide_about(&before, pick).await;
        self.refresh_all().await;
    }

    /// A login waits for its second step, and the password changes: the login is over.
    pub(super) async fn change_between(&mut self, pick: u64) {
        let Some(access) = self.latest() else { return };
        let (First::Waiting(challenge, token), passwords) =
            (self.first_step().await, self.agent.user.passwords())
        else {
            return;
        };
        let Some(from) = passwords.first().copied() else { return };
        let to = self.agent.user.new_password();
        let body = json!({
            "currentPassword": self.agent.user.password(from), "newPassword": self.agent.user.password(to),
        });
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        let request = self.agent.post("/api/auth/password", &body).bearer_auth(&access.token);
        let (begin, end, reply) = self.agent.timed(request).await;
        let answer = reply.answer();
        self.agent.note_with((begin, end), &access, Act::Password { from, to }, answer.clone());
        match answer {
            Answer::Yes => self.agent.user.set_passwords(vec![to]),
            Answer::Broken(_) => self.agent.user.set_passwords([vec![to], passwords].concat()),
            Answer::No(code) if code == "CURRENT_PASSWORD_INVALID" => self.agent.user.put_last(from),
            _ => {}
        }
        if let Some(shown) = self.proof_for(&token, pick).await {
            self.show((challenge, &token), shown, 1).await;
        }
        self.decide_about(&before, pick).await;
        self.refresh_all().await;
    }
}

impl Owner {
    /// A login waits for its second step, and the operator disables the user: nothing is left, also when they are enabled again.
    pub(super) async fn be_disabled(&mut self, pick: u64) {
        let waiting = self.first_step().await;
        let before: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        self.decide_about(&before, pick).await;
        let email = self.agent.user.email.clone();
        self.agent.operate(&["user", "disable", &email], &Act::Active(false), "").await;
        self.decide_about(&before, pick).await;
        if pick.is_multiple_of(2) {
            self.log_in_by_passkey(pick).await;
        }
        self.agent.operate(&["user", "enable", &email], &Act::Active(true), "").await;
        if let First::Waiting(challenge, token) = waiting
            && let Some(shown) = self.proof_for(&token, pick).await
        {
            self.show((challenge, &token), shown, 1).await;
        }
        self.decide_about(&before, pick).await;
        self.refresh_all().await;
    }
}

/// The id of a passkey that nobody else has.
fn id_of(user: u32, number: u32) -> [u8; 32] {
    let mut id = [0; 32];
    let own = [user.to_be_bytes(), number.to_be_bytes()].concat();
    for (place, byte) in id.iter_mut().zip(own) {
        *place = byte;
    }
    id
}
