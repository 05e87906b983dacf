//! Somebody with second factors: enrols authenticator apps and passkeys, logs in by them, steps up, removes them, loses the phone and has an
//! operator take everything away. They show a code several times at once, as several tabs do and thieves; the judge knows that it counts
//! once.
//!
//! | module | what is in it |
//! |---|---|
//! | `steps` | what they do next, drawn from the seed |
//! | `wallet` | what they can show |
//! | `login` | logins by one step, two, or a passkey |
//! | `change` | factors come and go |

mod change;
mod login;
mod steps;
mod wallet;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;

use super::agent::{Agent, Held};
use super::caller::{Reply, send};
use super::history::{Act, Answer, At, Proof, SECOND};
use super::plan::Dice;
use super::world::{Access, Phase, User, World};
use steps::{Deed, Step, steps};
use wallet::Wallet;

/// The numbers of users from here on are those of owners of factors.
pub(crate) const OWNERS: u32 = 2_000_000;

/// No other client has these addresses.
const ADDRESSES: u64 = 200_000;

/// More sessions than these are not looked after.
const MOST: usize = 4;

pub(crate) struct Owner {
    agent: Agent,
    /// The latest last.
    sessions: Vec<Held>,
    wallet: Wallet,
    /// Logins that waited for a second step, so far.
    challenges: u32,
}

impl Owner {
    pub(crate) fn new(world: Arc<World>, user: User) -> Result<Owner, reqwest::Error> {
        let address = ADDRESSES + u64::from(user.number - OWNERS);
        let (agent, wallet) = (Agent::new(world, user, address)?, Wallet::default());
        Ok(Owner { agent, sessions: Vec::new(), wallet, challenges: 0 })
    }

    /// Steps until it is told to end.
    pub(crate) async fn live(mut self, dice: Dice) {
        let mut phase = self.agent.world.phase.subscribe();
        for step in steps(dice) {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Run => {
                    tokio::time::sleep(Duration::from_micros(step.think)).await;
                    self.step(step).await;
                }
                Phase::Rest => {
                    self.agent.renew_connections();
                    self.agent.world.resting.fetch_add(1, Ordering::SeqCst);
                    drop(phase.wait_for(|phase| *phase != Phase::Rest).await);
                    self.agent.world.resting.fetch_sub(1, Ordering::SeqCst);
                }
                Phase::RollCall => return self.answer_the_roll().await,
            }
        }
    }

    /// Every session that should go on shows that it does.
    async fn answer_the_roll(&mut self) {
        self.refresh_all().await;
        self.decide_all(0).await;
    }

    async fn step(&mut self, step: Step) {
        self.keep_young().await;
        if self.sessions.is_empty() {
            return self.log_in(step.pick).await;
        }
        match step.deed {
            Deed::LogIn => self.log_in(step.pick).await,
            Deed::Twice => self.log_in_twice().await,
            Deed::ByPasskey => self.log_in_by_passkey(step.pick).await,
            Deed::Decide => self.decide_all(step.pick).await,
            Deed::Refresh => self.refresh_all().await,
            Deed::AddApp => self.add_app(step.pick).await,
            Deed::AddPasskey => self.add_passkey(step.pick).await,
            Deed::Remove => self.remove(step.pick).await,
            Deed::Renew => self.renew_codes(step.pick).await,
            Deed::StepUp => self.step_up(step.pick).await,
            Deed::List => drop(self.list().await),
            Deed::Reset => self.reset(step.pick).await,
            Deed::Between => self.change_between(step.pick).await,
            Deed::Disabled => self.be_disabled(step.pick).await,
            Deed::EndAll => self.end_all(step.pick).await,
        }
    }

    /// A session that began.
    fn keep(&mut self, reply: &Reply, times: (At, At)) -> Option<String> {
        let held = Held::of(reply, times)?;
        let id = held.access.session.clone();
        self.sessions.push(held);
        if self.sessions.len() > MOST {
            self.sessions.remove(0);
        }
        Some(id)
    }

    /// The session that acts: the latest.
    fn latest(&self) -> Option<Access> {
        self.sessions.last().map(|held| held.access.clone())
    }

    async fn decide_all(&self, pick: u64) {
        let all: Vec<_> = self.sessions.iter().map(|held| held.access.clone()).collect();
        self.decide_about(&all, pick).await;
    }

    async fn decide_about(&self, all: &[Access], pick: u64) {
        self.agent.decide_about(all, pick).await;
    }

    /// Refreshes what is about to expire.
    async fn keep_young(&mut self) {
        let soon = self.agent.now() + 10 * SECOND;
        self.refresh_those(|held| held.access.expires.0 < soon).await;
    }

    async fn refresh_all(&mut self) {
        self.refresh_those(|_| true).await;
    }

    async fn refresh_those(&mut self, which: impl Fn(&Held) -> bool) {
        let mut kept = Vec::new();
        for held in std::mem::take(&mut self.sessions) {
            kept.extend(if which(&held) { self.agent.refresh(held).await } else { Some(held) });
        }
        self.sessions = kept;
    }

    async fn end_all(&mut self, pick: u64) {
        let Some(access) = self.latest() else { return };
        self.decide_all(pick).await;
        let request = self.agent.request(Method::DELETE, "/api/auth/sessions").bearer_auth(&access.token);
        let (begin, end, reply) = self.agent.timed(request).await;
        self.agent.note_with((begin, end), &access, Act::EndAll, reply.answer());
        self.decide_all(pick).await;
        self.refresh_all().await;
    }

    /// Too many attempts that never came to their end: of the account, which an operator frees, or of the address, which a person changes
    /// by going elsewhere.
    async fn wait_out(&mut self, code: &str) {
        if ["LOGIN_LOCKED", "MFA_LOCKED"].contains(&code) {
            // The next login finds out whether it worked.
            drop(self.agent.world.system.operate(&["user", "unlock", &self.agent.user.email], "").await);
        } else {
            self.agent.move_on();
        }
    }
}
