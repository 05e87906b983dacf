//! The rows as they are, past every flow, and the hands to change them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use nova_auth::domain::{email::Email, ids::UserId};
use serde_json::Value;

pub(super) const IDENTITY: &str = "IdentityTable";
pub(super) const SESSIONS: &str = "SessionsTable";

pub(super) type Row = HashMap<String, AttributeValue>;

#[derive(Debug)]
pub(super) struct Rows(Client);

impl Rows {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Past the store: for what another version of it says.
    pub(super) fn client(&self) -> &Client {
        &self.0
    }

    pub(super) async fn get(&self, table: &str, pk: &str, sk: &str) -> Option<Row> {
        let read =
            self.0.get_item().table_name(table).key("pk", s(pk)).key("sk", s(sk)).consistent_read(true);
        read.send().await.unwrap().item
    }

    /// Puts a row of a JSON object's members.
    pub(super) async fn put(&self, table: &str, pk: &str, sk: &str, members: &Value) {
        let mut row = Row::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]);
        for (name, value) in members.as_object().unwrap() {
            row.insert(name.clone(), attribute(value));
        }
        self.0.put_item().table_name(table).set_item(Some(row)).send().await.unwrap();
    }

    pub(super) async fn delete(&self, table: &str, pk: &str, sk: &str) {
        self.0.delete_item().table_name(table).key("pk", s(pk)).key("sk", s(sk)).send().await.unwrap();
    }

    pub(super) async fn set(&self, table: &str, pk: &str, sk: &str, name: &str, value: AttributeValue) {
        let update = self.0.update_item().table_name(table).key("pk", s(pk)).key("sk", s(sk));
        let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
        update.expression_attribute_values(":value", value).send().await.unwrap();
    }

    /// Rows of one partition whose sort key begins so.
    /// Takes an attribute away, as if it had never been written.
    pub(super) async fn remove(&self, table: &str, pk: &str, sk: &str, name: &str) {
        let update = self.0.update_item().table_name(table).key("pk", s(pk)).key("sk", s(sk));
        let update = update.update_expression("REMOVE #name").expression_attribute_names("#name", name);
        update.send().await.unwrap();
    }

    pub(super) async fn all(&self, table: &str, pk: &str, sk: &str) -> Vec<Row> {
        let query = self.0.query().table_name(table).consistent_read(true);
        let query = query.expression_attribute_values(":pk", s(pk));
        // A condition on a key takes no empty text.
        let query = match sk {
            "" => query.key_condition_expression("pk = :pk"),
            _ => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", s(sk)),
        };
        query.send().await.unwrap().items.unwrap_or_default()
    }

    pub(super) async fn sessions(&self, user: UserId) -> Vec<Row> {
        self.all(SESSIONS, &format!("USER#{user}"), "SESSION#").await
    }

    pub(super) async fn session(&self, user: UserId) -> Row {
        let mut found = self.sessions(user).await;
        assert_eq!(found.len(), 1, "one session");
        found.remove(0)
    }

    /// Writes into the user's one session.
    pub(super) async fn set_session(&self, user: UserId, name: &str, value: AttributeValue) {
        let sk = text(&self.session(user).await, "sk");
        self.set(SESSIONS, &format!("USER#{user}"), &sk, name, value).await;
    }

    pub(super) async fn profile(&self, user: UserId) -> Row {
        self.get(IDENTITY, &format!("USER#{user}"), "PROFILE").await.unwrap()
    }

    pub(super) async fn password_hash(&self, email: &Email) -> String {
        let row = self.get(IDENTITY, &format!("EMAIL#{}", email.as_str()), "CREDENTIAL").await.unwrap();
        text(&row, "passwordHash")
    }

    pub(super) async fn set_password_hash(&self, email: &Email, hash: &str) {
        self.set(IDENTITY, &format!("EMAIL#{}", email.as_str()), "CREDENTIAL", "passwordHash", s(hash)).await;
    }

    /// The names of what stands in the user's security log, in its order.
    pub(super) async fn events(&self, user: UserId) -> Vec<String> {
        let rows = self.all(IDENTITY, &format!("EVENT#{user}"), "EVENT#").await;
        rows.iter().map(|row| text(row, "event")).collect()
    }

    /// How often it stands in the user's security log.
    pub(super) async fn count_events(&self, user: UserId, event: &str) -> usize {
        self.events(user).await.iter().filter(|name| *name == event).count()
    }

    /// The entries in an account's window.
    pub(super) async fn account_entries(&self, account: &Email) -> Vec<String> {
        self.entries(&format!("ATTEMPTS#ACCOUNT#{}", account.digest())).await
    }

    /// The entries in an address's window.
    pub(super) async fn address_entries(&self, address: &str) -> Vec<String> {
        self.entries(&format!("ATTEMPTS#ADDRESS#{address}")).await
    }

    async fn entries(&self, pk: &str) -> Vec<String> {
        let row = self.get(SESSIONS, pk, "WINDOW").await.unwrap_or_default();
        row.get("hits").and_then(|hits| hits.as_ss().ok()).cloned().unwrap_or_default()
    }
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::String(text) => s(text),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Array(items) => AttributeValue::L(items.iter().map(attribute).collect()),
        other => panic!("no attribute of a row is {other}"),
    }
}

pub(super) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn text(row: &Row, name: &str) -> String {
    row[name].as_s().unwrap().clone()
}

pub(super) fn number(row: &Row, name: &str) -> i64 {
    row[name].as_n().unwrap().parse().unwrap()
}
