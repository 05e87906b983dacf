//! What the judge knows of invitations and of addresses that change.

use super::super::history::{Act, Answer, Event};
use super::{Facts, done};

/// The number of a password that nobody knows.
pub(super) const NOBODYS: u32 = u32::MAX - 1;

impl Facts<'_> {
    /// Why a link, or a login of somebody who has two addresses, must not have been taken.
    pub(super) fn wrong_link(&self, event: &Event) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let (begin, end) = (event.begin, event.end);
        match &event.act {
            Act::WrongLink => Some("a link was taken for what it was not made for"),
            Act::Accept { password } => {
                let twice = self.other_acceptances(event, *password).any(|other| other.answer == Answer::Yes);
                twice.then_some("one invitation set two passwords")
            }
            Act::LoginAt { address, password, .. } => {
                let is_deleted = user.there.certain(begin, end) == Some(false);
                let was_theirs = user.address.possible(begin, end).contains(address);
                let was_right = user.password.possible(begin, end).contains(password);
                (!was_theirs)
                    .then_some("an address that was the user's no more let somebody in")
                    .or((!was_right).then_some("a password that had been changed let somebody in"))
                    .or(is_deleted.then_some("a deleted user got a session"))
            }
            _ => None,
        }
    }

    /// Why it must have been taken.
    pub(super) fn wrong_refusal_of_link(&self, event: &Event, code: &str) -> Option<&'static str> {
        let user = self.users.get(&event.user)?;
        let (begin, end) = (event.begin, event.end);
        if user.there.certain(begin, end) != Some(true) {
            return None;
        }
        let is_excused = match &event.act {
            Act::LoginAt { address, password, .. } => {
                let is_right = user.password.certain(begin, end) == Some(*password);
                let is_theirs = user.address.certain(begin, end) == Some(*address);
                return (is_right && is_theirs).then_some("the right password was refused");
            }
            // Of two passwords at once, one is late.
            Act::Accept { password } => {
                self.other_acceptances(event, *password).any(|other| done(&other.answer).is_some())
            }
            // What ends the session that asked ends what it asked for.
            Act::Move { .. } => {
                event.session.as_deref().is_none_or(|asked| self.alive(asked, begin, end) != Some(true))
            }
            Act::Revert { .. } | Act::Verify => false,
            _ => true,
        };
        (!is_excused && code == "MAIL_TOKEN_INVALID").then_some("a good link was refused")
    }

    /// The invitation, accepted with another password before this call was over.
    fn other_acceptances(&self, event: &Event, password: u32) -> impl Iterator<Item = &Event> {
        let end = event.end;
        self.calls_of(event.user).filter(move |other| {
            let is_other = matches!(other.act, Act::Accept { password: set } if set != password);
            is_other && other.begin < end
        })
    }
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
