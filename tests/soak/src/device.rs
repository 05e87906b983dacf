//! A client: one device of a user, which logs in, calls, refreshes, and does what devices do. It is honest unless its step
//! says otherwise: it retries in time with its last token, and logs in again only when it is told that its session is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::caller::{self, Reply, key_of, send, session_of};
use super::history::{Act, Answer, At, Event, KEPT, SECOND};
use super::plan::{Deed, Step};
use super::signed::signed;
use super::socket::Socket;
use super::system::ACCESS_TOKEN_SECONDS;
use super::world::{Access, Phase, User, World};

/// A client tries again with its last token for this long, which is within the grace of 30 s.
const PATIENCE: At = 24 * SECOND;

/// What clients ask the attached APIs for; the last two need the permission.
const CALLS: [(&str, &str, bool); 8] = [
    (INTROSPECTION, "/api/auth/introspect", false),
    ("NotesApi", "/whoami", false),
    ("TokenNotesApi", "/whoami", false),
    ("HttpNotesApi", "/whoami", false),
    (KEPT, "/whoami", false),
    (KEPT, "/notes", true),
    ("NotesApi", "/notes", true),
    ("HttpNotesApi", "/notes", true),
];

/// What a server makes of a token that counts no more.
const INACTIVE: &str = "INACTIVE";

/// No API: a server asks what the token is worth.
const INTROSPECTION: &str = "introspection";

const REFRESH_COOKIE: &str = "__Host-nova-refresh";
const CSRF_COOKIE: &str = "__Host-nova-csrf";

/// A session that a client has.
#[derive(Clone)]
struct Session {
    id: String,
    by_cookie: bool,
    /// The access tokens, the latest last.
    access: Vec<Access>,
    /// The refresh tokens, the current one last.
    refresh: Vec<String>,
    csrf: String,
}

pub(crate) struct Device {
    world: Arc<World>,
    number: u64,
    user: usize,
    address: u64,
    http: Client,
    session: Option<Session>,
    /// Sessions that have ended, the latest last.
    ghosts: Vec<Session>,
    /// The connections that it has, those of ended sessions too: somebody else has to end those.
    sockets: Vec<Socket>,
}

impl Device {
    pub(crate) fn new(world: Arc<World>, number: u64) -> Result<Device, reqwest::Error> {
        let user = usize::try_from(number).unwrap_or_default() % world.users.len().max(1);
        let http = caller::client(number)?;
        Ok(Device {
            world,
            number,
            user,
            address: number,
            http,
            session: None,
            ghosts: Vec::new(),
            sockets: Vec::new(),
        })
    }

    /// Steps until it is told to end.
    pub(crate) async fn live(mut self, steps: impl Iterator<Item = Step>) {
        let mut phase = self.world.phase.subscribe();
        for step in steps {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Run => {
                    tokio::time::sleep(Duration::from_micros(step.think)).await;
                    self.step(step).await;
                }
                Phase::Rest => self.rest(&mut phase).await,
                Phase::RollCall => return self.answer_the_roll().await,
            }
        }
    }

    async fn rest(&mut self, phase: &mut tokio::sync::watch::Receiver<Phase>) {
        // A new client has no connections yet, and the old one's end with it.
        self.renew_connections();
        self.leave().await;
        self.world.resting.fetch_add(1, Ordering::SeqCst);
        drop(phase.wait_for(|phase| *phase != Phase::Rest).await);
        self.world.resting.fetch_sub(1, Ordering::SeqCst);
    }

    fn renew_connections(&mut self) {
        if let Ok(http) = caller::client(self.address) {
            self.http = http;
        }
    }

    /// Whoever believes to be logged in shows it, by a call and by a refresh.
    async fn answer_the_roll(mut self) {
        self.leave().await;
        let Some(access) = self.session.as_ref().and_then(|session| session.access.last().cloned()) else {
            return;
        };
        self.decide(&access, 0).await;
        self.refresh(1, false).await;
        if let Some(access) = self.session.as_ref().and_then(|session| session.access.last().cloned()) {
            self.decide(&access, 1).await;
        }
    }

    async fn leave(&mut self) {
        for socket in self.sockets.drain(..) {
            socket.leave().await;
        }
    }

    /// One connection for the session that it has now.
    fn connect(&mut self) {
        self.sockets.retain(|socket| !socket.is_over());
        let Some(access) = self.session.as_ref().and_then(|session| session.access.last()) else { return };
        if !self.sockets.iter().any(|socket| socket.session == access.session) {
            let (world, user) = (self.world.clone(), self.user().number);
            // Every other device opens its connections by tickets.
            let by_ticket = self.number.is_multiple_of(2).then(|| self.http.clone());
            self.sockets.push(Socket::open(world, user, access.clone(), by_ticket));
        }
    }

    async fn step(&mut self, step: Step) {
        if self.world.has_streams {
            self.connect();
        }
        match step.deed {
            Deed::Ghost if !self.ghosts.is_empty() => return self.haunt(step).await,
            Deed::Guess => return self.guess().await,
            _ if self.session.is_none() => return self.log_in(step.by_cookie).await,
            _ => {}
        }
        let Some(session) = self.session.clone() else { return };
        let (Some(latest), Some(oldest)) = (session.access.last(), session.access.first()) else { return };
        match step.deed {
            Deed::Decide | Deed::Ghost | Deed::Guess => self.call(latest, step.pick).await,
            Deed::DecideWithOld => drop(self.decide(oldest, step.pick).await),
            Deed::Refresh => self.refresh(step.tabs, false).await,
            Deed::RefreshAgain => self.refresh(1, true).await,
            Deed::List => self.list(latest).await,
            Deed::Logout => self.log_out(&session, latest, step.pick).await,
            Deed::EndOne => self.end_one(latest, step.pick).await,
            Deed::EndAll => self.end_all(latest, step.pick).await,
            Deed::Password => self.change_password(latest, step.pick).await,
            Deed::Theft => self.steal(&session, step.pick).await,
        }
    }

    fn user(&self) -> &User {
        // Users and devices are made together: the index is one of theirs.
        #[expect(clippy::indexing_slicing, reason = "the index was taken modulo the length")]
        &self.world.users[self.user]
    }

    fn now(&self) -> At {
        self.world.recorder.clock.now()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.world.auth)).header("user-agent", "nova-soak")
    }

    /// A request of a page of ours, by cookie.
    fn page_request(&self, path: &str, cookie: (&str, &str), csrf: &str) -> RequestBuilder {
        let (name, value) = cookie;
        self.request(Method::POST, path)
            .header("cookie", format!("{name}={value}"))
            .header("origin", &self.world.auth)
            .header("x-csrf-token", csrf)
    }

    /// Sends it, and says when.
    async fn timed(&self, request: RequestBuilder) -> (At, At, Reply) {
        let begin = self.now();
        let reply = send(request).await;
        (begin, self.now(), reply)
    }

    fn note(&self, (begin, end): (At, At), of: (Option<&str>, Vec<String>), act: Act, answer: Answer) {
        let (session, keys) = (of.0.map(str::to_owned), of.1);
        let user = self.user().number;
        self.world.recorder.note(Event { begin, end, user, session, keys, expires: None, act, answer });
    }

    /// The same, of a call with an access token.
    fn note_with(&self, (begin, end): (At, At), access: &Access, act: Act, answer: Answer) {
        self.world.recorder.note(Event {
            begin,
            end,
            user: self.user().number,
            session: Some(access.session.clone()),
            keys: vec![access.key.clone()],
            expires: Some(access.expires),
            act,
            answer,
        });
    }

    async fn log_in(&mut self, by_cookie: bool) {
        for number in self.user().passwords() {
            let body = json!({
                "email": self.user().email, "password": self.user().password(number),
                "tokenDelivery": if by_cookie { "cookie" } else { "body" },
                "deviceInfo": {"userAgent": "nova-soak", "fingerprint": format!("device-{}", self.number)},
            });
            let (request, keys) = if by_cookie {
                let Some((cookie, csrf)) = self.csrf().await else { return };
                let request = self.page_request("/api/auth/login", (CSRF_COOKIE, &cookie), &csrf);
                (request, csrf_key(&csrf))
            } else {
                (self.request(Method::POST, "/api/auth/login"), Vec::new())
            };
            let (begin, end, reply) = self.timed(request.json(&body)).await;
            let session = self.session_from(&reply, (begin, end), by_cookie);
            let gave = session.as_ref().map(|session| session.id.clone());
            let answer = reply.answer();
            let act = Act::Login { password: number, guess: false, gave };
            self.note((begin, end), (None, keys), act, answer.clone());
            match answer {
                Answer::Yes => {
                    self.user().prefer(number);
                    if let Some(access) = session.as_ref().and_then(|session| session.access.last()) {
                        self.user().keep(access);
                    }
                    self.session = session;
                    return;
                }
                Answer::No(code) if code == "INVALID_CREDENTIALS" => {}
                Answer::Limited(code) => return self.wait_out(&code).await,
                _ => return,
            }
        }
    }

    /// Too many attempts that never came to their end: of the account, which an operator frees, or of the address, which a
    /// person changes by going elsewhere.
    async fn wait_out(&mut self, code: &str) {
        if code == "LOGIN_LOCKED" {
            let unlock = ["user", "unlock", &self.user().email];
            // The next login finds out whether it worked.
            drop(self.world.system.operate(&unlock, "").await);
        } else {
            self.address += 10_000;
            self.renew_connections();
        }
    }

    /// The cookie and the token that a login by cookie needs.
    async fn csrf(&self) -> Option<(String, String)> {
        let request = self.request(Method::GET, "/api/csrf-token").header("sec-fetch-site", "same-origin");
        let reply = send(request).await;
        Some((reply.cookie(CSRF_COOKIE)?.to_owned(), reply.text("/data/csrfToken").to_owned()))
    }

    fn session_from(&self, reply: &Reply, times: (At, At), by_cookie: bool) -> Option<Session> {
        let access = access_of(reply, times)?;
        let refresh = refresh_of(reply, by_cookie)?;
        let csrf = reply.text("/data/csrfToken").to_owned();
        let (id, access, refresh) = (access.session.clone(), vec![access], vec![refresh]);
        Some(Session { id, by_cookie, access, refresh, csrf })
    }

    async fn decide(&self, access: &Access, pick: u64) -> Answer {
        decide(&self.world, &self.http, self.user(), access, pick).await
    }

    /// A call as clients are told to make them: on a 401 one refresh, and the call again.
    async fn call(&mut self, access: &Access, pick: u64) {
        // (The 401 of an HTTP API has no code.)
        let answer = self.decide(access, pick).await;
        if !matches!(answer, Answer::No(code) if ["UNAUTHORIZED", "401", INACTIVE].contains(&code.as_str())) {
            return;
        }
        self.refresh(1, false).await;
        let latest = self.session.as_ref().and_then(|session| session.access.last().cloned());
        if let Some(access) = latest {
            self.decide(&access, pick).await;
        }
    }

    /// Refreshes until there is an answer, or it would be too late; `again`: the first answer gets lost.
    async fn refresh(&mut self, tabs: u64, again: bool) {
        let (mut tabs, mut again, mut wait, mut has_csrf) = (tabs, again, 200, false);
        let begun = self.now();
        while self.now() < begun + PATIENCE {
            let Some(session) = self.session.clone() else { return };
            let sent = (0..tabs).map(|_| self.refresh_once(&session, session.refresh.len(), false));
            let mut answers = join_all(sent).await;
            let good = answers.iter().position(|(_, _, reply)| reply.status == 200);
            if let Some(index) = good {
                if !again {
                    let (begin, end, reply) = answers.swap_remove(index);
                    return self.go_on(&reply, (begin, end));
                }
                (again, tabs) = (false, 1);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let refused = answers.iter().find(|(_, _, reply)| matches!(reply.answer(), Answer::No(_)));
            if let Some((_, _, reply)) = refused {
                // A page asks for another CSRF token, once.
                if reply.text("/code") != "CSRF_INVALID" || has_csrf {
                    return self.give_up();
                }
                has_csrf = true;
                self.renew_csrf(&session).await;
            }
            tabs = 1;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            wait = (wait * 2).min(2_000);
        }
    }

    /// Sends the refresh token that is the `nth` of the session, counted from 1.
    async fn refresh_once(&self, session: &Session, nth: usize, outdated: bool) -> (At, At, Reply) {
        let token = nth.checked_sub(1).and_then(|index| session.refresh.get(index));
        let token = token.map(String::as_str).unwrap_or_default();
        let request = if session.by_cookie {
            self.page_request("/api/auth/refresh", (REFRESH_COOKIE, token), &session.csrf)
        } else {
            self.request(Method::POST, "/api/auth/refresh").json(&json!({"refreshToken": token}))
        };
        let (begin, end, reply) = self.timed(request).await;
        let gave = refresh_of(&reply, session.by_cookie).filter(|_| reply.status == 200);
        let (presented, gave) = (number_of(token), gave.as_deref().map(number_of));
        let mut keys: Vec<String> = key_of(token).into_iter().collect();
        if session.by_cookie {
            keys.extend(csrf_key(&session.csrf));
        }
        let act = Act::Refresh { presented, gave, outdated };
        self.note((begin, end), (Some(&session.id), keys), act, reply.answer());
        (begin, end, reply)
    }

    /// Goes on with what a refresh gave.
    fn go_on(&mut self, reply: &Reply, times: (At, At)) {
        let Some(session) = &mut self.session else { return };
        let (Some(access), Some(refresh)) = (access_of(reply, times), refresh_of(reply, session.by_cookie))
        else {
            return;
        };
        if session.by_cookie {
            reply.text("/data/csrfToken").clone_into(&mut session.csrf);
        }
        session.refresh.push(refresh);
        if session.refresh.len() > 4 {
            session.refresh.remove(0);
        }
        session.access.push(access.clone());
        if session.access.len() > 4 {
            session.access.remove(0);
        }
        self.user().keep(&access);
    }

    async fn renew_csrf(&mut self, session: &Session) {
        let cookie = session.refresh.last().map(String::as_str).unwrap_or_default();
        let request = self
            .request(Method::GET, "/api/csrf-token")
            .header("sec-fetch-site", "same-origin")
            .header("cookie", format!("{REFRESH_COOKIE}={cookie}"));
        let reply = send(request).await;
        if let Some(session) = self.session.as_mut().filter(|_| reply.status == 200) {
            reply.text("/data/csrfToken").clone_into(&mut session.csrf);
        }
    }

    /// The session is over, as far as this client was told.
    fn give_up(&mut self) {
        let Some(session) = self.session.take() else { return };
        self.user().forget(&session.id);
        self.ghosts.push(session);
        if self.ghosts.len() > 3 {
            self.ghosts.remove(0);
        }
    }

    async fn list(&mut self, access: &Access) {
        let request = self.request(Method::GET, "/api/auth/sessions").bearer_auth(&access.token);
        let (begin, end, reply) = self.timed(request).await;
        let sessions = reply.body.pointer("/data/sessions").and_then(Value::as_array);
        let ids = sessions.into_iter().flatten().filter_map(|session| session.get("id")?.as_str());
        let listed = ids.map(str::to_owned).collect();
        self.note_with((begin, end), access, Act::List { listed }, reply.answer());
    }

    async fn log_out(&mut self, session: &Session, access: &Access, pick: u64) {
        let token = session.refresh.last().map(String::as_str).unwrap_or_default();
        // A decision right before and one right after: whoever keeps the first one is found out by the second.
        self.decide(access, pick).await;
        for _ in 0..5 {
            let request = match (pick % 3, session.by_cookie) {
                (0, _) => {
                    self.request(Method::POST, "/api/auth/logout").bearer_auth(&access.token).json(&json!({}))
                }
                (_, true) => self.page_request("/api/auth/logout", (REFRESH_COOKIE, token), &session.csrf),
                (more, false) => {
                    let request = self.request(Method::POST, "/api/auth/logout");
                    let request = request.json(&json!({"refreshToken": token}));
                    if more == 1 { request } else { request.bearer_auth(&access.token) }
                }
            };
            let (begin, end, reply) = self.timed(request).await;
            let answer = reply.answer();
            let keys = [Some(access.key.clone()), key_of(token), csrf_key(&session.csrf).pop()];
            let of = (Some(session.id.as_str()), keys.into_iter().flatten().collect());
            self.note((begin, end), of, Act::Logout, answer.clone());
            if !matches!(answer, Answer::Broken(_)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.give_up();
        self.decide(access, pick).await;
    }

    async fn end_one(&mut self, access: &Access, pick: u64) {
        let others: Vec<_> =
            self.user().sessions().into_iter().filter(|other| other.session != access.session).collect();
        let index = usize::try_from(pick).unwrap_or_default() % others.len().max(1);
        let Some(target) = others.get(index) else { return self.call(access, pick).await };
        let path = format!("/api/auth/sessions/{}", target.session);
        self.decide(target, pick).await;
        let (begin, end, reply) =
            self.timed(self.request(Method::DELETE, &path).bearer_auth(&access.token)).await;
        let act = Act::EndOne { target: target.session.clone() };
        self.note_with((begin, end), access, act, reply.answer());
        self.decide(target, pick).await;
    }

    async fn end_all(&mut self, access: &Access, pick: u64) {
        let all = self.user().sessions();
        self.all_decide(&all, pick).await;
        let request = self.request(Method::DELETE, "/api/auth/sessions").bearer_auth(&access.token);
        let (begin, end, reply) = self.timed(request).await;
        self.note_with((begin, end), access, Act::EndAll, reply.answer());
        self.all_decide(&all, pick).await;
    }

    async fn all_decide(&self, all: &[Access], pick: u64) {
        all_decide(&self.world, &self.http, self.user(), all, pick).await;
    }

    async fn change_password(&mut self, access: &Access, pick: u64) {
        let Ok(_changing) = self.user().changing.try_lock() else { return };
        let passwords = self.user().passwords();
        let Some(from) = passwords.first().copied() else { return };
        let to = self.user().new_password();
        let body = json!({
            "currentPassword": self.user().password(from), "newPassword": self.user().password(to),
        });
        let others = self.user().sessions();
        self.all_decide(&others, pick).await;
        let request = self.request(Method::POST, "/api/auth/password").bearer_auth(&access.token);
        let (begin, end, reply) = self.timed(request.json(&body)).await;
        let answer = reply.answer();
        self.note_with((begin, end), access, Act::Password { from, to }, answer.clone());
        match answer {
            Answer::Yes => self.user().set_passwords(vec![to]),
            Answer::Broken(_) => {
                self.user().set_passwords([vec![to], passwords].concat());
            }
            Answer::No(code) if code == "CURRENT_PASSWORD_INVALID" => self.user().put_last(from),
            _ => {}
        }
        self.all_decide(&others, pick).await;
    }

    /// A thief has a token that was used long ago; the owner finds out.
    async fn steal(&mut self, session: &Session, pick: u64) {
        let Some(nth) = session.refresh.len().checked_sub(2).filter(|nth| *nth > 0) else {
            return self.refresh(1, false).await;
        };
        self.refresh_once(session, nth, true).await;
        if let Some(access) = session.access.last() {
            self.call(access, pick).await;
        }
    }

    async fn guess(&self) {
        let body = json!({"email": self.user().email, "password": "Never-the-right-0ne!"});
        let (begin, end, reply) = self.timed(self.request(Method::POST, "/api/auth/login").json(&body)).await;
        let gave = session_of(reply.text("/data/accessToken"));
        let act = Act::Login { password: u32::MAX, guess: true, gave };
        self.note((begin, end), (None, Vec::new()), act, reply.answer());
    }

    /// What is left of a session that has ended is tried.
    async fn haunt(&self, step: Step) {
        let index = usize::try_from(step.pick >> 8).unwrap_or_default() % self.ghosts.len().max(1);
        let Some(ghost) = self.ghosts.get(index) else { return };
        match (step.tabs, ghost.access.last()) {
            (1, _) => drop(self.refresh_once(ghost, ghost.refresh.len(), false).await),
            (_, Some(access)) => drop(self.decide(access, step.pick).await),
            _ => {}
        }
    }
}

/// A decision of an attached API.
async fn decide(world: &World, http: &Client, user: &User, access: &Access, pick: u64) -> Answer {
    let index = usize::try_from(pick).unwrap_or_default() % CALLS.len();
    let Some((api, path, permission)) = CALLS.get(index).copied() else { return Answer::Yes };
    let is_server = api == INTROSPECTION;
    let url = world.apis.iter().find(|(name, _)| *name == api).map(|(_, url)| url.as_str());
    let request = match is_server {
        true => signed(http.post(format!("{}{path}", world.auth)).json(&json!({"token": access.token}))),
        false => http.get(format!("{}{path}", url.unwrap_or_default())).bearer_auth(&access.token),
    };
    let begin = world.recorder.clock.now();
    let reply = send(request).await;
    let end = world.recorder.clock.now();
    let told = Some(reply.text(if is_server { "/sub" } else { "/data/userId" })).filter(|id| !id.is_empty());
    let told = told.map(|id| world.number_of(id));
    let answer = match reply.body.get("active") {
        Some(Value::Bool(false)) if is_server => Answer::No(INACTIVE.to_owned()),
        _ => reply.answer(),
    };
    world.recorder.note(Event {
        begin,
        end,
        user: user.number,
        session: Some(access.session.clone()),
        keys: vec![access.key.clone()],
        expires: Some(access.expires),
        act: Act::Decide { api: api.to_owned(), permission, told },
        answer: answer.clone(),
    });
    answer
}

/// A decision about each of these, at once.
pub(crate) async fn all_decide(world: &World, http: &Client, user: &User, all: &[Access], pick: u64) {
    // The numbers of the calls follow one another: all kinds of them are asked.
    let picks = (pick % 1_000)..;
    join_all(all.iter().zip(picks).map(|(access, pick)| decide(world, http, user, access, pick))).await;
}

pub(crate) fn access_of(reply: &Reply, (begin, end): (At, At)) -> Option<Access> {
    let token = reply.text("/data/accessToken").to_owned();
    let (session, key) = (session_of(&token)?, key_of(&token)?);
    let life = reply.body.pointer("/data/expiresIn").and_then(Value::as_u64).unwrap_or(ACCESS_TOKEN_SECONDS);
    // `iat` is in whole seconds, and a clock may be 5 s off: a token is good until the first, and not after the second.
    let first = (begin + life * SECOND).saturating_sub(SECOND);
    let expires = (first, end + (life + 6) * SECOND);
    Some(Access { token, session, key, expires })
}

pub(crate) fn refresh_of(reply: &Reply, by_cookie: bool) -> Option<String> {
    let token = if by_cookie { reply.cookie(REFRESH_COOKIE)? } else { reply.text("/data/refreshToken") };
    Some(token.to_owned()).filter(|token| !token.is_empty())
}

/// The key of a CSRF token, which names it before its last point.
fn csrf_key(csrf: &str) -> Vec<String> {
    csrf.rsplit_once('.').map(|(key, _)| key.to_owned()).into_iter().collect()
}

/// A number that tells tokens of a session apart in the history, which holds no tokens (FNV-1a).
pub(crate) fn number_of(token: &str) -> u32 {
    token.bytes().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
