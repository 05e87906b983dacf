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
    (STACK, "The stack is there, and no update of it failed or is under way."),
    (CLOCK, "This machine's clock and AWS's differ by less than the five seconds that tokens are given."),
    (SETTINGS, "No setting opens a door to everybody."),
    (ISSUER, "Tokens of a second issuer are taken no longer than there are any."),
    (
        FUNCTIONS,
        "Every function is active, not closed, and works on the stack's own tables and keys, at AWS.",
    ),
    ("identity-table", "The Identity table is active, on demand, and keyed as the code keys it."),
    ("identity-table.expiry", "DynamoDB removes what has expired in the Identity table."),
    ("identity-table.encryption", "The Identity table is encrypted with a key of AWS KMS."),
    ("identity-table.recovery", "The Identity table can be restored to a point in time."),
    ("identity-table.protection", "The Identity table can't be deleted by mistake."),
    ("sessions-table", "The Sessions table is active, on demand, and keyed as the code keys it."),
    ("sessions-table.expiry", "DynamoDB removes what has expired in the Sessions table."),
    ("sessions-table.encryption", "The Sessions table is encrypted with a key of AWS KMS."),
    (BREACHED, "A list of breached passwords was put, where the stack refuses them."),
    ("access-keys", "The ring of the access keys can be used, and one of them signs."),
    ("access-keys.rotation", "The access keys are rotated on a schedule, and no rotation is stuck."),
    ("refresh-keys", "The ring of the refresh keys can be used, and one of them signs."),
    ("refresh-keys.rotation", "The refresh keys are rotated on a schedule, and no rotation is stuck."),
    ("link-keys", "The ring of the keys of links in mail can be used, and one of them signs."),
    ("link-keys.rotation", "The keys of links are rotated on a schedule, and no rotation is stuck."),
    ("factor-keys", "The ring of the keys of second factors can be used, and one of them seals."),
    ("factor-keys.rotation", "Never checked: no schedule rotates the keys of second factors."),
    (SENDER, "Amazon SES has verified the address that mails are from, or its domain."),
    (DKIM, "Mails are signed (DKIM)."),
    (ACCOUNT, "Amazon SES sends to everybody: its account is out of the sandbox, and not paused."),
    (SUPPRESSION, "Amazon SES stops sending to an address after a hard bounce or a complaint."),
    (STREAMS, "Both tables have a stream, of the view that the relay reads."),
    (SOURCES, "What calls the relay and the sender is switched on, and its last call went well."),
    (QUEUE, "Mails do not pile up."),
    (LOST, "No mail and no change was given up."),
    (BUS, "The event bus is there, and whoever listens to it is switched on."),
    (ALARMS, "Every alarm of the stack is there and switched on, and none rings."),
    (SUBSCRIBED, "Somebody hears the alarms."),
    (NEEDED, "Each function may do what it needs, by the account's own simulation."),
    (DENIED, "No function may do anything else with the tables and the keys."),
    (API, "The authentication API answers."),
    (AUTHORIZER, "The authorizer decides, and lets nobody in without a token, nor with a made-up one."),
    (
        LOGIN,
        "A user who is made for it logs in, changes their password and logs out, and is refused from then on.",
    ),
];

/// Beside those: one for each API that attached the authorizer.
pub(super) const OF_EACH_API: Check =
    (ATTACHED, "What API Gateway keeps of the answers for an attached API fits the rules that the API has.");
