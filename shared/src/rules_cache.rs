//! The rules of attached APIs, kept for a minute.
//!
//! That an API has none is never kept: rules that are put are in force on the next decision then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::rules::Rules;

/// How long rules are in force after others were put in their place.
pub const RULES_KEPT: SignedDuration = SignedDuration::from_secs(60);

/// One authorizer serves the APIs of one account; what is beyond any such number is not kept.
const MAX_APIS: usize = 1_000;

/// Rules by API.
#[derive(Debug, Default)]
pub struct RulesCache(Mutex<HashMap<String, (Arc<Rules>, Timestamp)>>);

impl RulesCache {
    /// The rules of an API, if they were read within the last minute.
    #[must_use]
    pub fn get(&self, api: &str, now: Timestamp) -> Option<Arc<Rules>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (rules, read) = kept.get(api)?;
        (now.duration_since(*read).abs() < RULES_KEPT).then(|| Arc::clone(rules))
    }

    /// Keeps rules that were just read.
    pub fn keep(&self, api: &str, rules: Rules, now: Timestamp) -> Arc<Rules> {
        let rules = Arc::new(rules);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_APIS || kept.contains_key(api) {
            kept.insert(api.to_owned(), (Arc::clone(&rules), now));
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::Caching;

    #[test]
    fn rules_are_in_force_for_a_minute_after_others_were_put() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let cache = RulesCache::default();
        assert!(cache.get("api", at(0)).is_none());
        cache.keep("api", Rules { rules: vec![], caching: Caching::Never }, at(100));
        assert!(cache.get("api", at(159)).is_some());
        assert!(cache.get("api", at(160)).is_none());
        // A clock that was set back must not keep them for ever.
        assert!(cache.get("api", at(40)).is_none());
        assert!(cache.get("other", at(100)).is_none());
    }
}
