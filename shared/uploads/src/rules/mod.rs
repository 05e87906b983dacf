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

/// What may be in a picture beside what is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metadata {
    /// Anything: it stays in it.
    #[default]
    Keep,
    /// Nothing.
    Refuse,
}

impl Metadata {
    /// The word, as it is written, stored and handed on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Refuse => "refuse",
        }
    }

    /// What this word means.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Keep, Self::Refuse].into_iter().find(|one| one.name() == name)
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
