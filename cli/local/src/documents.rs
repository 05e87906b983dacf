//! A few documents of the stack's own (the secrets), in a table beside the template's: they live and go with the
//! same file.

use dynoxide::Database;
use serde_json::{Value, json};

use crate::dynamodb;
use crate::engine::Engine;
use crate::tables::{StorageError, create};
use nova_template::Table;

/// The table's name, which no resource of a template can have: logical ids are letters and digits.
pub(crate) const DOCUMENTS: &str = "nova-local-secrets";

#[derive(Clone)]
pub(crate) struct Documents(Database, Option<Engine>);

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Documents")
    }
}

impl Documents {
    pub(crate) fn new(database: Database) -> Documents {
        Documents(database, None)
    }

    /// The same documents, beside tables that are in another engine.
    pub(crate) fn beside(self, engine: Engine) -> Documents {
        Documents(self.0, Some(engine))
    }

    /// The document of that name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, StorageError> {
        let read = || -> Result<Option<String>, String> {
            create(&self.0, &own_table())?;
            let request = json!({ "TableName": DOCUMENTS, "Key": { "name": { "S": name } } });
            let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
            let answer = self.0.get_item(request).map_err(|error| error.to_string())?;
            let answer = serde_json::to_value(answer).map_err(|error| error.to_string())?;
            Ok(answer.pointer("/Item/document/S").and_then(Value::as_str).map(str::to_owned))
        };
        read().map_err(own_problem)
    }

    /// What DynamoDB's `Query` answers, of the templates' tables.
    pub(crate) async fn query(&self, request: &Value) -> Result<Value, String> {
        self.call("Query", request).await
    }

    /// What DynamoDB answers to any operation, or a stream of it, of the templates' tables.
    pub(crate) async fn call(&self, operation: &str, request: &Value) -> Result<Value, String> {
        if let Some(engine) = &self.1 {
            return engine.call(operation, request).await;
        }
        let answer = dynamodb::dispatch(&self.0, operation, request.to_string().as_bytes())
            .ok_or_else(|| format!("there is no operation {operation}"))?
            .map_err(|error| error.to_string())?;
        serde_json::from_str(&answer).map_err(|error| error.to_string())
    }

    /// Keeps a document under that name.
    pub(crate) fn put(&self, name: &str, document: &str) -> Result<(), StorageError> {
        let write = || -> Result<(), String> {
            create(&self.0, &own_table())?;
            let item = json!({ "name": { "S": name }, "document": { "S": document } });
            let request = serde_json::from_value(json!({ "TableName": DOCUMENTS, "Item": item }));
            let request = request.map_err(|error| error.to_string())?;
            self.0.put_item(request).map(drop).map_err(|error| error.to_string())
        };
        write().map_err(own_problem)
    }
}

fn own_problem(problem: String) -> StorageError {
    StorageError::Table { table: DOCUMENTS.to_owned(), problem }
}

pub(crate) fn own_table() -> Table {
    let definition = json!({
        "TableName": DOCUMENTS,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }]
    });
    Table { name: DOCUMENTS.to_owned(), definition, ttl_attribute: None, stream: None }
}
