//! What may be uploaded. First the rules as they are stored; [`mod@file`] reads what people write.

#[cfg(feature = "rules-file")]
pub mod file;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// The largest file that any rule may allow: what the inspection can hold twice over.
pub const LARGEST_BYTES: u64 = 32 * 1024 * 1024;

/// The most files a day that a rule may allow one user. That many fit into one kilobyte of counts, which is one write unit.
pub const MOST_A_DAY: u32 = 40;

nova_auth_domain::named! {
    /// What may be in a picture beside what is shown, by the word that is written, stored and handed on.
    #[derive(Default)]
    pub enum Metadata {
        /// Anything: it stays in it.
        #[default]
        Keep = "keep",
        /// Nothing.
        Refuse = "refuse",
    }
}

/// What files of one purpose may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Purpose {
    /// What they are for, as the front end names it.
    pub purpose: String,
    /// The types, by content.
    pub types: BTreeSet<Kind>,
    /// The largest file.
    pub max_bytes: u64,
    /// Files of one user in one day (UTC).
    pub files_a_day: u32,
    /// Bytes of one user in one day (UTC).
    pub bytes_a_day: u64,
    /// What pictures may have in them. Rules that were stored before there was a choice keep it.
    #[serde(default)]
    pub metadata: Metadata,
}

/// The rules of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(pub Vec<Purpose>);

impl Rules {
    /// What files of this purpose may be. Nothing, if no rule has it.
    #[must_use]
    pub fn purpose(&self, name: &str) -> Option<&Purpose> {
        self.0.iter().find(|rule| rule.purpose == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_before_say_the_same_of_what_is_in_a_picture() {
        assert_eq!(Metadata::ALL.map(Metadata::name), ["keep", "refuse"]);
        assert_eq!(serde_json::json!(Metadata::ALL), serde_json::json!(["keep", "refuse"]));
        assert_eq!(Metadata::default(), Metadata::Keep);
    }
}
