//! Files that a test writes, and that go with it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A file in a directory of its own, which is removed when this is dropped, by a test that panics too.
pub(crate) struct Written {
    file: PathBuf,
    _directory: TempDir,
}

impl Written {
    pub(crate) fn new(name: &str, text: &str) -> Written {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        Written { file, _directory: directory }
    }
}

impl Deref for Written {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.file
    }
}
