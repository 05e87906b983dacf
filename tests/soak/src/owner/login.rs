//! Logins of an owner: by a password, by a second step after it, and by a passkey alone.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::wallet::Kind;
use super::{Access, Act, Answer, At, Owner, Proof, Reply, send};

/// What a right password led to.
pub(super) enum First {
    /// A session, which is kept.
    Session,
    /// A second step: its number, and its token.
    Waiting(u32, String),
    Nothing,
}

/// So many different things are shown before somebody gives up.
const TRIES: usize = 3;

impl Owner {
    pub(super) async fn log_in(&mut self, pick: u64) {
        if let First::Waiting(challenge, token) = self.first_step().await {
            self.second_step((challenge, &token), pick).await;
        }
    }

    pub(super) async fn first_step(&mut self) -> First {
        for number in self.agent.user.passwords() {
            let (begin, end, reply) = self.show_password(number).await;
            match self.after_password(number, (begin, end), &reply) {
                (_, First::Nothing) => {}
                (_, first) => return first,
            }
            match reply.answer() {
                Answer::No(code) if code == "INVALID_CREDENTIALS" => {}
                Answer::Limited(code) => {
                    self.wait_out(&code).await;
                    return First::Nothing;
                }
                _ => return First::Nothing,
            }
        }
        First::Nothing
    }

    pub(super) async fn show_password(&self, number: u32) -> (At, At, Reply) {
        let body = json!({"email": self.agent.user.email, "password": self.agent.user.password(number)});
        self.agent.timed(self.agent.post("/api/auth/login", &body)).await
    }

    /// Notes the answer to a password, and what came of it.
    pub(super) fn after_password(
        &mut self,
        password: u32,
        times: (At, At),
        reply: &Reply,
    ) -> (Answer, First) {
        let (answer, token) = (reply.answer(), reply.text("/data/challenge/token").to_owned());
        if answer == Answer::Yes {
            self.agent.user.prefer(password);
        }
        if !token.is_empty() {
            self.challenges += 1;
            let challenge = self.challenges;
            self.agent.note(times, Act::FirstStep { password, challenge }, answer.clone());
            return (answer, First::Waiting(challenge, token));
        }
        let gave = self.keep(reply, times);
        let first = if gave.is_some() { First::Session } else { First::Nothing };
        self.agent.note(times, Act::Login { password, guess: false, gave }, answer.clone());
        (answer, first)
    }

    /// Shows one thing after another until somebody is in, or told that this login is over.
    pub(super) async fn second_step(&mut self, login: (u32, &str), pick: u64) {
        if pick.is_multiple_of(5) {
            let wrong = (Proof::Wrong, json!({"code": "000000"}));
            self.show(login, wrong, 1).await;
        }
        for nth in 0..TRIES {
            // From one tab, or several at once.
            let copies = if nth == 0 && pick.is_multiple_of(3) { 3 } else { 1 };
            let Some(proof) =
                self.proof_for(login.1, pick.wrapping_add(u64::try_from(nth).unwrap_or_default())).await
            else {
                break;
            };
            match self.show(login, proof, copies).await {
                Answer::No(code) if code == "MFA_CODE_INVALID" => {}
                Answer::Broken(_) => {}
                _ => return,
            }
        }
        // What was lost with an answer is not in the wallet: whoever can show nothing asks the operator.
        if self.wallet.kinds(0).is_empty() {
            self.reset(pick).await;
        }
    }

    /// Shows it so often at once. The best of the answers.
    pub(super) async fn show(&mut self, login: (u32, &str), shown: (Proof, Value), copies: usize) -> Answer {
        let answers = self.present(login.1, &shown.1, copies).await;
        self.presented(login.0, shown.0, answers).await
    }

    pub(super) async fn present(&self, token: &str, body: &Value, copies: usize) -> Vec<(At, At, Reply)> {
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("token".to_owned(), json!(token));
        }
        join_all((0..copies).map(|_| self.agent.timed(self.agent.post("/api/auth/login/factor", &body))))
            .await
    }

    /// Notes what came of it.
    pub(super) async fn presented(
        &mut self,
        challenge: u32,
        proof: Proof,
        answers: Vec<(At, At, Reply)>,
    ) -> Answer {
        let mut best = Answer::Broken("nothing was sent".to_owned());
        for (begin, end, reply) in answers {
            let answer = reply.answer();
            let gave = self.keep(&reply, (begin, end));
            self.agent.note((begin, end), Act::SecondStep { challenge, proof, gave }, answer.clone());
            if let Answer::Limited(code) = &answer {
                self.wait_out(code).await;
            }
            if best != Answer::Yes && !matches!(answer, Answer::Broken(_)) {
                best = answer;
            }
        }
        best
    }

    /// One code in two logins at once: one of them gets in. Then two codes at once in one that waits still.
    pub(super) async fn log_in_twice(&mut self) {
        let (first, second) = (self.first_step().await, self.first_step().await);
        let (First::Waiting(one, token), First::Waiting(other, others)) = (first, second) else { return };
        let Some((proof, body)) = self.code_or_recovery() else { return };
        let (to_one, to_other) =
            tokio::join!(self.present(&token, &body, 1), self.present(&others, &body, 1));
        let is_over = self.presented(one, proof, to_one).await == Answer::Yes;
        self.presented(other, proof, to_other).await;
        let (challenge, token) = if is_over { (other, others) } else { (one, token) };
        let (Some((proof, body)), Some((also, more))) = (self.code_or_recovery(), self.wallet.recovery())
        else {
            return;
        };
        let (by_one, by_other) = tokio::join!(self.present(&token, &body, 1), self.present(&token, &more, 1));
        self.presented(challenge, proof, by_one).await;
        self.presented(challenge, also, by_other).await;
    }

    fn code_or_recovery(&mut self) -> Option<(Proof, Value)> {
        self.wallet.code(None).or_else(|| self.wallet.recovery())
    }

    /// Something to show for this login; of a passkey, what it answers to the options that were given out for it.
    pub(super) async fn proof_for(&mut self, token: &str, pick: u64) -> Option<(Proof, Value)> {
        match self.wallet.kinds(pick).first()? {
            Kind::Code => self.wallet.code(None),
            Kind::Recovery => self.wallet.recovery(),
            Kind::Passkey => {
                let ask = self.agent.post("/api/auth/login/factor/options", &json!({"token": token}));
                let reply = send(ask).await;
                self.wallet.passkey(reply.body.pointer("/data")?, pick)
            }
        }
    }

    pub(super) async fn log_in_by_passkey(&mut self, pick: u64) {
        if self.wallet.phones() == 0 {
            return self.log_in(pick).await;
        }
        let options = send(self.agent.post("/api/auth/passkey/options", &json!({}))).await;
        let Some(options) = options.body.pointer("/data") else { return };
        let Some((proof, body)) = self.wallet.passkey(options, pick) else { return };
        let copies = if pick.is_multiple_of(3) { 3 } else { 1 };
        let sent = (0..copies).map(|_| self.agent.timed(self.agent.post("/api/auth/passkey", &body)));
        for (begin, end, reply) in join_all(sent).await {
            let gave = self.keep(&reply, (begin, end));
            self.agent.note((begin, end), Act::PasskeyLogin { proof, gave }, reply.answer());
        }
    }

    /// Steps the latest session up, now and then from two tabs at once.
    pub(super) async fn step_up(&mut self, pick: u64) {
        let Some(access) = self.latest() else { return };
        let Some((proof, body)) = self.proof_to_step_up(&access, pick).await else { return };
        let copies = if pick.is_multiple_of(3) { 2 } else { 1 };
        let request = || self.agent.post("/api/auth/step-up", &body).bearer_auth(&access.token);
        let answers = join_all((0..copies).map(|_| self.agent.timed(request()))).await;
        for (begin, end, reply) in answers {
            let answer = reply.answer();
            self.agent.note_with((begin, end), &access, Act::StepUp { proof }, answer.clone());
            if let Answer::Limited(code) = answer {
                self.wait_out(&code).await;
            }
        }
        self.decide_all(pick).await;
    }

    async fn proof_to_step_up(&mut self, access: &Access, pick: u64) -> Option<(Proof, Value)> {
        match self.wallet.kinds(pick).first().filter(|_| !pick.is_multiple_of(4)) {
            Some(Kind::Code) => self.wallet.code(None),
            Some(Kind::Recovery) => self.wallet.recovery(),
            Some(Kind::Passkey) => {
                let ask = self.agent.post("/api/auth/step-up/options", &json!({})).bearer_auth(&access.token);
                let reply = send(ask).await;
                self.wallet.passkey(reply.body.pointer("/data")?, pick)
            }
            None => {
                let number = self.agent.user.passwords().first().copied()?;
                Some((Proof::Password(number), json!({"password": self.agent.user.password(number)})))
            }
        }
    }
}
