//! SQS and EventBridge. Their clients are here, and in no other function.

use std::collections::BTreeSet;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::{error::ProvideErrorMetadata as _, types::SendMessageBatchRequestEntry};
use nova_auth::{
    app::Relay,
    aws::{HttpClient, service_config},
    config::AwsConfig,
    flows::relay::{Announcement, Outlets},
};

/// Who an event is from.
const SOURCE: &str = "nova-auth";

/// The queue of mails and the event bus.
pub(crate) struct Services {
    sqs: aws_sdk_sqs::Client,
    /// None: nobody asks for mails in this stack.
    queue: Option<String>,
    event_bridge: aws_sdk_eventbridge::Client,
    bus: String,
}

impl Services {
    /// Builds the clients; nothing is sent yet.
    pub(crate) fn new(relay: &Relay, config: &AwsConfig, http: HttpClient) -> Self {
        let urls = &config.service_urls;
        let sqs = service_config(config, http.clone(), urls.sqs.as_ref());
        let event_bridge = service_config(config, http, urls.event_bridge.as_ref());
        Self {
            sqs: aws_sdk_sqs::Client::new(&sqs),
            queue: relay.queue.clone(),
            event_bridge: aws_sdk_eventbridge::Client::new(&event_bridge),
            bus: relay.bus.clone(),
        }
    }
}

impl Outlets for Services {
    async fn queue(&self, messages: &[String]) -> BTreeSet<usize> {
        let Some(queue) = &self.queue else {
            tracing::error!("a mail is asked for, and the relay has no queue for it");
            return all(messages.len());
        };
        let entries = messages.iter().enumerate().map(|(place, message)| {
            let entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(message);
            entry.build()
        });
        let Ok(entries) = entries.collect::<Result<Vec<_>, _>>() else { return all(messages.len()) };
        let sent = self.sqs.send_message_batch().queue_url(queue).set_entries(Some(entries));
        match sent.send().await {
            // Only what is said to be taken is.
            Ok(answer) => {
                let taken = answer.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect();
                &all(messages.len()) - &taken
            }
            Err(error) => {
                tracing::error!(error = %error, code = error.code(), "the queue takes no mails");
                all(messages.len())
            }
        }
    }

    async fn announce(&self, events: &[Announcement]) -> BTreeSet<usize> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .source(SOURCE)
                .detail_type(event.kind)
                .detail(event.detail.to_string())
                .event_bus_name(&self.bus)
                .build()
        });
        match self.event_bridge.put_events().set_entries(Some(entries.collect())).send().await {
            // The answers are in the order of the entries; only what has an id was taken.
            Ok(answer) => {
                let taken = answer.entries().iter().enumerate();
                let taken =
                    taken.filter(|(_, entry)| entry.event_id().is_some()).map(|(place, _)| place).collect();
                &all(events.len()) - &taken
            }
            Err(error) => {
                tracing::error!(error = %error, code = error.code(), "the bus takes no events");
                all(events.len())
            }
        }
    }
}

fn all(count: usize) -> BTreeSet<usize> {
    (0..count).collect()
}
