//! What the doctor looks at. docs/production-checklist.md says why, and a test holds the two lists against each other.

/// A check, by the name that findings carry, and what is so when it passes.
pub(super) type Check = (&'static str, &'static str);

pub(super) const STACK: &str = "stack";
pub(super) const CLOCK: &str = "clock";
pub(super) const SETTINGS: &str = "settings";
pub(super) const ISSUER: &str = "issuer";
pub(super) const FUNCTIONS: &str = "functions";
pub(super) const API: &str = "api";
pub(super) const AUTHORIZER: &str = "authorizer";
pub(super) const LOGIN: &str = "login";
pub(super) const ATTACHED: &str = "attached";
pub(super) const NEEDED: &str = "permissions.needed";
pub(super) const DENIED: &str = "permissions.denied";
pub(super) const ALARMS: &str = "alarms";
pub(super) const SUBSCRIBED: &str = "alarms.subscribed";
pub(super) const BREACHED: &str = "breached-passwords";
pub(super) const SENDER: &str = "mail.sender";
pub(super) const DKIM: &str = "mail.dkim";
pub(super) const ACCOUNT: &str = "mail.account";
pub(super) const SUPPRESSION: &str = "mail.suppression";
pub(super) const STREAMS: &str = "mail.streams";
pub(super) const SOURCES: &str = "mail.sources";
pub(super) const QUEUE: &str = "mail.queue";
pub(super) const LOST: &str = "mail.lost";
pub(super) const BUS: &str = "mail.bus";

/// In the order in which they are made.
pub(super) const CHECKS: [Check; 38] = [
    (STACK, "The stack exists, and no update of it has failed or is in progress."),
    (CLOCK, "This machine's clock differs from AWS's by less than five seconds, the leeway for tokens."),
    (SETTINGS, "No setting opens access to everybody."),
    (ISSUER, "A second issuer is accepted only while its tokens can still be valid."),
    (FUNCTIONS, "Every function is active, not closed, and uses the stack's own tables and keys in AWS."),
    (
        "identity-table",
        "The Identity table is active and on demand, with the key schema that the code expects.",
    ),
    ("identity-table.expiry", "TTL is on for the Identity table."),
    ("identity-table.encryption", "The Identity table is encrypted with an AWS KMS key."),
    ("identity-table.recovery", "Point-in-time recovery is on for the Identity table."),
    ("identity-table.protection", "Deletion protection is on for the Identity table."),
    (
        "sessions-table",
        "The Sessions table is active and on demand, with the key schema that the code expects.",
    ),
    ("sessions-table.expiry", "TTL is on for the Sessions table."),
    ("sessions-table.encryption", "The Sessions table is encrypted with an AWS KMS key."),
    (BREACHED, "If the stack refuses breached passwords, a complete list of them is stored."),
    ("access-keys", "The ring of access keys is usable, and one of them signs."),
    ("access-keys.rotation", "The access keys are rotated on a schedule, and no rotation is stuck."),
    ("refresh-keys", "The ring of refresh keys is usable, and one of them signs."),
    ("refresh-keys.rotation", "The refresh keys are rotated on a schedule, and no rotation is stuck."),
    ("link-keys", "The ring of keys for links in mail is usable, and one of them signs."),
    ("link-keys.rotation", "The keys of links are rotated on a schedule, and no rotation is stuck."),
    ("factor-keys", "The ring of keys for second factors is usable, and one of them seals."),
    ("factor-keys.rotation", "Never checked: no schedule rotates the keys of second factors."),
    (SENDER, "Amazon SES has verified the sender address or its domain."),
    (DKIM, "Mails are signed (DKIM)."),
    (ACCOUNT, "Amazon SES can send to everybody: the account is out of the sandbox and not paused."),
    (SUPPRESSION, "Amazon SES stops sending to an address after a hard bounce or a complaint."),
    (STREAMS, "Both tables have a stream with the view type that the relay needs."),
    (
        SOURCES,
        "The event source mappings of the relay and the sender are enabled, and their last calls succeeded.",
    ),
    (QUEUE, "Mails do not pile up."),
    (LOST, "No mail and no event was given up."),
    (BUS, "The event bus exists, and every rule on it is enabled."),
    (ALARMS, "Every alarm of the stack exists and is enabled, and none is firing."),
    (SUBSCRIBED, "At least one confirmed subscriber gets the alarms."),
    (NEEDED, "Each function may do what it needs, as the account's own policy simulation says."),
    (DENIED, "No function may do anything else with the tables and the keys."),
    (API, "The authentication API answers."),
    (AUTHORIZER, "The authorizer answers, and refuses calls without a token or with a made-up one."),
    (LOGIN, "A temporary user logs in, changes the password and logs out, and is refused from then on."),
];

/// Beside those: one for each API that attached the authorizer.
pub(super) const OF_EACH_API: Check =
    (ATTACHED, "What API Gateway caches for an attached API fits the API's rules.");
