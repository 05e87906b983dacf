//! The results that an API keeps of its authorizer, by the values of the identity sources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::policy::Grant;

/// Keeps results until their time is over; one with a life of 0 keeps none.
#[derive(Debug)]
pub(super) struct Cache {
    ttl_ms: u64,
    held: Mutex<HashMap<Vec<String>, Kept>>,
}

/// When its time is over, and the result.
type Kept = (u64, Arc<Grant>);

impl Cache {
    pub(super) fn new(ttl_seconds: u64) -> Cache {
        Cache { ttl_ms: ttl_seconds.saturating_mul(1000), held: Mutex::default() }
    }

    /// The result for these identity values, if it is young enough at `now_ms`.
    pub(super) fn get(&self, key: &[String], now_ms: u64) -> Option<Arc<Grant>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(key).filter(|(ends, _)| now_ms < *ends).map(|(_, grant)| grant.clone())
    }

    /// Keeps a result, Allow and Deny alike, and forgets those whose time is over.
    pub(super) fn put(&self, key: Vec<String>, grant: Arc<Grant>, now_ms: u64) {
        if self.ttl_ms == 0 {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, (ends, _)| now_ms < *ends);
        held.insert(key, (now_ms.saturating_add(self.ttl_ms), grant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Arc<Grant> {
        let answer = br#"{"principalId":"u","policyDocument":{"Statement":[]}}"#;
        Arc::new(Grant::parse(answer).unwrap())
    }

    #[test]
    fn a_result_is_kept_for_its_time_and_for_its_own_identity() {
        let cache = Cache::new(300);
        let (mine, other) = (vec!["a".to_owned()], vec!["b".to_owned()]);
        cache.put(mine.clone(), grant(), 1_000);
        assert!(cache.get(&mine, 300_999).is_some());
        assert!(cache.get(&mine, 301_000).is_none());
        assert!(cache.get(&other, 1_000).is_none());
    }

    #[test]
    fn without_a_life_nothing_is_kept() {
        let cache = Cache::new(0);
        cache.put(vec!["a".to_owned()], grant(), 1_000);
        assert!(cache.get(&["a".to_owned()], 1_000).is_none());
    }
}
