//! The tables of a template: made where they are missing, and never emptied.

use std::path::PathBuf;

use dynoxide::Database;
use serde_json::{Value, json};

use crate::server::BindError;
use nova_template::Table;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The port could not be taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The file can't be opened as a database.
    #[error("cannot open the database {}: {problem}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        problem: String,
    },
    /// Another stack has the file.
    #[error("another `nova local` is using {}: stop it, or name another file with --data", .0.display())]
    InUse(PathBuf),
    /// The other engine does not do what it should.
    #[error("the DynamoDB at {url}: the table {table}: {problem}")]
    Engine {
        /// Where it is.
        url: String,
        /// The table's name.
        table: String,
        /// What it said.
        problem: String,
    },
    /// A table can't be made, or an item of the stack's own can't be kept.
    #[error("the table {table}: {problem}")]
    Table {
        /// The table's name.
        table: String,
        /// What the database said.
        problem: String,
    },
}

/// Makes the table unless the file has it already; what it holds is never touched.
pub(crate) fn create(database: &Database, table: &Table) -> Result<(), String> {
    if !exists(database, &table.name)? {
        let request = serde_json::from_value(table.definition.clone()).map_err(|error| error.to_string())?;
        database.create_table(request).map_err(|error| error.to_string())?;
    }
    let asked =
        serde_json::from_value(json!({ "TableName": table.name })).map_err(|error| error.to_string())?;
    let described = database.describe_table(asked).map_err(|error| error.to_string())?;
    let described = serde_json::to_value(described).map_err(|error| error.to_string())?;
    for request in stream_changes(table, &described) {
        let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        database.update_table(request).map_err(|error| error.to_string())?;
    }
    let Some(attribute) = &table.ttl_attribute else { return Ok(()) };
    let asked =
        serde_json::from_value(json!({ "TableName": table.name })).map_err(|error| error.to_string())?;
    let described = database.describe_time_to_live(asked).map_err(|error| error.to_string())?;
    let described = serde_json::to_value(described).map_err(|error| error.to_string())?;
    // Switching on what is on already is an error to DynamoDB.
    if described.pointer("/TimeToLiveDescription/TimeToLiveStatus") == Some(&json!("ENABLED")) {
        return Ok(());
    }
    let request = json!({
        "TableName": table.name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true }
    });
    let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
    database.update_time_to_live(request).map(drop).map_err(|error| error.to_string())
}

/// The `UpdateTable`s that give a table the stream that the template wants, or none. A stream that shows something else than it
/// should can only be replaced.
pub(crate) fn stream_changes(table: &Table, described: &Value) -> Vec<Value> {
    let described = described.get("Table").or(described.get("TableDescription"));
    let there = described.and_then(|table| table.get("StreamSpecification"));
    let there = there.filter(|stream| stream.get("StreamEnabled") == Some(&json!(true)));
    let view = there.and_then(|stream| stream.get("StreamViewType")).and_then(Value::as_str);
    if view == table.stream.as_deref() {
        return Vec::new();
    }
    let request = |specification| json!({ "TableName": table.name, "StreamSpecification": specification });
    let off = view.map(|_| request(json!({ "StreamEnabled": false })));
    let on = table.stream.as_ref();
    let on = on.map(|view| request(json!({ "StreamEnabled": true, "StreamViewType": view })));
    off.into_iter().chain(on).collect()
}

fn exists(database: &Database, table: &str) -> Result<bool, String> {
    database.get_table_metadata(table).map(|found| found.is_some()).map_err(|error| error.to_string())
}
