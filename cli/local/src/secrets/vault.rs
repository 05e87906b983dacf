//! The secrets themselves: versions, and the stages that point to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The stage that readers get when they name none.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The stage of the version that a rotation prepares.
const PENDING: &str = "AWSPENDING";
/// The stage of the version that was current before.
const PREVIOUS: &str = "AWSPREVIOUS";

/// One secret with all its versions.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Vault {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) created: f64,
    pub(super) versions: BTreeMap<String, Version>,
}

/// One version. Its value is never logged: there is no `Debug`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) string: Option<String>,
    /// Base64, as it came.
    pub(super) binary: Option<String>,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: f64,
}

/// A call that Secrets Manager refuses.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound(String),
    Exists(String),
    Parameter(String),
    Request(String),
}

impl Version {
    /// As `RotateSecret` makes it, for the rotation function to fill.
    fn is_empty(&self) -> bool {
        self.string.is_none() && self.binary.is_none()
    }
}

impl Vault {
    /// The pending version, unless it has become the current one.
    pub(super) fn unfinished_rotation(&self) -> Option<&str> {
        let mut pending = self.versions.iter().filter(|(_, version)| version.stages.contains(PENDING));
        pending.find(|(_, version)| !version.stages.contains(CURRENT)).map(|(id, _)| id.as_str())
    }

    /// Makes this version the pending one; it has no value until somebody puts one.
    pub(super) fn announce(&mut self, id: &str, created: f64) {
        self.versions.entry(id.to_owned()).or_insert_with(|| Version { created, ..Version::default() });
        self.attach(PENDING, id);
    }

    /// The version of that id and stage; the current one when neither is given.
    pub(super) fn find(&self, id: Option<&str>, stage: Option<&str>) -> Result<(&str, &Version), Refusal> {
        let stage = if id.is_none() { Some(stage.unwrap_or(CURRENT)) } else { stage };
        let found = self.versions.iter().find(|(version, held)| {
            id.is_none_or(|id| id == version.as_str())
                && stage.is_none_or(|stage| held.stages.contains(stage))
                && !held.is_empty()
        });
        found.map(|(id, version)| (id.as_str(), version)).ok_or_else(|| {
            let what = match (id, stage) {
                (Some(id), _) => format!("VersionId: {id}"),
                (None, stage) => format!("staging label: {}", stage.unwrap_or(CURRENT)),
            };
            Refusal::NotFound(format!("Secrets Manager can't find the specified secret value for {what}"))
        })
    }

    /// Adds a version, or finds that this very one is there already (a call that was repeated).
    pub(super) fn put(&mut self, id: &str, version: Version) -> Result<(), Refusal> {
        if version.string.is_some() == version.binary.is_some() {
            return Err(Refusal::Parameter(
                "You must provide either SecretString or SecretBinary.".to_owned(),
            ));
        }
        match self.versions.get_mut(id) {
            Some(held) if held.is_empty() => {
                (held.string, held.binary) = (version.string, version.binary);
            }
            Some(held) if held.string != version.string || held.binary != version.binary => {
                return Err(Refusal::Exists(format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of \
                     secret {}.",
                    self.arn
                )));
            }
            Some(_) => {}
            None => {
                let stages = BTreeSet::new();
                self.versions.insert(id.to_owned(), Version { stages, ..version.clone() });
            }
        }
        for stage in version.stages {
            self.attach(&stage, id);
        }
        Ok(())
    }

    /// Moves a stage as `UpdateSecretVersionStage` does: whoever holds it must be named.
    pub(super) fn move_stage(
        &mut self,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), Refusal> {
        let holder = self.versions.iter().find(|(_, version)| version.stages.contains(stage));
        let holder = holder.map(|(id, _)| id.clone());
        if let Some(to) = to
            && !self.versions.contains_key(to)
        {
            return Err(Refusal::NotFound(format!("Secrets Manager can't find the version {to}.")));
        }
        if holder.as_deref() == to && to.is_some() {
            return Ok(());
        }
        if holder.as_deref() != from {
            return Err(Refusal::Parameter(format!(
                "The parameter RemoveFromVersionId can't be empty or another version: staging label {stage} is \
                 currently attached to version {}.",
                holder.as_deref().unwrap_or("none")
            )));
        }
        match to {
            Some(to) => self.attach(stage, to),
            None if stage == CURRENT => {
                return Err(Refusal::Request("You can't remove AWSCURRENT, only move it.".to_owned()));
            }
            None => self.detach(stage),
        }
        Ok(())
    }

    fn attach(&mut self, stage: &str, to: &str) {
        let holder = self.versions.iter().find(|(_, version)| version.stages.contains(stage));
        let holder = holder.map(|(id, _)| id.clone());
        if holder.as_deref() == Some(to) {
            return;
        }
        self.detach(stage);
        if stage == CURRENT
            && let Some(holder) = holder
        {
            self.detach(PREVIOUS);
            if let Some(version) = self.versions.get_mut(&holder) {
                version.stages.insert(PREVIOUS.to_owned());
            }
        }
        if let Some(version) = self.versions.get_mut(to) {
            version.stages.insert(stage.to_owned());
        }
    }

    fn detach(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(value: &str, stages: &[&str]) -> Version {
        Version {
            string: Some(value.to_owned()),
            stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
            ..Version::default()
        }
    }

    fn value<'v>(vault: &'v Vault, stage: &str) -> Option<&'v str> {
        vault.find(None, Some(stage)).ok().and_then(|(_, version)| version.string.as_deref())
    }

    #[test]
    fn a_new_current_version_makes_the_old_one_previous() {
        let mut vault = Vault::default();
        vault.put("1", version("a", &[CURRENT])).unwrap();
        vault.put("2", version("b", &[CURRENT])).unwrap();
        assert_eq!((value(&vault, CURRENT), value(&vault, PREVIOUS)), (Some("b"), Some("a")));
        vault.put("3", version("c", &[CURRENT])).unwrap();
        assert_eq!((value(&vault, CURRENT), value(&vault, PREVIOUS)), (Some("c"), Some("b")));
    }

    #[test]
    fn rotation_moves_current_to_the_pending_version() {
        let mut vault = Vault::default();
        vault.put("1", version("a", &[CURRENT])).unwrap();
        vault.put("2", version("b", &["AWSPENDING"])).unwrap();
        assert_eq!(value(&vault, CURRENT), Some("a"));
        assert!(matches!(vault.move_stage(CURRENT, None, Some("2")), Err(Refusal::Parameter(_))));
        vault.move_stage(CURRENT, Some("1"), Some("2")).unwrap();
        assert_eq!((value(&vault, CURRENT), value(&vault, PREVIOUS)), (Some("b"), Some("a")));
        vault.move_stage("AWSPENDING", Some("2"), None).unwrap();
        assert_eq!(value(&vault, "AWSPENDING"), None);
    }

    #[test]
    fn a_put_that_is_repeated_changes_nothing_and_another_value_is_refused() {
        let mut vault = Vault::default();
        vault.put("1", version("a", &[CURRENT])).unwrap();
        vault.put("1", version("a", &[CURRENT])).unwrap();
        assert_eq!(vault.versions.len(), 1);
        assert!(matches!(vault.put("1", version("b", &[CURRENT])), Err(Refusal::Exists(_))));
        assert_eq!(value(&vault, CURRENT), Some("a"));
    }

    #[test]
    fn a_rotation_begins_with_a_version_that_has_no_value_yet() {
        let mut vault = Vault::default();
        vault.put("1", version("a", &[CURRENT])).unwrap();
        vault.announce("2", 0.0);
        assert_eq!(vault.unfinished_rotation(), Some("2"));
        assert!(matches!(vault.find(Some("2"), None), Err(Refusal::NotFound(_))));
        vault.put("2", version("b", &[PENDING])).unwrap();
        assert_eq!(value(&vault, PENDING), Some("b"));
        assert!(matches!(vault.put("2", version("c", &[PENDING])), Err(Refusal::Exists(_))));
        vault.move_stage(CURRENT, Some("1"), Some("2")).unwrap();
        assert_eq!(vault.unfinished_rotation(), None);
    }

    #[test]
    fn a_version_that_is_not_there_is_not_found() {
        let vault = Vault::default();
        assert!(matches!(vault.find(None, None), Err(Refusal::NotFound(_))));
        assert!(matches!(vault.find(Some("x"), None), Err(Refusal::NotFound(_))));
    }
}
