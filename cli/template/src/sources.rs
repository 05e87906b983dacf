//! What calls functions besides requests: streams of tables, queues, and rules of event buses; and the queues and buses themselves.

use serde_json::{Value, json};

use super::Pattern;
use super::names::{ACCOUNT, REGION};
use super::resource::{Reader, Resource, at};
use super::scalar::scalar_text;

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name: `QueueName`, or the logical id.
    pub name: String,
    /// Its ARN on this machine.
    pub arn: String,
    /// Its address, which `Ref` gives. It is only a name: calls go where the SDK is told to send them.
    pub url: String,
    /// For how long a message that was received is nobody else's.
    pub visibility_seconds: u64,
    /// For how long a message is kept.
    pub retention_seconds: u64,
    /// How long every message is kept back.
    pub delay_seconds: u64,
    /// How long a receiver that does not say waits for a message.
    pub wait_seconds: u64,
    /// The ARN of the queue for messages that were received this often.
    pub dead_letters: Option<(String, u64)>,
}

/// What calls a function.
#[derive(Clone, Debug)]
pub struct EventSource {
    /// The logical id of the function, and the event's name in it.
    pub function: String,
    /// The event's name.
    pub name: String,
    pub kind: SourceKind,
}

/// The kinds of sources.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// The stream of a table.
    Stream(StreamSource),
    Queue(QueueSource),
    /// A rule of an event bus.
    Rule {
        /// The bus's name.
        bus: String,
        /// The events that it is for.
        pattern: Pattern,
    },
}

/// A rule of an event bus that is a resource of its own (`AWS::Events::Rule`).
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its logical id.
    pub name: String,
    /// The bus's name.
    pub bus: String,
    /// The events that it is for.
    pub pattern: Pattern,
    /// The ARNs of the queues and functions that get them.
    pub targets: Vec<String>,
}

/// How a stream is read.
#[derive(Clone, Debug)]
pub struct StreamSource {
    /// The table's name.
    pub table: String,
    /// Maximum records in one call.
    pub batch_size: usize,
    /// One of them is enough; without any, every record counts.
    pub filters: Vec<Pattern>,
    /// Whether the function says which records failed.
    pub reports_failures: bool,
    /// Whether a batch that failed is halved.
    pub bisects: bool,
    /// How often a batch is tried again; none is for ever.
    pub retries: Option<u64>,
    /// Records that are older are given up.
    pub max_age_seconds: Option<u64>,
    /// The ARN of the queue that is told which records were given up.
    pub on_failure: Option<String>,
}

/// How a queue is read.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// The queue's ARN.
    pub queue: String,
    /// Maximum messages in one call.
    pub batch_size: usize,
    /// One of them is enough; a message that none matches is thrown away.
    pub filters: Vec<Pattern>,
    /// Whether the function says which messages failed.
    pub reports_failures: bool,
}

/// The ARN of a table's stream on this machine.
#[must_use]
pub fn stream_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local")
}

pub(super) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

pub(super) fn queue_url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}")
}

pub(super) fn bus_arn(name: &str) -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}")
}

pub(super) fn queue(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Queue, String> {
    let name = reader.text(resource, "QueueName")?.unwrap_or_else(|| resource.id.to_owned());
    let dead_letters = match reader.property(resource, "RedrivePolicy")? {
        None => None,
        Some(policy) => {
            let arn = policy.get("deadLetterTargetArn").and_then(Value::as_str);
            let count = policy.get("maxReceiveCount").and_then(scalar_text);
            let count = count.and_then(|count| count.parse().ok()).filter(|count| *count > 0);
            let arn = arn.ok_or("RedrivePolicy has no deadLetterTargetArn")?.to_owned();
            Some((arn, count.ok_or("RedrivePolicy has no maxReceiveCount")?))
        }
    };
    Ok(Queue {
        arn: queue_arn(&name),
        url: queue_url(&name),
        name,
        visibility_seconds: reader.number(resource, "VisibilityTimeout", 30)?,
        retention_seconds: reader.number(resource, "MessageRetentionPeriod", 345_600)?,
        delay_seconds: reader.number(resource, "DelaySeconds", 0)?,
        wait_seconds: reader.number(resource, "ReceiveMessageWaitTimeSeconds", 0)?,
        dead_letters,
    })
}

/// The sources that a function's `Events` name. Events of other kinds are passed over.
pub(super) fn of_function(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Vec<EventSource>, String> {
    let mut sources = Vec::new();
    let events = resource.properties.get("Events").and_then(Value::as_object).into_iter().flatten();
    for (name, event) in events {
        let properties = event.get("Properties").unwrap_or(&Value::Null);
        let kind = match event.get("Type").and_then(Value::as_str) {
            Some("DynamoDB") => read(reader, properties, stream),
            Some("SQS") => read(reader, properties, queue_source),
            Some("EventBridgeRule" | "CloudWatchEvent") => read(reader, properties, rule),
            _ => continue,
        };
        if let Some(kind) = kind.map_err(|problem| format!("the event {name}: {problem}"))? {
            sources.push(EventSource { function: resource.id.to_owned(), name: name.clone(), kind });
        }
    }
    Ok(sources)
}

/// A mapping that is a resource of its own (`AWS::Lambda::EventSourceMapping`). `None`: it is switched off, or its source is neither queue
/// nor stream of a table.
pub(super) fn mapping(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Option<EventSource>, String> {
    let mut properties = resource.properties.clone();
    // What nothing here knows is no source that runs here.
    let named = |name: &str| properties.get(name).and_then(|value| reader.string(value).ok());
    let (Some(function), Some(source)) = (named("FunctionName"), named("EventSourceArn")) else {
        return Ok(None);
    };
    // What SAM calls the source in a function's own `Events`.
    properties.insert("Stream".to_owned(), json!(source));
    properties.insert("Queue".to_owned(), json!(source));
    let properties = Value::Object(properties);
    let kind = match source.split(':').nth(2) {
        Some("sqs") => read(reader, &properties, queue_source)?,
        Some("dynamodb") => read(reader, &properties, stream)?,
        _ => None,
    };
    let function = function.rsplit(':').next().unwrap_or_default().to_owned();
    Ok(kind.map(|kind| EventSource { function, name: resource.id.to_owned(), kind }))
}

/// `None`: it is switched off.
fn read(
    reader: &Reader<'_>,
    properties: &Value,
    kind: impl FnOnce(&Value) -> Result<SourceKind, String>,
) -> Result<Option<SourceKind>, String> {
    let properties = reader.resolver.resolve(properties)?.unwrap_or_default();
    let off = text(&properties, "Enabled").as_deref() == Some("false")
        || text(&properties, "State").as_deref() == Some("DISABLED");
    if off { Ok(None) } else { kind(&properties).map(Some) }
}

fn stream(properties: &Value) -> Result<SourceKind, String> {
    let arn = text(properties, "Stream").ok_or("it has no Stream")?;
    let table = arn.split_once(":table/").and_then(|(_, rest)| rest.split_once("/stream/"));
    let (table, _) = table.ok_or_else(|| format!("Stream is not a table's stream: {arn}"))?;
    let limit = |name: &str| -> Result<Option<u64>, String> {
        match text(properties, name).as_deref() {
            None | Some("-1") => Ok(None),
            Some(number) => number.parse().map(Some).map_err(|_| format!("{name} is not a number: {number}")),
        }
    };
    let on_failure = at(properties, &["DestinationConfig", "OnFailure", "Destination"]);
    Ok(SourceKind::Stream(StreamSource {
        table: table.to_owned(),
        batch_size: size(properties, 100)?,
        filters: filters(properties)?,
        reports_failures: reports_failures(properties),
        bisects: text(properties, "BisectBatchOnFunctionError").as_deref() == Some("true"),
        retries: limit("MaximumRetryAttempts")?,
        max_age_seconds: limit("MaximumRecordAgeInSeconds")?,
        on_failure: on_failure.and_then(scalar_text),
    }))
}

fn queue_source(properties: &Value) -> Result<SourceKind, String> {
    Ok(SourceKind::Queue(QueueSource {
        queue: text(properties, "Queue").ok_or("it has no Queue")?,
        batch_size: size(properties, 10)?,
        filters: filters(properties)?,
        reports_failures: reports_failures(properties),
    }))
}

fn rule(properties: &Value) -> Result<SourceKind, String> {
    let pattern = properties.get("Pattern").ok_or("it has no Pattern")?;
    Ok(SourceKind::Rule { bus: bus(properties), pattern: Pattern::parse(pattern)? })
}

/// The name of the bus that a rule names, by its name or its ARN.
fn bus(properties: &Value) -> String {
    let bus = text(properties, "EventBusName").unwrap_or_else(|| "default".to_owned());
    bus.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What would make another message of an event: whoever gets the event as it is would be misled.
const CHANGES: [&str; 3] = ["Input", "InputPath", "InputTransformer"];

/// A rule of its own. `None`: it is switched off, or goes by a schedule, which nothing here does.
pub(super) fn own_rule(reader: &Reader<'_>, resource: &Resource<'_>) -> Result<Option<Rule>, String> {
    let properties =
        reader.resolver.resolve(&Value::Object(resource.properties.clone()))?.unwrap_or_default();
    let Some(pattern) = properties.get("EventPattern") else { return Ok(None) };
    if text(&properties, "State").as_deref() == Some("DISABLED") {
        return Ok(None);
    }
    let pattern = Pattern::parse(pattern).map_err(|problem| format!("EventPattern: {problem}"))?;
    let mut targets = Vec::new();
    for target in properties.get("Targets").and_then(Value::as_array).into_iter().flatten() {
        if let Some(change) = CHANGES.iter().find(|change| target.get(**change).is_some()) {
            return Err(format!("{change} of a target is not supported here"));
        }
        let arn = text(target, "Arn").ok_or("a target has no Arn")?;
        if !["sqs", "lambda"].contains(&arn.split(':').nth(2).unwrap_or_default()) {
            return Err(format!("a target is neither a queue nor a function: {arn}"));
        }
        targets.push(arn);
    }
    Ok(Some(Rule { name: resource.id.to_owned(), bus: bus(&properties), pattern, targets }))
}

fn text(properties: &Value, name: &str) -> Option<String> {
    properties.get(name).and_then(scalar_text)
}

fn size(properties: &Value, default: usize) -> Result<usize, String> {
    let Some(text) = text(properties, "BatchSize") else { return Ok(default) };
    text.parse().ok().filter(|size| *size > 0).ok_or_else(|| format!("BatchSize is not a number: {text}"))
}

fn reports_failures(properties: &Value) -> bool {
    let types = properties.get("FunctionResponseTypes").and_then(Value::as_array);
    types.into_iter().flatten().any(|one| one == &json!("ReportBatchItemFailures"))
}

fn filters(properties: &Value) -> Result<Vec<Pattern>, String> {
    let filters = at(properties, &["FilterCriteria", "Filters"]).and_then(Value::as_array);
    let parse = |filter: &Value| {
        let pattern = filter.get("Pattern").and_then(Value::as_str).ok_or("a filter has no Pattern")?;
        let pattern: Value = serde_json::from_str(pattern)
            .map_err(|error| format!("a filter's Pattern is not JSON: {error}"))?;
        Pattern::parse(&pattern).map_err(|problem| format!("a filter's Pattern: {problem}"))
    };
    filters.into_iter().flatten().map(parse).collect()
}
