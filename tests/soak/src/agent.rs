//! What everybody who acts for one user has: the user, an address of their own to call from, and a way to write down what came of it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::caller::{self, Reply, key_of, send};
use super::device::{access_of, all_decide, number_of, refresh_of};
use super::history::{Act, Answer, At, Event, SECOND};
use super::world::{Access, User, World};

/// A person tries again for this long.
const PATIENCE: At = 30 * SECOND;

/// A client tries again with its last refresh token for this long, which is within the grace of 30 s.
const GRACE: At = 24 * SECOND;

/// A session of theirs.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) access: Access,
    pub(crate) refresh: String,
}

impl Held {
    /// The one that an answer brought.
    pub(crate) fn of(reply: &Reply, times: (At, At)) -> Option<Held> {
        Some(Held { access: access_of(reply, times)?, refresh: refresh_of(reply, false)? })
    }
}

pub(crate) struct Agent {
    pub(crate) world: Arc<World>,
    pub(crate) user: User,
    pub(crate) http: Client,
    address: u64,
}

impl Agent {
    pub(crate) fn new(world: Arc<World>, user: User, address: u64) -> Result<Agent, reqwest::Error> {
        let http = caller::client(address)?;
        Ok(Agent { world, user, http, address })
    }

    /// A new client has no connections yet, and the old one's end with it.
    pub(crate) fn renew_connections(&mut self) {
        if let Ok(http) = caller::client(self.address) {
            self.http = http;
        }
    }

    /// Goes elsewhere, because too many attempts were made from here.
    pub(crate) fn move_on(&mut self) {
        self.address += 10_000;
        self.renew_connections();
    }

    pub(crate) fn now(&self) -> At {
        self.world.recorder.clock.now()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.world.auth)).header("user-agent", "nova-soak")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    /// Sends it, and says when.
    pub(crate) async fn timed(&self, request: RequestBuilder) -> (At, At, Reply) {
        let begin = self.now();
        let reply = send(request).await;
        (begin, self.now(), reply)
    }

    pub(crate) fn note(&self, (begin, end): (At, At), act: Act, answer: Answer) {
        self.note_of(None, (begin, end), act, answer);
    }

    /// The same, of a call that is about a session and carries none of its tokens.
    pub(crate) fn note_of(&self, session: Option<&str>, (begin, end): (At, At), act: Act, answer: Answer) {
        let (user, session, keys, expires) = (self.user.number, session.map(str::to_owned), Vec::new(), None);
        self.world.recorder.note(Event { begin, end, user, session, keys, expires, act, answer });
    }

    /// The same, of a call with an access token.
    pub(crate) fn note_with(&self, (begin, end): (At, At), access: &Access, act: Act, answer: Answer) {
        self.world.recorder.note(Event {
            begin,
            end,
            user: self.user.number,
            session: Some(access.session.clone()),
            keys: vec![access.key.clone()],
            expires: Some(access.expires),
            act,
            answer,
        });
    }

    /// The same call again and again, until somebody says yes or no.
    pub(crate) async fn insist(
        &self,
        of: Option<&str>,
        path: &str,
        body: &Value,
        act: &Act,
    ) -> Option<Answer> {
        let begun = self.now();
        while self.now() < begun + PATIENCE {
            let (begin, end, reply) = self.timed(self.post(path, body)).await;
            let answer = reply.answer();
            self.note_of(of, (begin, end), act.clone(), answer.clone());
            if !matches!(answer, Answer::Broken(_)) {
                return Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }

    /// A decision about each of these.
    pub(crate) async fn decide_about(&self, all: &[Access], pick: u64) {
        all_decide(&self.world, &self.http, &self.user, all, pick).await;
    }

    /// A command of the operator, again if need be; `done`: what a complaint says if it had been done before.
    pub(crate) async fn operate(&self, arguments: &[&str], act: &Act, done: &str) -> bool {
        for _ in 0..5 {
            let begin = self.now();
            let answer = match self.world.system.operate(arguments, "").await {
                Err(error) if done.is_empty() || !error.to_string().contains(done) => {
                    Answer::Broken(error.to_string())
                }
                _ => Answer::Yes,
            };
            self.note((begin, self.now()), act.clone(), answer.clone());
            if answer == Answer::Yes {
                return true;
            }
        }
        false
    }

    /// Refreshes until there is an answer, or it would be too late. `None`: the session is over.
    pub(crate) async fn refresh(&self, held: Held) -> Option<Held> {
        let (begun, mut wait) = (self.now(), 200);
        while self.now() < begun + GRACE {
            let body = json!({"refreshToken": held.refresh});
            let (begin, end, reply) = self.timed(self.post("/api/auth/refresh", &body)).await;
            let (answer, next) = (reply.answer(), refresh_of(&reply, false));
            let (presented, gave) = (number_of(&held.refresh), next.as_deref().map(number_of));
            self.world.recorder.note(Event {
                begin,
                end,
                user: self.user.number,
                session: Some(held.access.session.clone()),
                keys: key_of(&held.refresh).into_iter().collect(),
                expires: None,
                act: Act::Refresh { presented, gave, outdated: false },
                answer: answer.clone(),
            });
            match (answer, access_of(&reply, (begin, end)), next) {
                (Answer::Yes, Some(access), Some(refresh)) => return Some(Held { access, refresh }),
                (Answer::No(_), _, _) => return None,
                _ => tokio::time::sleep(Duration::from_millis(wait)).await,
            }
            wait = (wait * 2).min(2_000);
        }
        // Nobody knows: it is left alone from now on.
        None
    }
}
