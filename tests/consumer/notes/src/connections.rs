//! Which connections are open, by user, in a table of this team's own; and how they are ended.

use std::collections::HashMap;

use aws_credential_types::Credentials;
use aws_sdk_apigatewaymanagement as management;
use aws_sdk_apigatewaymanagement::error::SdkError;
use aws_sdk_dynamodb as dynamodb;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_runtime::Error;
use nova_auth_domain::context::Caller;

/// API Gateway ends every connection after this time: so does its row.
const LIFE_SECONDS: u64 = 2 * 60 * 60;

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    table: String,
    dynamodb: dynamodb::Client,
    management: management::Client,
    /// A connection that is older has to be made again.
    pub(super) max_age_ms: u64,
}

impl Connections {
    /// What the environment describes; nothing, where there is no table of connections.
    #[expect(clippy::disallowed_methods, reason = "the one place of this sample that reads the environment")]
    pub(super) fn from_env() -> Result<Option<Connections>, Error> {
        let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let Ok(table) = variable("CONNECTIONS_TABLE") else { return Ok(None) };
        let seconds: u64 = variable("MAX_CONNECTION_SECONDS")?.parse()?;
        let region = variable("AWS_REGION")?;
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID")?,
            variable("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        );
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https();
        let mut tables = dynamodb::Config::builder()
            .behavior_version(dynamodb::config::BehaviorVersion::latest())
            .region(dynamodb::config::Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .http_client(http.clone());
        tables.set_endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB").ok());
        // The address is this API's own. On one machine the stack that runs there says it instead.
        let url =
            variable("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI").or_else(|_| variable("CONNECTIONS_URL"))?;
        let sockets = management::Config::builder()
            .behavior_version(management::config::BehaviorVersion::latest())
            .region(management::config::Region::new(region))
            .credentials_provider(credentials)
            .http_client(http)
            .endpoint_url(url);
        Ok(Some(Connections {
            table,
            dynamodb: dynamodb::Client::from_conf(tables.build()),
            management: management::Client::from_conf(sockets.build()),
            max_age_ms: seconds.saturating_mul(1000),
        }))
    }

    /// Writes a connection down.
    pub(super) async fn put(&self, caller: &Caller, id: &str, connected_ms: u64) -> Result<(), Error> {
        let ends = (connected_ms / 1000).saturating_add(LIFE_SECONDS);
        self.dynamodb
            .put_item()
            .table_name(&self.table)
            .item("userId", AttributeValue::S(caller.user_id.to_string()))
            .item("connectionId", AttributeValue::S(id.to_owned()))
            .item("sessionId", AttributeValue::S(caller.session_id.to_string()))
            .item("expiresAt", AttributeValue::N(ends.to_string()))
            .send()
            .await?;
        Ok(())
    }

    /// Forgets a connection that is no more.
    pub(super) async fn forget(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        self.dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("userId", AttributeValue::S(caller.user_id.to_string()))
            .key("connectionId", AttributeValue::S(id.to_owned()))
            .send()
            .await?;
        Ok(())
    }

    /// Ends a connection, and forgets it. One that is gone already is what was wanted.
    pub(super) async fn end(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        match self.management.delete_connection().connection_id(id).send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(error)) if error.err().is_gone_exception() => {}
            Err(error) => return Err(error.into()),
        }
        self.forget(caller, id).await
    }

    /// Ends the connections of one of the caller's sessions, the caller's own connection last; how many there were.
    pub(super) async fn drop_session(
        &self,
        caller: &Caller,
        session: &str,
        own: &str,
    ) -> Result<usize, Error> {
        let mut ids = self.of_session(caller, session).await?;
        ids.sort_by_key(|id| id == own);
        for id in &ids {
            self.end(caller, id).await?;
        }
        Ok(ids.len())
    }

    /// Only the caller's own rows are asked for: nobody drops anybody else's.
    async fn of_session(&self, caller: &Caller, session: &str) -> Result<Vec<String>, Error> {
        let pages = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("userId = :user")
            .expression_attribute_values(":user", AttributeValue::S(caller.user_id.to_string()))
            .into_paginator()
            .items()
            .send();
        let rows = pages.collect::<Result<Vec<_>, _>>().await?;
        let text = |row: &HashMap<String, AttributeValue>, name: &str| {
            row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
        };
        Ok(rows
            .iter()
            .filter(|row| text(row, "sessionId") == session)
            .map(|row| text(row, "connectionId"))
            .collect())
    }
}
