//! Where everything is.

use std::path::PathBuf;

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) bin_dir: PathBuf,
    pub(crate) template: PathBuf,
    pub(crate) log: Option<PathBuf>,
    /// Another DynamoDB than that of `nova local`.
    pub(crate) dynamodb: Option<String>,
}
