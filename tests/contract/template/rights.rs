//! What each function may do: no more than it needs.

use std::collections::{BTreeMap, BTreeSet};

use nova_test_support::needs::{BEFORE, NEEDS, Right, rights, rights_to};
use serde_json::{Value, json};

use super::{AUTH, of_type, read, texts};

#[test]
fn no_statement_has_a_wildcard_for_its_action_or_resource() {
    for Right { role, statement } in rights() {
        for pattern in texts(&statement["Action"]) {
            assert!(!pattern.contains(['*', '?']), "{role} may {pattern}");
        }
        for key in ["NotAction", "NotResource"] {
            assert!(statement[key].is_null(), "{role} has a {key}");
        }
        for resource in resources(&statement) {
            // X-Ray knows no resources, and who has this can only write traces.
            let traces = statement["Action"] == json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
            // SES's identities are named by what is verified, and are no resources of this stack.
            let arn = &resource["Fn::Sub"];
            let arn = arn.as_str().or_else(|| arn[0].as_str()).unwrap_or("*");
            let mails = statement["Action"] == "ses:SendEmail" && arn.contains(":ses:") && !arn.contains('*');
            // One route of an API is named by the API, and is no resource by itself.
            let calls = statement["Action"] == "execute-api:Invoke"
                && arn.contains(":${AuthApi}/${StageName}/")
                && !arn.contains('*');
            assert!(
                mails
                    || calls
                    || resource["Ref"].is_string()
                    || resource["Fn::GetAtt"].is_string()
                    || (resource == "*" && traces),
                "{role}: {resource} is not one resource of this stack"
            );
        }
    }
}

#[test]
fn your_own_key_is_used_through_the_service_that_it_encrypts_for_and_no_other() {
    let mut seen = 0;
    for Right { role, statement } in rights_to("kms:") {
        let through = &statement["Condition"]["StringEquals"]["kms:ViaService"];
        assert!(["dynamodb", "secretsmanager"].map(names_of).contains(through), "{role}: {statement}");
        let reads = statement["Action"] == "kms:Decrypt";
        assert!(reads || role == "RotateKeysRole", "{role}: {statement}");
        assert_eq!(statement["Resource"], json!({"Ref": "KmsKeyArn"}), "{role}");
        seen += 1;
    }
    assert!(seen > 2, "the statements were not found");
}

/// How KMS names a service that calls it: as everywhere, or as the URLs of China are.
fn names_of(service: &str) -> Value {
    ["amazonaws.com", "${AWS::URLSuffix}"]
        .map(|suffix| json!({"Fn::Sub": format!("{service}.${{AWS::Region}}.{suffix}")}))
        .into()
}

/// A function that was forgotten there works until somebody brings a key of their own, or switches tracing on.
#[test]
fn every_function_may_use_your_own_key_for_all_that_it_reads_and_be_traced() {
    let with = |wanted: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        rights().filter(|right| wanted(&right.statement)).map(|right| right.role).collect()
    };
    let through = |service: &str| {
        with(&|statement| {
            texts(&statement["Action"]).any(|action| action == "kms:Decrypt")
                && statement["Condition"]["StringEquals"]["kms:ViaService"] == names_of(service)
        })
    };
    assert_eq!(with(&|statement| is_of(statement, "dynamodb:")), through("dynamodb"));
    assert_eq!(with(&|statement| is_of(statement, "secretsmanager:")), through("secretsmanager"));
    let functions = of_type(&read(AUTH), "AWS::Serverless::Function");
    let roles: BTreeSet<_> = functions.keys().map(|name| name.replace("Function", "Role")).collect();
    assert_eq!(with(&|statement| is_of(statement, "xray:")), roles);
}

#[test]
fn a_function_reaches_the_kinds_of_item_that_it_works_on_and_no_others() {
    let mut may = BTreeMap::new();
    for Right { role, statement } in rights_to("dynamodb:").filter(|right| !reads_a_stream(right)) {
        for table in resources(&statement) {
            for action in texts(&statement["Action"]) {
                let place = format!("{role} {action} {}", table["Fn::GetAtt"].as_str().unwrap_or_default());
                may.insert(place, leading_keys(&statement).into_iter().collect::<BTreeSet<_>>());
            }
        }
    }
    let mut needs = BTreeMap::<_, BTreeSet<_>>::new();
    for (function, table, action, kinds) in NEEDS.iter().chain(BEFORE) {
        let place = format!("{function}Role dynamodb:{action} {table}Table.Arn");
        needs.entry(place).or_default().extend(kinds.iter().map(|kind| format!("{kind}#*")));
    }
    let differs = |one: &BTreeMap<String, BTreeSet<String>>, other: &BTreeMap<_, _>| -> Vec<String> {
        let odd = one.iter().filter(|(place, kinds)| other.get(*place) != Some(*kinds));
        odd.map(|(place, kinds)| format!("{place}: {kinds:?}")).collect()
    };
    let (too_much, lacking) = (differs(&may, &needs), differs(&needs, &may));
    assert!(
        too_much.is_empty() && lacking.is_empty(),
        "the template allows {too_much:#?}, needed are {lacking:#?}"
    );
}

fn reads_a_stream(right: &Right) -> bool {
    resources(&right.statement)
        .iter()
        .any(|resource| resource["Fn::GetAtt"].as_str().is_some_and(|name| name.ends_with(".StreamArn")))
}

/// A stream has every change of a table in it: sessions with their devices, and the mails that somebody asked for.
#[test]
fn only_the_relay_reads_a_stream_or_tells_what_is_in_it_and_it_writes_no_item() {
    let streams: Vec<_> = rights_to("dynamodb:").filter(reads_a_stream).collect();
    let streams: Vec<_> = streams.iter().map(|right| (right.role.as_str(), &right.statement)).collect();
    let [("RelayRole", stream)] = streams.as_slice() else { panic!("{streams:?}") };
    let actions: BTreeSet<_> = texts(&stream["Action"]).collect();
    let reads = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];
    let reads = reads.map(|name| format!("dynamodb:{name}"));
    assert_eq!(actions, reads.iter().map(String::as_str).collect());
    for Right { role, statement } in rights_to("ses:") {
        assert_eq!(role, "SendMailRole");
        let from = &statement["Condition"]["StringEquals"]["ses:FromAddress"];
        assert_eq!((&statement["Action"], from), (&json!("ses:SendEmail"), &json!({"Ref": "MailFrom"})));
    }
    for Right { role, statement } in rights_to("sqs:SendMessage").chain(rights_to("events:")) {
        assert_eq!(role, "RelayRole", "{statement}");
    }
    for Right { role, statement } in rights_to("dynamodb:") {
        let writes = ["Put", "Update", "Delete"].map(|name| format!("dynamodb:{name}Item"));
        let writes = texts(&statement["Action"]).any(|action| writes.iter().any(|write| write == action));
        assert!(role != "RelayRole" || !writes, "{statement}");
    }
}

/// IAM can't tell one sort key from another: who puts events beside the profiles could put a profile.
#[test]
fn only_who_makes_users_may_put_items_where_profiles_stand() {
    for Right { role, statement } in rights_to("dynamodb:") {
        let puts = texts(&statement["Action"]).any(|action| action == "dynamodb:PutItem");
        let identity = resources(&statement).iter().any(|table| table["Fn::GetAtt"] == "IdentityTable.Arn");
        let profiles = leading_keys(&statement).iter().any(|prefix| prefix == "USER#*");
        assert!(
            !(puts && identity && profiles) || ["RegisterRole", "RedeemRole"].contains(&role.as_str()),
            "{role}: {statement}"
        );
    }
}

/// `ForAllValues` alone is true of a request that has no key, like a scan.
#[test]
fn every_dynamodb_statement_names_the_keys_it_may_touch() {
    let tables = ["IdentityTable.Arn", "SessionsTable.Arn", "BreachedTable.Arn"];
    for Right { role, statement } in rights_to("dynamodb:").filter(|right| !reads_a_stream(right)) {
        for table in resources(&statement) {
            assert!(
                table["Fn::GetAtt"].as_str().is_some_and(|arn| tables.contains(&arn)),
                "{role}: {statement}"
            );
        }
        assert_eq!(
            statement["Condition"]["Null"],
            json!({"dynamodb:LeadingKeys": "false"}),
            "{role}: {statement}"
        );
        let prefixes = leading_keys(&statement);
        assert!(!prefixes.is_empty(), "{role}: {statement}");
        for prefix in prefixes {
            let kind = prefix.strip_suffix("#*").unwrap_or_default();
            assert!(
                !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{role}: {prefix} is not the prefix of one kind of item"
            );
        }
    }
}

/// The keys of a batch or a transaction must all match within one statement.
#[test]
fn an_action_on_a_table_stands_in_one_statement_with_all_its_prefixes() {
    let mut seen = BTreeMap::new();
    for Right { role, statement } in rights_to("dynamodb:") {
        for table in resources(&statement) {
            for action in texts(&statement["Action"]) {
                let place = (role.clone(), action.to_owned(), table.to_string());
                if let Some(other) = seen.insert(place, statement.to_string()) {
                    panic!("{role}: {action} is split between {other} and {statement}");
                }
            }
        }
    }
}

/// A put or a delete can return the item that it replaces, and one that fails the item that it failed on: whoever may only
/// write could read the hashes, the profiles and the security logs of others. An update returns what it wrote where that is its
/// purpose (attempts and calls, counted).
#[test]
fn who_may_only_write_is_given_nothing_back() {
    let mut seen = BTreeSet::new();
    for Right { role, statement } in rights_to("dynamodb:").filter(|right| !reads_a_stream(right)) {
        let actions: Vec<_> = texts(&statement["Action"]).collect();
        let reads =
            |action: &&str| ["GetItem", "BatchGetItem", "Query"].iter().any(|read| action.ends_with(read));
        if actions.iter().any(reads) || actions == ["dynamodb:UpdateItem"] {
            continue;
        }
        // A session that is put finds itself, where its first answer was lost; its function reads sessions anyway. A login that waits
        // is found by nobody who does not have its token, and so is a challenge, and a mail by nobody who does not know its random id.
        if actions == ["dynamodb:PutItem"]
            && ["LoginRole", "LoginFactorRole", "PasskeyRole"].contains(&role.as_str())
        {
            let found = ["USER#*", "LOGIN#*", "CEREMONY#*", "MAIL#*"];
            let own = leading_keys(&statement).iter().all(|kind| found.contains(&kind.as_str()));
            if own && resources(&statement)[0]["Fn::GetAtt"] == "SessionsTable.Arn" {
                continue;
            }
        }
        assert!(!returns_items(&statement), "{role}: {statement}");
        seen.insert(role);
    }
    assert!(seen.contains("RegisterRole") && seen.len() > 5, "{seen:?}");
    // Who updates without reading counts something, or uses up a challenge that it knows, and nothing else.
    for Right { role, statement } in rights_to("dynamodb:") {
        if texts(&statement["Action"]).eq(["dynamodb:UpdateItem"]) && returns_items(&statement) {
            for kind in leading_keys(&statement) {
                let table = &resources(&statement)[0];
                let is_read = rights_to("dynamodb:").any(|other| {
                    other.role == role
                        && resources(&other.statement).contains(table)
                        && texts(&other.statement["Action"])
                            .any(|action| ["dynamodb:GetItem", "dynamodb:Query"].contains(&action))
                        && leading_keys(&other.statement).contains(&kind)
                });
                assert!(
                    is_read || ["ATTEMPTS#*", "CEREMONY#*", "MAILS#*", "RATE#*"].contains(&kind.as_str()),
                    "{role}: {statement}"
                );
            }
        }
    }
}

#[test]
fn only_those_who_verify_or_set_passwords_reach_their_hashes_and_who_registers_reads_none() {
    for Right { role, statement } in rights_to("dynamodb:") {
        for pattern in leading_keys(&statement) {
            let literal = pattern.split(['*', '?']).next().unwrap_or_default();
            let reaches = "EMAIL#".starts_with(literal) || literal.starts_with("EMAIL#");
            let may = [
                "LoginRole",
                "LoginFactorRole",
                "PasswordRole",
                "RegisterRole",
                "RedeemRole",
                "EmailRole",
                "SendMailRole",
            ]
            .contains(&role.as_str());
            assert!(!reaches || may, "{role} reaches EMAIL# by {pattern}");
            let writes = texts(&statement["Action"]).all(|action| action == "dynamodb:PutItem");
            assert!(!reaches || role != "RegisterRole" || writes, "{role} reads EMAIL# by {pattern}");
        }
    }
}

/// What can't read a user can't tell anybody who is one.
#[test]
fn who_asks_for_mail_reads_nothing_and_has_no_key() {
    for Right { role, statement } in rights().filter(|right| right.role == "RecoverRole") {
        for action in texts(&statement["Action"]) {
            let is_blind = action.starts_with("logs:")
                || action.starts_with("xray:")
                || action == "kms:Decrypt"
                || (["dynamodb:PutItem", "dynamodb:UpdateItem"].contains(&action)
                    && resources(&statement) == [json!({"Fn::GetAtt": "SessionsTable.Arn"})]);
            assert!(is_blind, "{role} may {action}: {statement}");
        }
    }
}

/// Who can make the links of mail can set everybody's password.
#[test]
fn only_who_makes_or_takes_links_reads_their_keys() {
    for Right { role, statement } in rights_to("secretsmanager:") {
        let reads = statement["Resource"].to_string().contains("LinkKeysSecret");
        assert!(
            !reads || ["RedeemRole", "RotateKeysRole", "SendMailRole"].contains(&role.as_str()),
            "{role}: {statement}"
        );
    }
}

#[test]
fn the_authorizer_reads_and_counts_uses_tickets_up_and_changes_nothing_else() {
    let reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem"];
    for Right { role, statement } in rights_to("dynamodb:") {
        if role == "TokenAuthorizerRole" {
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            for action in texts(&statement["Action"]) {
                let counts = action == "dynamodb:UpdateItem" && *keys == json!(["RATE#*"]);
                let uses_up = action == "dynamodb:PutItem" && *keys == json!(["TICKET#*"]);
                assert!(reads.contains(&action) || counts || uses_up, "{action}");
            }
        }
    }
}

#[test]
fn the_authorizer_has_neither_the_name_nor_the_use_of_the_refresh_keys() {
    let template = read(AUTH);
    let variable = |place: &Value| place["Environment"]["Variables"]["REFRESH_KEYS_SECRET"].clone();
    assert!(variable(&template["Globals"]["Function"]).is_null(), "all functions get it");
    for (function, may) in [
        ("Login", true),
        ("Refresh", true),
        ("Logout", true),
        ("RotateKeys", true),
        ("CsrfToken", true),
        ("Sessions", false),
        ("Password", false),
        ("Register", false),
        ("TokenAuthorizer", false),
        ("Jwks", false),
        ("Recover", false),
        ("Redeem", false),
        ("Email", false),
    ] {
        let named = !variable(&template["Resources"][format!("{function}Function")]["Properties"]).is_null();
        let read = rights_to("secretsmanager:").any(|right| {
            right.role == format!("{function}Role")
                && right.statement["Resource"].to_string().contains("RefreshKeysSecret")
        });
        assert_eq!((named, read), (may, may), "{function}");
    }
}

#[test]
fn only_the_rotation_writes_keys_and_it_reaches_nothing_else() {
    for Right { role, statement } in rights() {
        let writes = texts(&statement["Action"])
            .any(|action| action.starts_with("secretsmanager:") && action != "secretsmanager:GetSecretValue");
        let keys = is_of(&statement, "secretsmanager:");
        assert_eq!(writes, role == "RotateKeysRole" && keys, "{role}: {statement}");
        assert!(role != "RotateKeysRole" || !is_of(&statement, "dynamodb:"), "{statement}");
    }
}

fn is_of(statement: &Value, service: &str) -> bool {
    texts(&statement["Action"]).any(|action| action.starts_with(service))
}

fn leading_keys(statement: &Value) -> Vec<String> {
    texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        .map(str::to_owned)
        .collect()
}

/// Whether a statement lets a write return an item.
fn returns_items(statement: &Value) -> bool {
    statement["Condition"]["StringEqualsIfExists"]["dynamodb:ReturnValues"] != "NONE"
}

/// What a statement is about: a list, or the one resource that stands alone. One that is there on a condition counts whether or not
/// it holds.
fn resources(statement: &Value) -> Vec<Value> {
    let resource = &statement["Resource"];
    let all = resource.as_array().map_or_else(|| std::slice::from_ref(resource), Vec::as_slice);
    all.iter().map(|resource| resource["Fn::If"].get(1).unwrap_or(resource).clone()).collect()
}
