//! EventBridge: events, and the rules that call functions for some of them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{Passed, Target};
use crate::random;
use nova_template::{ACCOUNT, Pattern, REGION};

/// The bus that every account has.
const DEFAULT: &str = "default";

/// Lambda tries an asynchronous call twice more.
const MOST_CALLS: u32 = 3;

/// It does so after one minute, and after two.
const REST_MS: u64 = 60_000;

/// All buses of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Buses(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    names: BTreeSet<String>,
    rules: Vec<Rule>,
    calls: VecDeque<Call>,
    passed: Passed,
}

impl State {
    /// Hands an event to every rule that means it, and gives its id.
    fn tell(
        &mut self,
        bus: &str,
        source: &str,
        kind: &str,
        (detail, resources): (Value, Value),
        now_ms: u64,
    ) -> String {
        let id = random::uuid();
        let event = json!({
            "version": "0",
            "id": id,
            "detail-type": kind,
            "source": source,
            "account": ACCOUNT,
            "time": seconds(now_ms),
            "region": REGION,
            "resources": resources,
            "detail": detail,
        });
        let meant = |rule: &&Rule| rule.bus == bus && rule.pattern.matches(&event);
        let rules: Vec<_> = self.rules.iter().filter(meant).cloned().collect();
        for rule in rules {
            self.calls.push_back(Call { rule, event: event.clone(), made: 0, not_before_ms: now_ms });
        }
        self.passed.add(event.to_string());
        id
    }
}

#[derive(Clone)]
struct Rule {
    name: String,
    bus: String,
    pattern: Pattern,
    target: Target,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// A call that is still to be made.
#[derive(Debug)]
struct Call {
    rule: Rule,
    event: Value,
    made: u32,
    not_before_ms: u64,
}

/// An event that EventBridge does not take: its code, and what it says.
pub(super) type Refused = (&'static str, &'static str);

impl Buses {
    pub(super) fn new(names: impl Iterator<Item = String>) -> Buses {
        let names = names.chain([DEFAULT.to_owned()]).collect();
        Buses(Arc::new(Mutex::new(State {
            names,
            rules: Vec::new(),
            calls: VecDeque::new(),
            passed: Passed::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, name: &str, bus: &str, pattern: Pattern, target: Target) {
        let rule = Rule { name: name.to_owned(), bus: bus.to_owned(), pattern, target };
        self.state().rules.push(rule);
    }

    /// Takes one entry of a call, and gives the event's id.
    pub(super) fn put(&self, entry: &Value, now_ms: u64) -> Result<String, Refused> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(source), Some(kind), Some(detail)) = (text("Source"), text("DetailType"), text("Detail"))
        else {
            return Err(("InvalidArgument", "Parameter Source, DetailType or Detail is missing."));
        };
        if source.starts_with("aws.") {
            return Err(("NotAuthorizedForSourceException", "Not authorized for the source."));
        }
        let detail: Value = serde_json::from_str(detail).unwrap_or_default();
        if !detail.is_object() {
            return Err(("MalformedDetail", "Detail is malformed."));
        }
        let bus = text("EventBusName").unwrap_or(DEFAULT).rsplit('/').next().unwrap_or_default();
        let mut state = self.state();
        if !state.names.contains(bus) {
            return Err(("InvalidArgument", "There is no such event bus in the templates."));
        }
        let resources = entry.get("Resources").cloned().unwrap_or_else(|| json!([]));
        Ok(state.tell(bus, source, kind, (detail, resources), now_ms))
    }

    /// Takes an event of AWS itself, which nobody else may put on a bus.
    pub(crate) fn tell_of_aws(&self, source: &str, kind: &str, detail: Value, now_ms: u64) {
        self.state().tell(DEFAULT, source, kind, (detail, json!([])), now_ms);
    }

    /// Makes one call whose time has come. `false`: there is none.
    pub(super) async fn turn(&self, now_ms: u64) -> Result<bool, String> {
        let call = {
            let mut state = self.state();
            let due = state.calls.iter().position(|call| call.not_before_ms <= now_ms);
            due.and_then(|due| state.calls.remove(due))
        };
        let Some(mut call) = call else { return Ok(false) };
        let Err(problem) = call.rule.target.call(call.event.clone()).await else { return Ok(true) };
        call.made += 1;
        let name = call.rule.name.clone();
        if call.made < MOST_CALLS {
            call.not_before_ms = now_ms.saturating_add(REST_MS.saturating_mul(call.made.into()));
            self.state().calls.push_back(call);
            return Err(format!("{name}: {problem}"));
        }
        Err(format!("{name}: an event was dropped after {MOST_CALLS} calls: {problem}"))
    }

    pub(super) fn passed(&self) -> Vec<String> {
        self.state().passed.texts()
    }
}

fn seconds(now_ms: u64) -> String {
    let at = i64::try_from(now_ms / 1000).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str) -> Value {
        json!({ "Source": "app", "DetailType": kind, "Detail": r#"{"id":"1"}"#, "EventBusName": "Bus" })
    }

    fn told(buses: &Buses, fails: bool) -> Arc<Mutex<Vec<Value>>> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = told.clone();
        let target = Target::new(move |event: Value| {
            seen.lock().unwrap().push(event);
            async move { if fails { Err("no".to_owned()) } else { Ok(Value::Null) } }
        });
        let pattern = Pattern::parse(&json!({ "source": ["app"], "detail-type": ["Ended"] })).unwrap();
        buses.add("One.Rule", "Bus", pattern, target);
        told
    }

    #[tokio::test]
    async fn a_rule_calls_its_function_for_the_events_that_it_means_and_for_no_other() {
        let buses = Buses::new(["Bus".to_owned()].into_iter());
        let told = told(&buses, false);
        buses.put(&entry("Ended"), 1_700_000_000_000).unwrap();
        buses.put(&entry("Changed"), 0).unwrap();
        let mut elsewhere = entry("Ended");
        elsewhere["EventBusName"] = json!("default");
        buses.put(&elsewhere, 0).unwrap();
        while buses.turn(1_700_000_000_000).await.unwrap() {}
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["detail-type"], "Ended");
        assert_eq!(told[0]["detail"], json!({ "id": "1" }));
        assert_eq!(told[0]["time"], "2023-11-14T22:13:20Z");
    }

    #[tokio::test]
    async fn a_call_that_fails_is_made_three_times_in_all() {
        let buses = Buses::new(["Bus".to_owned()].into_iter());
        let told = told(&buses, true);
        buses.put(&entry("Ended"), 0).unwrap();
        buses.turn(0).await.unwrap_err();
        assert_eq!(buses.turn(59_999).await, Ok(false));
        buses.turn(60_000).await.unwrap_err();
        buses.turn(180_000).await.unwrap_err();
        assert_eq!(buses.turn(u64::MAX).await, Ok(false));
        assert_eq!(told.lock().unwrap().len(), 3);
    }

    #[test]
    fn what_eventbridge_would_not_take_is_refused() {
        let buses = Buses::new(["Bus".to_owned()].into_iter());
        for (name, value, code) in [
            ("Source", "aws.ec2", "NotAuthorizedForSourceException"),
            ("Detail", "[1]", "MalformedDetail"),
            ("Detail", "{", "MalformedDetail"),
            ("DetailType", "", "InvalidArgument"),
            ("EventBusName", "Other", "InvalidArgument"),
        ] {
            let mut entry = entry("Ended");
            entry[name] = json!(value);
            assert_eq!(buses.put(&entry, 0).unwrap_err().0, code, "{name}");
        }
        assert!(buses.passed().is_empty());
    }
}
