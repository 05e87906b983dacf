//! What can happen to a call on its way: held, lost, repeated, refused, half answered.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::sent::Sent;

/// What is done to a call.
#[derive(Clone)]
pub(super) enum Fault {
    /// It waits at the gate before it is sent.
    Hold(Gate),
    /// It takes effect; its answer waits at the gate.
    HoldAnswer(Gate),
    /// It takes effect, and the connection breaks before the answer.
    LoseAnswer,
    /// The connection breaks at once; the call arrives when the gate opens, long after its caller has gone on.
    Late(Gate),
    /// It is sent twice, as a proxy that repeats would; the second answer counts.
    SendTwice,
    /// It is not sent, and this is the answer.
    Answer(u16, Value),
    /// A `BatchGetItem` answers as if it had not got to the keys that these say.
    Unprocessed(fn(&Value) -> bool),
    /// Its answer is changed.
    Alter(Arc<dyn Fn(&mut Value) + Send + Sync>),
}

impl Fault {
    pub(super) fn throttled() -> Self {
        Self::error(400, "ThrottlingException")
    }

    pub(super) fn out_of_capacity() -> Self {
        Self::error(400, "ProvisionedThroughputExceededException")
    }

    pub(super) fn server_error() -> Self {
        Self::error(500, "InternalServerError")
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
        Self::Answer(status, json!({ "__type": kind, "message": "scripted" }))
    }

    /// A single write that met a transaction.
    pub(super) fn conflict_with_a_transaction() -> Self {
        Self::error(400, "TransactionConflictException")
    }

    /// A single write that met one from another region.
    pub(super) fn conflict_with_another_region() -> Self {
        Self::error(400, "ReplicatedWriteConflictException")
    }

    /// Something that stands before DynamoDB answers, and knows nothing of its form.
    pub(super) fn page(status: u16) -> Self {
        Self::Answer(status, json!("<html><body>Service Unavailable</body></html>"))
    }

    /// A transaction that met another one.
    pub(super) fn conflict() -> Self {
        Self::Answer(
            400,
            json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                "CancellationReasons": [{ "Code": "None" }, { "Code": "TransactionConflict" }],
            }),
        )
    }

    pub(super) fn alter(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Alter(Arc::new(change))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hold(_) => "Hold",
            Self::HoldAnswer(_) => "HoldAnswer",
            Self::LoseAnswer => "LoseAnswer",
            Self::Late(_) => "Late",
            Self::SendTwice => "SendTwice",
            Self::Answer(..) => "Answer",
            Self::Unprocessed(_) => "Unprocessed",
            Self::Alter(_) => "Alter",
        })
    }
}

/// Where a call is made to wait, so that a test decides who is first.
#[derive(Clone, Default)]
pub(super) struct Gate {
    arrived: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gate {
    /// The call is here, and waits. One that never comes fails the test instead of hanging it.
    pub(super) async fn arrival(&self) {
        let arrived = tokio::time::timeout(Duration::from_secs(20), self.arrived.notified()).await;
        assert!(arrived.is_ok(), "no call came to the gate");
    }

    /// The call goes on.
    pub(super) fn open(&self) {
        self.open.notify_one();
    }

    /// A late call goes on, and has its effect.
    pub(super) async fn let_it_arrive(&self) {
        self.open();
        self.arrival().await;
    }

    pub(super) async fn is_open(&self) {
        self.open.notified().await;
    }

    pub(super) fn arrive(&self) {
        self.arrived.notify_one();
    }

    pub(super) async fn pass(&self) {
        self.arrived.notify_one();
        self.open.notified().await;
    }
}

/// Which calls a fault befalls: at first the first try of the first one.
pub(super) struct Which {
    matches: Box<dyn Fn(&Sent) -> bool + Send>,
    skip: usize,
    reach: Reach,
    seen: Vec<String>,
    spent: bool,
}

enum Reach {
    OneTry,
    EveryTry,
    EveryCall,
}

/// Calls of an operation.
pub(super) fn on(operation: &'static str) -> Which {
    Which::matching(move |sent| sent.operation == operation)
}

/// All calls.
pub(super) fn any() -> Which {
    Which::matching(|_| true)
}

impl Which {
    fn matching(matches: impl Fn(&Sent) -> bool + Send + 'static) -> Self {
        Self { matches: Box::new(matches), skip: 0, reach: Reach::OneTry, seen: Vec::new(), spent: false }
    }

    /// Only those whose body has this text.
    pub(super) fn with(self, text: &'static str) -> Self {
        let matches = self.matches;
        Self { matches: Box::new(move |sent| matches(sent) && sent.body.to_string().contains(text)), ..self }
    }

    /// Not the first `calls` of them.
    pub(super) fn after(self, calls: usize) -> Self {
        Self { skip: calls, ..self }
    }

    /// Every try that the SDK makes of that one call.
    pub(super) fn every_try(self) -> Self {
        Self { reach: Reach::EveryTry, ..self }
    }

    /// That call and all the later ones.
    pub(super) fn every_call(self) -> Self {
        Self { reach: Reach::EveryCall, ..self }
    }

    pub(super) fn befalls(&mut self, sent: &Sent) -> bool {
        if !(self.matches)(sent) {
            return false;
        }
        let known = self.seen.iter().position(|call| *call == sent.invocation);
        let index = known.unwrap_or_else(|| {
            self.seen.push(sent.invocation.clone());
            self.seen.len() - 1
        });
        match self.reach {
            Reach::OneTry => index >= self.skip && !std::mem::replace(&mut self.spent, true),
            Reach::EveryTry => index == self.skip,
            Reach::EveryCall => index >= self.skip,
        }
    }
}
