//! Second factors: what a user has, and what a session was shown.
//!
//! | module | what is in it |
//! |---|---|
//! | [`totp`] | codes of authenticator apps (RFC 6238) |
//! | [`recovery`] | the codes that stand in for a lost phone |

pub mod recovery;
pub mod totp;

use std::collections::BTreeSet;

use jiff::SignedDuration;

/// How long the second step of a login may take, and an enrolment from its secret to its first code.
pub const STEP_LIFE: SignedDuration = SignedDuration::from_mins(5);

crate::named! {
    /// How much a session was shown (`acr`), by its name in challenges and for the functions behind the gateway.
    #[derive(PartialOrd, Ord)]
    pub enum Acr {
        /// Enough to enrol a second factor, and for nothing else.
        Enrolment = "urn:nova:0",
        Password = "urn:nova:1",
        /// Two factors: a password and a second one, or a passkey that verified its user.
        SecondFactor = "urn:nova:2",
    }
}

crate::named! {
    /// One way of showing who one is (`amr`): names of RFC 8176, and `recovery`, for which it has none. One that this version
    /// does not know proves nothing to it.
    #[derive(PartialOrd, Ord)]
    pub enum Amr {
        /// A password.
        Pwd = "pwd",
        /// A code of an authenticator app.
        Otp = "otp",
        /// A passkey that never leaves its device.
        Hwk = "hwk",
        /// A passkey that its owner's devices share.
        Swk = "swk",
        /// The passkey verified its user, by a PIN or biometrics.
        User = "user",
        /// A recovery code.
        Recovery = "recovery",
        /// Of a later version.
        #[serde(other)]
        Other = "other",
    }
}

crate::named! {
    /// A kind of second factor that a user may have.
    #[derive(PartialOrd, Ord)]
    pub enum FactorKind {
        /// An authenticator app (RFC 6238).
        Totp = "totp",
        /// A passkey (WebAuthn).
        Passkey = "passkey",
        /// Of a later version. It counts: whoever has it is not let in by the password alone.
        #[serde(other)]
        Other = "other",
    }
}

/// The kinds of second factor that a user has. It stands in the profile, so that a login reads nothing more.
pub type Factors = BTreeSet<FactorKind>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_session_was_shown_is_read_from_the_rows_of_before_and_told_as_ever() {
        assert_eq!(Acr::ALL.map(Acr::name), ["urn:nova:0", "urn:nova:1", "urn:nova:2"]);
        let amr = ["pwd", "otp", "hwk", "swk", "user", "recovery", "other"];
        assert_eq!(Amr::ALL.map(Amr::name), amr);
        assert_eq!(json!(Amr::ALL), json!(amr));
        let kinds = ["totp", "passkey", "other"];
        assert_eq!(FactorKind::ALL.map(FactorKind::name), kinds);
        assert_eq!(json!(FactorKind::ALL), json!(kinds));
    }

    #[test]
    fn a_way_of_a_later_version_proves_nothing() {
        assert_eq!(serde_json::from_str::<Amr>(r#""palm""#).unwrap(), Amr::Other);
    }

    #[test]
    fn a_factor_of_a_later_version_counts_as_one() {
        let known: Factors = serde_json::from_str(r#"["totp", "palm"]"#).unwrap();
        assert_eq!(known, Factors::from([FactorKind::Totp, FactorKind::Other]));
    }
}
