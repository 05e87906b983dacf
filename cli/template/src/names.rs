//! The names that resources have on this machine.

/// The account that everything on this machine belongs to.
pub const ACCOUNT: &str = "123456789012";
/// The region that everything on this machine is in.
pub const REGION: &str = "us-east-1";

/// The ARN of a function of any template: `events` and authorizers name it by this.
#[must_use]
pub fn function_arn(logical_id: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}")
}

/// The ARN of a secret, which `Ref` gives.
pub(crate) fn secret_arn(logical_id: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{logical_id}-local0")
}
