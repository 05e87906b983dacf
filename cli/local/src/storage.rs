//! DynamoDB in this process, with the tables of the templates.
//!
//! [`Storage::start`] needs nothing else of the stack: tests that want only a database use it by itself.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::documents::{DOCUMENTS, Documents, own_table};
use crate::dynamodb;
use crate::engine::Engine;
use crate::server::{Server, bind};
use crate::tables::{StorageError, create};
use nova_template::Table;

/// DynamoDB removes expired items within days; a machine of one's own does it within a minute.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// A running DynamoDB. Dropping it stops it, as [`Storage::stop`] does more politely.
#[derive(Debug)]
pub struct Storage {
    url: String,
    database: Documents,
    tables: Vec<String>,
    /// None in front of another engine.
    server: Option<Server>,
    engine: Option<Engine>,
    /// Ends when it is dropped.
    sweep: JoinSet<()>,
    /// The file is this stack's alone for as long as this is held.
    _lock: Option<File>,
}

impl Storage {
    /// Starts a DynamoDB on 127.0.0.1 with these tables; `data` is the file that it keeps them in, if any.
    ///
    /// # Errors
    /// When the port is taken, the file is no database, or a table can't be made.
    pub async fn start(tables: &[Table], data: Option<&Path>, port: u16) -> Result<Storage, StorageError> {
        Self::start_on(bind(port, "--dynamodb-port").await?, tables, data)
    }

    /// As [`Storage::start`], on a port that was taken already.
    pub(crate) fn start_on(
        bound: (TcpListener, SocketAddr),
        tables: &[Table],
        data: Option<&Path>,
    ) -> Result<Storage, StorageError> {
        let lock = data.map(lock).transpose()?;
        let database = open(data)?;
        let mut storage = Self::unswept(bound, tables, database.clone())?;
        storage.sweep.spawn(sweep_now_and_then(database));
        Ok(Storage { _lock: lock, ..storage })
    }

    /// The templates' tables in an engine that runs already; only the stack's own documents are in this process, and in `data`.
    pub(crate) async fn in_front_of(
        engine: Engine,
        tables: &[Table],
        data: Option<&Path>,
    ) -> Result<Storage, StorageError> {
        let lock = data.map(lock).transpose()?;
        let database = open(data)?;
        for table in tables {
            let failed = |problem| StorageError::Engine {
                url: engine.url.clone(),
                table: table.name.clone(),
                problem,
            };
            engine.create(table).await.map_err(failed)?;
        }
        Ok(Storage {
            url: engine.url.clone(),
            database: Documents::new(database).beside(engine.clone()),
            tables: tables.iter().map(|table| table.name.clone()).collect(),
            server: None,
            engine: Some(engine),
            sweep: JoinSet::new(),
            _lock: lock,
        })
    }

    /// Says in another engine on this machine where the stand-in for Secrets Manager listens: who has the URL of the tables
    /// finds the secrets too. An account's tables are for nobody's notes.
    pub(crate) async fn note(&self, name: &str, document: &str) -> Result<(), StorageError> {
        let Some(engine) = self.engine.as_ref().filter(|engine| engine.own.is_some()) else { return Ok(()) };
        let failed =
            |problem| StorageError::Engine { url: engine.url.clone(), table: DOCUMENTS.to_owned(), problem };
        engine.create(&own_table()).await.map_err(failed)?;
        let item = json!({ "name": { "S": name }, "document": { "S": document } });
        let request = json!({ "TableName": DOCUMENTS, "Item": item });
        engine.call("PutItem", &request).await.map(drop).map_err(failed)
    }

    fn unswept(
        (listener, address): (TcpListener, SocketAddr),
        tables: &[Table],
        database: Database,
    ) -> Result<Storage, StorageError> {
        for table in tables {
            create(&database, table)
                .map_err(|problem| StorageError::Table { table: table.name.clone(), problem })?;
        }
        let server = Server::serve(listener, address, dynamodb::router(database.clone()));
        let tables = tables.iter().map(|table| table.name.clone()).collect();
        let database = Documents::new(database);
        Ok(Storage {
            url: server.url(),
            database,
            tables,
            server: Some(server),
            engine: None,
            sweep: JoinSet::new(),
            _lock: None,
        })
    }

    /// A DynamoDB in memory, on a free port, with these tables. It removes nothing that has expired: whoever uses it passes
    /// its own time in, which is not this machine's.
    ///
    /// # Errors
    /// As [`Storage::start`].
    pub async fn in_memory(tables: &[Table]) -> Result<Storage, StorageError> {
        Storage::unswept(bind(0, "--dynamodb-port").await?, tables, open(None)?)
    }

    /// The same in an engine that runs already. It removes nothing that has expired either.
    ///
    /// # Errors
    /// As [`Storage::in_memory`]; also when the engine can't make the tables.
    pub async fn in_engine(engine: Engine, tables: &[Table]) -> Result<Storage, StorageError> {
        let mut tables = tables.to_vec();
        for table in &mut tables {
            table.ttl_attribute = None;
        }
        Storage::in_front_of(engine, &tables, None).await
    }

    /// Where a DynamoDB client finds it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The names of the template's tables.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    pub(crate) fn documents(&self) -> Documents {
        self.database.clone()
    }

    /// Stops it after the last requests.
    pub async fn stop(mut self) {
        self.sweep.abort_all();
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

fn open(data: Option<&Path>) -> Result<Database, StorageError> {
    let opened = match data {
        Some(path) => path.to_str().map_or_else(
            || Err("its name is not UTF-8".to_owned()),
            |path| {
                keep_private(path).map_err(|error| error.to_string())?;
                Database::new(path).map_err(|error| error.to_string())
            },
        ),
        None => Database::memory().map_err(|error| error.to_string()),
    };
    let path = data.unwrap_or(Path::new(":memory:"));
    opened.map_err(|problem| StorageError::Open { path: path.to_owned(), problem })
}

/// Takes the file for this stack alone: two would each keep what the other has just written over. The lock is on a file of its
/// own beside it, since closing a second handle of a database would release the database's own locks.
fn lock(data: &Path) -> Result<File, StorageError> {
    let failed = |problem: std::io::Error| StorageError::Open {
        path: data.to_owned(),
        problem: format!("it can't be locked: {problem}"),
    };
    // By its real name, whatever it is called by here; one that is not there yet has no other.
    let real = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let mut path = real.into_os_string();
    path.push(".lock");
    let file = File::options().append(true).create(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes a new file readable for its owner alone, as it will hold keys and password hashes. The files that SQLite
/// puts beside it get the same permissions.
fn keep_private(path: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn sweep_now_and_then(database: Database) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let database = database.clone();
        // A sweep that fails is made up for by the next: nobody may rely on expired items being gone.
        drop(tokio::task::spawn_blocking(move || database.sweep_ttl()).await);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn table(name: &str) -> Table {
        let definition = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }]
        });
        Table { name: name.to_owned(), definition, ttl_attribute: Some("expiresAt".to_owned()), stream: None }
    }

    async fn call(url: &str, target: &str, body: Value) -> Value {
        let answer = reqwest::Client::new()
            .post(url)
            .header("x-amz-target", format!("DynamoDB_20120810.{target}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn the_tables_are_there_with_their_time_to_live() {
        let storage = Storage::start(&[table("One")], None, 0).await.unwrap();
        let listed = call(storage.url(), "ListTables", json!({})).await;
        assert_eq!(listed["TableNames"], json!(["One"]));
        let ttl = call(storage.url(), "DescribeTimeToLive", json!({ "TableName": "One" })).await;
        assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "expiresAt", "{ttl}");
        storage.stop().await;
    }

    /// Any page that is open in the developer's browser could read and write every table, and with them the keys.
    #[tokio::test]
    async fn no_page_of_a_browser_reaches_the_tables() {
        let storage = Storage::start(&[table("One")], None, 0).await.unwrap();
        let (url, client) = (storage.url(), reqwest::Client::new());
        let port = url.rsplit_once(':').unwrap().1;
        let ask = |method: reqwest::Method, headers: &[(&str, &str)]| {
            let mut request = client.request(method, url).body("{}");
            for (name, value) in [
                ("x-amz-target", "DynamoDB_20120810.ListTables"),
                ("content-type", "application/x-amz-json-1.0"),
                ("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"),
                ("x-amz-date", "20260101T000000Z"),
            ]
            .iter()
            .chain(headers)
            {
                request = request.header(*name, *value);
            }
            request.send()
        };
        for (method, headers) in [
            (
                reqwest::Method::OPTIONS,
                &[("origin", "https://evil.example"), ("access-control-request-method", "POST")][..],
            ),
            (reqwest::Method::POST, &[("origin", "https://evil.example")]),
            (reqwest::Method::POST, &[("origin", "null")]),
            (reqwest::Method::POST, &[("origin", "http://127.0.0.1:3000")]),
            // A name that the page's own server made to lead here.
            (reqwest::Method::POST, &[("host", "evil.example:8000")]),
        ] {
            let answer = ask(method, headers).await.unwrap();
            assert_eq!(answer.status(), 403, "{headers:?}");
            assert!(!answer.headers().contains_key("access-control-allow-origin"), "{headers:?}");
            assert!(!answer.text().await.unwrap().contains("One"), "{headers:?}");
        }
        for host in ["localhost", "host.docker.internal", "172.17.0.1"] {
            let answer = ask(reqwest::Method::POST, &[("host", &format!("{host}:{port}"))]).await.unwrap();
            assert_eq!(answer.status(), 200, "{host}");
        }
        storage.stop().await;
    }

    #[tokio::test]
    async fn a_file_keeps_items_and_documents_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("nova.db");
        let storage = Storage::start(&[table("One")], Some(&file), 0).await.unwrap();
        let item = json!({ "TableName": "One", "Item": { "name": { "S": "a" } } });
        call(storage.url(), "PutItem", item).await;
        storage.documents().put("secret", "text").unwrap();
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "others can read it");
        }
        storage.stop().await;

        let storage = Storage::start(&[table("One")], Some(&file), 0).await.unwrap();
        let key = json!({ "TableName": "One", "Key": { "name": { "S": "a" } } });
        assert_eq!(call(storage.url(), "GetItem", key).await["Item"]["name"]["S"], "a");
        assert_eq!(storage.documents().get("secret").unwrap().as_deref(), Some("text"));
        assert_eq!(storage.documents().get("other").unwrap(), None);
        storage.stop().await;
    }

    #[tokio::test]
    async fn a_file_is_one_stacks_alone_by_whatever_name_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let file = dir.join("nova.db");
        let storage = Storage::start(&[table("One")], Some(&file), 0).await.unwrap();
        for name in [file.clone(), dir.join(".").join("nova.db")] {
            let error = Storage::start(&[table("One")], Some(&name), 0).await.unwrap_err().to_string();
            let line = format!("another `nova local` is using {}: stop it, or", name.display());
            assert!(error.starts_with(&line), "{error}");
        }
        #[cfg(unix)]
        {
            let other = dir.join("other.db");
            std::os::unix::fs::symlink(&file, &other).unwrap();
            let error = Storage::start(&[table("One")], Some(&other), 0).await.unwrap_err();
            assert!(matches!(error, StorageError::InUse(_)), "{error}");
        }
        storage.stop().await;
        Storage::start(&[table("One")], Some(&file), 0).await.unwrap().stop().await;
    }

    /// An engine that this crate already has stands for the other one.
    #[tokio::test]
    async fn another_engine_has_the_tables_and_is_told_where_the_secrets_are() {
        let other = Storage::start(&[], None, 0).await.unwrap();
        let engine = Engine::on_this_machine(other.url().parse().unwrap());
        for _ in 0..2 {
            let storage = Storage::in_front_of(engine.clone(), &[table("One")], None).await.unwrap();
            assert_eq!(storage.url(), other.url());
            storage.note("where", "here").await.unwrap();
            let ttl = call(other.url(), "DescribeTimeToLive", json!({ "TableName": "One" })).await;
            assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "expiresAt", "{ttl}");
            let item = json!({ "TableName": "One", "Item": { "name": { "S": "a" } } });
            call(other.url(), "PutItem", item).await;
            let key = json!({ "TableName": DOCUMENTS, "Key": { "name": { "S": "where" } } });
            assert_eq!(call(other.url(), "GetItem", key).await["Item"]["document"]["S"], "here");
            let query = json!({
                "TableName": "One", "KeyConditionExpression": "#n = :n",
                "ExpressionAttributeNames": { "#n": "name" }, "ExpressionAttributeValues": { ":n": { "S": "a" } },
            });
            assert_eq!(storage.documents().query(&query).await.unwrap()["Count"], 1);
            storage.stop().await;
        }
        other.stop().await;
        let error = Storage::in_front_of(engine, &[table("One")], None).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("the DynamoDB at {}: the table One: no answer", other_url(&error))),
            "{error}"
        );
    }

    fn other_url(error: &str) -> &str {
        error.split_whitespace().nth(3).unwrap_or_default().trim_end_matches(':')
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_one_clear_line() {
        let error = Storage::start(&[], Some(Path::new("/nowhere/at/all.db")), 0).await.unwrap_err();
        let line = error.to_string();
        assert!(line.starts_with("cannot open the database /nowhere/at/all.db: "), "{line}");
    }
}
