//! Who may call what: the rules of an attached API.
//!
//! The rules stand in the order of their file. The first one whose route matches decides; what none matches is denied.
//! A rule's conditions hold together: a role of the list *and* the permission *and* an address of the list. The role
//! `admin` has every permission; it is no role of any list that does not name it.
//!
//! `mfa` and `fresh` are about the session, and come last: what they ask for, its user can still show.
//!
//! Routes are matched as text, exactly: letters count in their case, `{id}` is one segment and not an empty one, and
//! `/*` at the end is every path that begins with what stands before the star (`/admin/*` is `/admin/` and
//! `/admin/users/7`, not `/admin`).
//!
//! | module | what is in it |
//! |---|---|
//! | [`route`] | `GET /notes/{id}` |
//! | `decide` | what the rules say of one call |
//! | `call` | the same, of a call as people write it |
//! | [`channel`] | what they say of connecting, subscribing and publishing at an event API |
//! | [`express`] | whether an IAM policy can say what the rules say, on every path |
//! | [`grant`] | the policy of one user |
//! | `stored` | the form in which they are stored |
//! | [`attachment`] | whether what API Gateway keeps of the answers fits the rules |
//! | `path` | which paths can be read in more than one way, and the patterns that deny them |
//! | `overlap` | where routes, and the patterns that IAM makes of them, meet |
//! | `file` | the YAML that people write (feature `rules-file`) |

pub mod attachment;
#[cfg(test)]
mod attachment_tests;
mod call;
pub mod channel;
mod decide;
pub mod express;
#[cfg(feature = "rules-file")]
pub mod file;
pub mod grant;
mod overlap;
mod path;
pub mod route;
mod stored;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use call::Call;
pub use channel::Operation;
pub use decide::Verdict;
pub use route::{Method, Route};

use crate::{
    address::ClientAddress,
    assurance::{Demand, MaxAge, Shown},
    refusal::Refusal,
    user::{Permission, Profile, Role},
};

/// The rules of an API. `stored` has their form in the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "stored::Stored")]
pub struct Rules {
    /// In the order of their file.
    pub rules: Vec<Rule>,
    /// Whether API Gateway may keep an answer for the user's next call (a result TTL above 0).
    pub caching: Caching,
}

/// Whether API Gateway may keep an answer for another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Caching {
    /// It may: every answer says all that the user may call.
    Allowed,
    /// It may not: an answer is for the one call that was asked about.
    Never,
}

/// One rule. A condition that this version does not know is an error: without it the rule would let in whom it does not mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where it stands in its file.
    pub line: u32,
    /// What it is about.
    pub route: Route,
    /// Whom it lets in.
    #[serde(flatten)]
    pub access: Access,
}

/// Whom a rule lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Everybody, with a token or without.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
    /// One of these roles; any if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// From one of these networks; from anywhere if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpNet>,
    /// With a session that was shown a second factor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mfa: bool,
    /// With a session whose user showed who they are at most so long ago; with `mfa`: showed the second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh: Option<MaxAge>,
}

/// Who is calling, from where, and by what session.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The user, if a token said who it is.
    pub user: Option<&'a Profile>,
    /// The client's address; `TOKEN` events have none.
    pub address: Option<ClientAddress>,
    /// What the session was shown. Without it: nothing.
    pub shown: Option<Shown>,
}

/// The first of a rule's conditions that does not hold.
enum Unmet<'a> {
    Token,
    Role,
    Permission(&'a Permission),
    Address,
    Session(Demand),
}

/// The role that has every permission.
pub const ADMIN: &str = "admin";

impl Access {
    /// Whether somebody is let in.
    ///
    /// # Errors
    /// Why not: `TokenMissing` where a token would be needed to tell.
    pub fn admits(&self, asking: Asking<'_>) -> Result<(), Refusal> {
        match self.unmet(asking) {
            None => Ok(()),
            Some(Unmet::Token) => Err(Refusal::TokenMissing),
            Some(Unmet::Role) => Err(Refusal::ForbiddenRole),
            Some(Unmet::Permission(permission)) => {
                let (feature, action) = permission.parts();
                let (feature, action) = (feature.to_owned(), action.to_owned());
                Err(Refusal::ForbiddenPermission { feature, action })
            }
            Some(Unmet::Address) => Err(Refusal::ForbiddenAddress),
            Some(Unmet::Session(Demand { second_factor, max_age })) => {
                Err(Refusal::StepUpRequired { second_factor, max_age })
            }
        }
    }

    /// The same, where nobody asks why not: a policy asks this of every rule.
    pub(crate) fn lets_in(&self, asking: Asking<'_>) -> bool {
        self.unmet(asking).is_none()
    }

    fn unmet(&self, asking: Asking<'_>) -> Option<Unmet<'_>> {
        if self.public {
            return None;
        }
        let Some(user) = asking.user else { return Some(Unmet::Token) };
        if !self.roles.is_empty() && !self.roles.contains(&user.role) {
            return Some(Unmet::Role);
        }
        if let Some(permission) = &self.permission
            && user.role.as_str() != ADMIN
            && !user.permissions.contains(permission.as_str())
        {
            return Some(Unmet::Permission(permission));
        }
        let is_near = |network: &IpNet| match asking.address {
            Some(ClientAddress::Known(ip)) => network.contains(&ip),
            _ => false,
        };
        let is_far = !self.addresses.is_empty() && !self.addresses.iter().any(is_near);
        if is_far {
            return Some(Unmet::Address);
        }
        let demand = self.demand();
        (!demand.is_met(asking.shown)).then_some(Unmet::Session(demand))
    }

    /// What it demands of the session: what changes while an answer is kept, by a step-up and by itself.
    #[must_use]
    pub const fn demand(&self) -> Demand {
        Demand { second_factor: self.mfa, max_age: self.fresh }
    }

    /// Whether whoever is let in by this rule is let in by the other one too, whoever it is.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        if self.public || other.public {
            return other.public;
        }
        let only_admins = !self.roles.is_empty() && self.roles.iter().all(|role| role.as_str() == ADMIN);
        let role = other.roles.is_empty()
            || (!self.roles.is_empty() && self.roles.iter().all(|role| other.roles.contains(role)));
        let permission = other.permission.is_none() || self.permission == other.permission || only_admins;
        let covered = |network: &IpNet| other.addresses.iter().any(|wider| wider.contains(network));
        let address =
            other.addresses.is_empty() || (!self.addresses.is_empty() && self.addresses.iter().all(covered));
        role && permission && address && self.demand().implies(other.demand())
    }
}

#[cfg(test)]
mod tests;
