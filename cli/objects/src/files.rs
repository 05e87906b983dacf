//! Objects as files: `<bucket>/<key in hexadecimal>/<version>`, and beside each its description.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Bucket, Now};

/// Why there is no object.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// No template has this bucket.
    #[error("there is no such bucket in the templates")]
    NoBucket,
    /// It has no such object, or no such version of it.
    #[error("there is no such object")]
    NoObject,
    #[error("objects can't be kept: {0}")]
    Disk(#[from] std::io::Error),
    /// A description that this program did not write.
    #[error("an object's description can't be read")]
    Description,
}

/// What is known of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    pub(crate) version: String,
    pub(crate) etag: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) created_ms: u64,
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
}

/// An object that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub bucket: String,
    pub key: String,
    /// Its version, where the bucket has any.
    pub version: Option<String>,
    /// Its bytes.
    pub size: u64,
    /// Its ETag, without quotation marks.
    pub etag: String,
    /// By which call: `PostObject`, `PutObject`, `CopyObject`.
    pub reason: &'static str,
}

/// All buckets.
#[derive(Clone)]
pub struct Files {
    directory: PathBuf,
    buckets: Arc<BTreeMap<String, Bucket>>,
    now: Now,
    /// Versions that were made in one millisecond are in order too.
    count: Arc<AtomicU64>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// The version of an object in a bucket that keeps one.
const ONLY: &str = "null";

impl Files {
    pub(crate) fn open(directory: PathBuf, buckets: Vec<Bucket>, now: Now) -> Result<Files, Problem> {
        for bucket in &buckets {
            fs::create_dir_all(directory.join(&bucket.name))?;
        }
        let buckets = buckets.into_iter().map(|bucket| (bucket.name.clone(), bucket)).collect();
        Ok(Files { directory, buckets: Arc::new(buckets), now, count: Arc::default() })
    }

    pub(crate) fn bucket(&self, name: &str) -> Result<&Bucket, Problem> {
        self.buckets.get(name).ok_or(Problem::NoBucket)
    }

    fn object(&self, bucket: &str, key: &str) -> Result<PathBuf, Problem> {
        let bucket = self.bucket(bucket)?;
        let key = hexadecimal(key.as_bytes());
        // File systems take names of 255 bytes.
        let parts = key.as_bytes().chunks(200).map(|part| String::from_utf8_lossy(part).into_owned());
        Ok(self.directory.join(&bucket.name).join(parts.collect::<PathBuf>()).join("versions"))
    }

    /// Keeps an object.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        like: Described,
    ) -> Result<Described, Problem> {
        let directory = self.object(bucket, key)?;
        fs::create_dir_all(&directory)?;
        let created_ms = (self.now)();
        let version = match self.bucket(bucket)?.is_versioned {
            true => format!("{created_ms:013x}{:08x}", self.count.fetch_add(1, Ordering::SeqCst)),
            false => ONLY.to_owned(),
        };
        let described = Described {
            etag: format!("{:x}", md5::compute(body)),
            sha256: checksum(body),
            size: body.len() as u64,
            created_ms,
            version,
            ..like
        };
        fs::write(directory.join(&described.version), body)?;
        // The description makes it an object: without one, nobody sees the file.
        let written = serde_json::to_vec(&described).map_err(|_| Problem::Description)?;
        let draft = directory.join(format!("{}.draft", described.version));
        fs::write(&draft, written)?;
        fs::rename(draft, directory.join(format!("{}.json", described.version)))?;
        Ok(described)
    }

    /// What is known of a version of an object, or of its latest.
    pub(crate) fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Described, Problem> {
        let directory = self.object(bucket, key)?;
        let version = match version {
            // A version is a name of ours, and never a path.
            Some(version) if version.bytes().all(|byte| byte.is_ascii_alphanumeric()) => version.to_owned(),
            Some(_) => return Err(Problem::NoObject),
            None => {
                let files = fs::read_dir(&directory).map_err(|_| Problem::NoObject)?;
                let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
                let versions = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
                versions.max().ok_or(Problem::NoObject)?
            }
        };
        let written = fs::read(directory.join(format!("{version}.json"))).map_err(|_| Problem::NoObject)?;
        serde_json::from_slice(&written).map_err(|_| Problem::Description)
    }

    /// An object.
    pub(crate) fn get(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Described, Vec<u8>), Problem> {
        let described = self.describe(bucket, key, version)?;
        let body = fs::read(self.object(bucket, key)?.join(&described.version))?;
        Ok((described, body))
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// There is no such object, or it can't be read.
    pub fn read(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Vec<u8>, Problem> {
        self.get(bucket, key, version).map(|(_, body)| body)
    }

    /// Removes a version of an object, or all that there is of it.
    pub(crate) fn delete(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<(), Problem> {
        let directory = self.object(bucket, key)?;
        let removed = match version {
            None => fs::remove_dir_all(&directory),
            Some(_) => {
                let described = self.describe(bucket, key, version)?;
                fs::remove_file(directory.join(format!("{}.json", described.version)))?;
                fs::remove_file(directory.join(&described.version))
            }
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl Described {
    /// The version that a client is told.
    pub(crate) fn told_version(&self) -> Option<String> {
        (self.version != ONLY).then(|| self.version.clone())
    }
}

/// The SHA-256 of bytes, in base64.
pub(crate) fn checksum(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
