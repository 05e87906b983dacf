//! Where everything is, and a directory that goes with the run.

use std::path::{Path, PathBuf};

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) bin_dir: PathBuf,
    pub(crate) template: PathBuf,
    pub(crate) log: Option<PathBuf>,
    /// Another DynamoDB than that of `nova local`.
    pub(crate) dynamodb: Option<String>,
}

/// A directory of this run's own, which goes with it.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> std::io::Result<Directory> {
        let path = std::env::temp_dir().join(format!("nova-soak-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        drop(std::fs::remove_dir_all(path));
    }
}
