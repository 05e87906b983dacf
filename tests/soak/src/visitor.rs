//! A visitor: somebody who registers, looks around, forgets the password, sets another by mail, and is deleted by the operator.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::caller::{self, Reply, send};
use super::device::{access_of, all_decide};
use super::history::{Act, Answer, At, Event, SECOND};
use super::mailbox::{links, mailed};
use super::plan::Dice;
use super::world::{Access, User, VISITORS, World};

/// A person tries again for this long.
const PATIENCE: At = 30 * SECOND;

/// A mail under faults comes late: the relay rests for up to 30 s, and a queue brings what failed after a minute.
const MAIL: At = 100 * SECOND;

/// No client has these addresses.
const ADDRESSES: u64 = 100_000;

/// Visitors one after another, until the run is over.
///
/// # Errors
/// There is no client to ask with.
pub(crate) async fn visitors(world: Arc<World>, number: u32, mut dice: Dice) -> Result<(), reqwest::Error> {
    let mut phase = world.phase.subscribe();
    let mut address = 0;
    for nth in 0.. {
        if !world.has_room(&mut phase).await {
            return Ok(());
        }
        let email = format!("visitor-{number}-{address}@example.com");
        let number = VISITORS + number * 100_000 + nth;
        let http = caller::client(ADDRESSES + u64::from(number))?;
        let user = User::new(number, email, String::new());
        let is_free = Visitor { world: &world, http, user }.visit(&mut dice).await;
        // A second one takes the address of the first, who is deleted; if nobody is sure of that, another.
        address += u32::from(!is_free || nth % 2 == 1);
    }
    Ok(())
}

struct Visitor<'a> {
    world: &'a World,
    http: Client,
    user: User,
}

impl Visitor<'_> {
    /// Whether the address is free again.
    async fn visit(&self, dice: &mut Dice) -> bool {
        let (forgets, pick) = (dice.between(0, 2) == 0, dice.next());
        if !self.register().await {
            // A try that nobody answered may be done later.
            return false;
        }
        let mut sessions: Vec<_> = self.log_in(0).await.into_iter().collect();
        self.decide(&sessions, pick).await;
        if forgets && self.world.has_streams && self.recover().await {
            self.decide(&sessions, pick).await;
            sessions.extend(self.log_in(1).await);
        }
        tokio::time::sleep(Duration::from_micros(dice.between(0, SECOND))).await;
        self.decide(&sessions, pick).await;
        let is_free = self.delete().await;
        self.decide(&sessions, pick).await;
        self.log_in_once(0).await;
        is_free
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.world.auth)).header("user-agent", "nova-soak")
    }

    async fn timed(&self, request: RequestBuilder) -> (At, At, Reply) {
        let begin = self.now();
        let reply = send(request).await;
        (begin, self.now(), reply)
    }

    fn now(&self) -> At {
        self.world.recorder.clock.now()
    }

    fn note(&self, (begin, end): (At, At), act: Act, answer: Answer) {
        let (user, session, keys, expires) = (self.user.number, None, Vec::new(), None);
        self.world.recorder.note(Event { begin, end, user, session, keys, expires, act, answer });
    }

    /// The same call again and again, until somebody says yes or no. An address that was limited is left for another.
    async fn insist(&self, path: &str, body: &Value, act: &Act) -> Option<Answer> {
        let begun = self.now();
        while self.now() < begun + PATIENCE {
            let (begin, end, reply) = self.timed(self.request(Method::POST, path).json(body)).await;
            let answer = reply.answer();
            self.note((begin, end), act.clone(), answer.clone());
            if !matches!(answer, Answer::Broken(_)) {
                return Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }

    async fn register(&self) -> bool {
        let body = json!({"name": "Visitor", "email": self.user.email, "password": self.user.password(0)});
        match self.insist("/api/auth/register", &body, &Act::Register).await {
            Some(Answer::Yes) => true,
            // Of a try that was done, though nobody said so. The judge knows whether there was one.
            Some(Answer::No(code)) => code == "EMAIL_TAKEN",
            _ => false,
        }
    }

    async fn log_in(&self, password: u32) -> Option<Access> {
        let begun = self.now();
        while self.now() < begun + PATIENCE {
            match self.log_in_once(password).await {
                (Answer::Broken(_), _) => tokio::time::sleep(Duration::from_millis(500)).await,
                (_, access) => return access,
            }
        }
        None
    }

    async fn log_in_once(&self, password: u32) -> (Answer, Option<Access>) {
        let body = json!({"email": self.user.email, "password": self.user.password(password)});
        let (begin, end, reply) = self.timed(self.request(Method::POST, "/api/auth/login").json(&body)).await;
        let access = access_of(&reply, (begin, end));
        self.world.meet(reply.text("/data/user/id"), self.user.number);
        let gave = access.as_ref().map(|access| access.session.clone());
        self.note((begin, end), Act::Login { password, guess: false, gave }, reply.answer());
        (reply.answer(), access)
    }

    async fn decide(&self, sessions: &[Access], pick: u64) {
        // Visitors have no permission: of each API, what anybody may ask.
        for access in sessions {
            for nth in 0..3 {
                let one = std::slice::from_ref(access);
                all_decide(self.world, &self.http, &self.user, one, pick.wrapping_add(nth) % 4).await;
            }
        }
    }

    /// Asks for a mail, waits for it, and sets password number 1 by its link.
    async fn recover(&self) -> bool {
        // Who had the address before may have had a mail too.
        let mailbox = (self.user.email.as_str(), "/reset");
        let before = links(self.world, &self.http, mailbox.0, mailbox.1).await;
        let asked = self.insist("/api/auth/recovery", &json!({"email": self.user.email}), &Act::Ask).await;
        if asked != Some(Answer::Yes) {
            return false;
        }
        let begin = self.now();
        let token = mailed(self.world, &self.http, mailbox, (&before, MAIL)).await;
        let arrived = if token.is_some() { Answer::Yes } else { Answer::No("no mail".to_owned()) };
        self.note((begin, self.now()), Act::Mail, arrived);
        let Some(token) = token else { return false };
        let body = json!({"token": token, "newPassword": self.user.password(1)});
        self.insist("/api/auth/recovery/confirm", &body, &Act::Recover { to: 1 }).await == Some(Answer::Yes)
    }

    async fn delete(&self) -> bool {
        // Another try finds nobody, which is as good.
        for _ in 0..5 {
            let begin = self.now();
            let deleted = self
                .world
                .system
                .operate(&["user", "delete", &self.user.email, "--yes", "--with-log"], "")
                .await;
            let answer = match deleted {
                Err(error) if !error.to_string().contains("no user") => Answer::Broken(error.to_string()),
                _ => Answer::Yes,
            };
            self.note((begin, self.now()), Act::Delete, answer.clone());
            if answer == Answer::Yes {
                return true;
            }
        }
        false
    }
}
