//! The list of breached passwords: a stack that asks for one and has none refuses every new password, or none.

use nova_auth::store::BreachedList;

use super::checklist::BREACHED;
use super::finding::Finding;

/// Looks whether a list was put.
pub(super) async fn look(list: Option<BreachedList>) -> Finding {
    let remedy = "put a list: nova passwords build, nova passwords put";
    let Some(list) = list else { return Finding::not_here(BREACHED, "BreachedPasswords is disabled") };
    match list.loaded().await {
        Ok(Some(loaded)) => {
            Finding::pass(BREACHED, format!("{} passwords, put {}", loaded.entries, loaded.put_at))
        }
        Ok(None) => Finding::fail(BREACHED, "the table has no list, or only part of one", remedy),
        Err(error) => Finding::unknown(BREACHED, error.to_string(), "allow dynamodb:GetItem on the table"),
    }
}
