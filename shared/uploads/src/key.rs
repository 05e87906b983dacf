//! Where files are. The name that a person gave one is no part of it.

use nova_auth_domain::ids::UserId;

use crate::wanted::UploadId;

/// Where a file waits until it is inspected.
#[must_use]
pub fn quarantine_key(user: UserId, id: UploadId) -> String {
    format!("in/{user}/{id}")
}

/// The upload that a key of the quarantine bucket is of.
#[must_use]
pub fn of_quarantine_key(key: &str) -> Option<(UserId, UploadId)> {
    let (user, id) = key.strip_prefix("in/")?.split_once('/')?;
    Some((user.parse().ok()?, id.parse().ok()?))
}

/// Where a clean file is.
#[must_use]
pub fn clean_key(user: UserId, id: UploadId) -> String {
    format!("clean/{user}/{id}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_key_says_whose_it_is_and_a_key_of_another_form_says_nothing() {
        let user: UserId = "0190163d-8694-739b-aea5-966c26f8ad90".parse().unwrap();
        let id = UploadId::new(Timestamp::UNIX_EPOCH, &[3; 10]);
        let key = quarantine_key(user, id);
        assert_eq!(of_quarantine_key(&key), Some((user, id)));
        for other in [key.replace("in/", "clean/"), format!("{key}/x"), key.to_uppercase(), format!("/{key}")]
        {
            assert_eq!(of_quarantine_key(&other), None, "{other}");
        }
    }
}
