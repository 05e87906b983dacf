//! Somebody who was invited by mail and moves to another address; the old one confirms nothing, and may take it back. Every link is opened
//! from two tabs at once, once more when it was used, and where it does not belong.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::agent::{Agent, Held};
use super::history::{Act, Answer, At, SECOND};
use super::mailbox::mailed;
use super::plan::Dice;
use super::world::{User, World};

/// The numbers of users from here on are those of movers.
pub(crate) const MOVERS: u32 = 3_000_000;

/// No other client has these addresses.
const ADDRESSES: u64 = 300_000;

/// One after another, until the run is over.
///
/// # Errors
/// There is no client to ask with.
pub(crate) async fn movers(world: Arc<World>, number: u32, mut dice: Dice) -> Result<(), reqwest::Error> {
    let mut phase = world.phase.subscribe();
    for nth in 0.. {
        if !world.has_room(&mut phase).await {
            return Ok(());
        }
        let place = number * 100_000 + nth;
        let user = User::new(MOVERS + place, format!("mover-{place}@example.com"), String::new());
        let agent = Agent::new(world.clone(), user, ADDRESSES + u64::from(place))?;
        let mut mover = Mover { agent, id: String::new(), sessions: Vec::new(), address: 0, password: 0 };
        mover.live(&mut dice).await;
        mover.leave().await;
    }
    Ok(())
}

struct Mover {
    agent: Agent,
    /// Known from the first login on.
    id: String,
    sessions: Vec<Held>,
    /// The numbers of what is right now.
    address: u32,
    password: u32,
}

/// A mover has nothing else to do than to wait for mail, which takes two minutes while fault follows fault.
const PATIENCE: At = 300 * SECOND;

/// Pages that links lead to, and where they post what they were opened with.
const INVITATION: (&str, &str) = ("/invitation", "/api/auth/invitation/accept");
const VERIFY: (&str, &str) = ("/verify", "/api/auth/verify");
const EMAIL: (&str, &str) = ("/email", "/api/auth/email/confirm");
const REVERT: (&str, &str) = ("/email/revert", "/api/auth/email/revert");
const RESET: (&str, &str) = ("/reset", "/api/auth/recovery/confirm");

impl Mover {
    /// As far as mail comes and nothing is left in doubt.
    async fn live(&mut self, dice: &mut Dice) -> Option<()> {
        let pick = dice.next();
        self.be_invited().await?;
        self.log_in(0).await?;
        self.log_in(0).await?;
        if pick.is_multiple_of(3) {
            self.verify(pick).await?;
        }
        let moved = self.change_address(pick).await?;
        self.log_in(0).await;
        self.log_in(1).await?;
        if pick.is_multiple_of(2) {
            self.take_back(&moved, pick).await?;
        }
        Some(())
    }

    /// The address of a number.
    fn email(&self, address: u32) -> String {
        let email = &self.agent.user.email;
        if address == 0 { email.clone() } else { format!("new-{email}") }
    }

    /// The link to a page that is mailed to an address once this is done. (There is one of each.)
    async fn link_of(
        &self,
        (address, page): (u32, &str),
        asked: impl AsyncFnOnce() -> bool,
    ) -> Option<String> {
        if !asked().await {
            return None;
        }
        let (begin, email) = (self.agent.now(), self.email(address));
        let token = mailed(&self.agent.world, &self.agent.http, (&email, page), (&[], PATIENCE)).await;
        let arrived = if token.is_some() { Answer::Yes } else { Answer::No("no mail".to_owned()) };
        self.agent.note((begin, self.agent.now()), Act::Mail, arrived);
        token
    }

    /// Opens a link from two tabs at once; and again, as long as nobody says yes or no.
    async fn open(&self, of: Option<&str>, path: &str, body: &Value, act: &Act) -> bool {
        let tabs = (0..2).map(|_| self.agent.insist(of, path, body, act));
        join_all(tabs).await.contains(&Some(Answer::Yes))
    }

    /// A link of one kind opens no other page's endpoint.
    async fn misuse(&self, token: &str, own: &str) {
        let password = self.agent.user.password(9);
        for (_, path) in
            [EMAIL, REVERT, RESET, INVITATION, VERIFY].into_iter().filter(|(_, path)| *path != own)
        {
            let body = match path {
                _ if path == RESET.1 => json!({"token": token, "newPassword": password}),
                _ if path == INVITATION.1 => json!({"token": token, "password": password}),
                _ => json!({"token": token}),
            };
            let (begin, end, reply) = self.agent.timed(self.agent.post(path, &body)).await;
            self.agent.note((begin, end), Act::WrongLink, reply.answer());
        }
    }

    async fn be_invited(&mut self) -> Option<()> {
        let email = self.email(0);
        let invite = ["user", "invite", "--email", email.as_str(), "--name", "Mover", "--bcrypt-cost", "10"];
        let token = self
            .link_of((0, INVITATION.0), async || self.agent.operate(&invite, &Act::Invite, "").await)
            .await?;
        self.log_in(0).await;
        self.misuse(&token, INVITATION.1).await;
        // Two who have the link, with a password each: one of them is in time.
        let (first, second) = tokio::join!(self.accept(&token, 0), self.accept(&token, 1));
        match (first, second) {
            (true, _) => {}
            (_, true) => self.password = 1,
            _ => return None,
        }
        Some(())
    }

    async fn accept(&self, token: &str, password: u32) -> bool {
        let body = json!({"token": token, "password": self.agent.user.password(password)});
        self.open(None, INVITATION.1, &body, &Act::Accept { password }).await
    }

    async fn log_in(&mut self, address: u32) -> Option<()> {
        let password = self.password;
        let body = json!({"email": self.email(address), "password": self.agent.user.password(password)});
        let (begin, end, reply) = self.agent.timed(self.agent.post("/api/auth/login", &body)).await;
        let held = Held::of(&reply, (begin, end));
        self.agent.world.meet(reply.text("/data/user/id"), self.agent.user.number);
        if held.is_some() {
            reply.text("/data/user/id").clone_into(&mut self.id);
        }
        let gave = held.as_ref().map(|held| held.access.session.clone());
        self.agent.note((begin, end), Act::LoginAt { address, password, gave }, reply.answer());
        self.sessions.push(held?);
        Some(())
    }

    /// What goes on is refreshed, and of each session a decision is asked.
    async fn decide(&mut self, pick: u64) {
        self.keep_young().await;
        for held in &self.sessions {
            // Movers have no permission: of each API, what anybody may ask.
            self.agent.decide_about(std::slice::from_ref(&held.access), pick % 4).await;
        }
    }

    /// Refreshes what is about to expire. A session that is over is asked about with what it has.
    async fn keep_young(&mut self) {
        let soon = self.agent.now() + 20 * SECOND;
        for held in &mut self.sessions {
            if held.access.expires.0 < soon
                && let Some(young) = self.agent.refresh(held.clone()).await
            {
                *held = young;
            }
        }
    }

    async fn verify(&mut self, pick: u64) -> Option<()> {
        self.keep_young().await;
        let access = &self.sessions.last()?.access;
        let resend = self.agent.post("/api/auth/verify/resend", &json!({})).bearer_auth(&access.token);
        let token = self
            .link_of((self.address, VERIFY.0), async || {
                let (begin, end, reply) = self.agent.timed(resend).await;
                self.agent.note_with((begin, end), access, Act::Ask, reply.answer());
                reply.answer() == Answer::Yes
            })
            .await?;
        self.open(None, VERIFY.1, &json!({"token": token}), &Act::Verify).await;
        self.misuse(&token, VERIFY.1).await;
        self.decide(pick).await;
        Some(())
    }

    /// The new address, whose link is opened; the link that did it.
    async fn change_address(&mut self, pick: u64) -> Option<String> {
        self.keep_young().await;
        let access = self.sessions.last()?.access.clone();
        let body =
            json!({"newEmail": self.email(1), "currentPassword": self.agent.user.password(self.password)});
        let wish = self.agent.post("/api/auth/email", &body).bearer_auth(&access.token);
        let token = self
            .link_of((1, EMAIL.0), async || {
                let (begin, end, reply) = self.agent.timed(wish).await;
                self.agent.note_with((begin, end), &access, Act::AskMove { to: 1 }, reply.answer());
                reply.answer() == Answer::Yes
            })
            .await?;
        self.misuse(&token, EMAIL.1).await;
        // Who has not opened the link has not moved.
        self.log_in(1).await;
        self.decide(pick).await;
        let (of, body) = (access.session.as_str(), json!({"token": token}));
        let moved = self.open(Some(of), EMAIL.1, &body, &Act::Move { to: 1 }).await;
        self.decide(pick).await;
        self.address = 1;
        moved.then_some(token)
    }

    /// The old address takes the account back, whose password is nobody's until the mail after that sets another.
    async fn take_back(&mut self, moved: &str, pick: u64) -> Option<()> {
        let token = self.link_of((0, REVERT.0), async || true).await?;
        self.misuse(&token, REVERT.1).await;
        self.decide(pick).await;
        let reverted =
            async || self.open(None, REVERT.1, &json!({"token": token}), &Act::Revert { to: 0 }).await;
        let reset = self.link_of((0, RESET.0), reverted).await;
        self.decide(pick).await;
        let again = self.agent.timed(self.agent.post(EMAIL.1, &json!({"token": moved}))).await;
        self.agent.note((again.0, again.1), Act::OpenAgain, again.2.answer());
        self.log_in(0).await;
        self.log_in(1).await;
        self.address = 0;
        let body = json!({"token": reset?, "newPassword": self.agent.user.password(2)});
        if self.open(None, RESET.1, &body, &Act::Recover { to: 2 }).await {
            self.password = 2;
            self.log_in(0).await;
            self.log_in(1).await;
        }
        self.decide(pick).await;
        Some(())
    }

    async fn leave(&mut self) {
        if !self.id.is_empty() {
            let delete = ["user", "delete", self.id.as_str(), "--yes", "--with-log"];
            self.agent.operate(&delete, &Act::Delete, "no user").await;
            self.decide(0).await;
        }
    }
}
