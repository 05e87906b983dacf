//! What the authorizer tells the API behind it: flat strings, since API Gateway passes on nothing else.

use serde::{Deserialize, Serialize};

/// The context of an Allow, and (with nothing but `code` and `message`) of a Deny.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's address, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The user's role, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Why it was denied, for the API's gateway response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// It holds an address.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}
