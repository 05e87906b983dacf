//! What is stored: keys that stay, tables that are kept, encrypted and swept.

use std::collections::BTreeSet;

use serde_json::json;

use super::{AUTH, of_type, read};

/// CloudFormation generates a secret anew whenever this property differs from the deployed one in anything at all. Every
/// token that is out would lose its key, and everybody would be logged out: an edit here must be meant.
#[test]
fn the_first_keys_are_generated_from_properties_that_never_change() {
    let template = read(AUTH);
    for (secret, kid) in
        [("AccessKeysSecret", "access-1"), ("RefreshKeysSecret", "refresh-1"), ("LinkKeysSecret", "link-1")]
    {
        assert_eq!(
            template["Resources"][secret]["Properties"]["GenerateSecretString"],
            json!({
                "SecretStringTemplate": format!(r#"{{"kty":"oct","alg":"HS256","use":"sig","kid":"{kid}"}}"#),
                "GenerateStringKey": "k",
                "PasswordLength": 64,
                "ExcludePunctuation": true,
                "IncludeSpace": false,
            }),
            "{secret}: this logs every user of every deployed stack out"
        );
    }
}

#[test]
fn users_and_keys_outlive_the_stack() {
    let template = read(AUTH);
    for (name, kept) in [
        ("IdentityTable", "Retain"),
        // A first deployment that fails takes these away again: they cost, and sign nothing yet. The table it can't: deletion
        // protection refuses CloudFormation too, and the stack would be stuck.
        ("AccessKeysSecret", "RetainExceptOnCreate"),
        ("RefreshKeysSecret", "RetainExceptOnCreate"),
        ("LinkKeysSecret", "RetainExceptOnCreate"),
    ] {
        let resource = &template["Resources"][name];
        assert_eq!(resource["DeletionPolicy"], kept, "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
    let identity = &template["Resources"]["IdentityTable"]["Properties"];
    assert_eq!(identity["DeletionProtectionEnabled"], true);
    assert_eq!(identity["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
}

#[test]
fn every_table_is_encrypted_and_swept_by_the_attribute_that_the_code_writes() {
    for (name, table) in of_type(&read(AUTH), "AWS::DynamoDB::Table") {
        let properties = &table["Properties"];
        assert_eq!(properties["SSESpecification"]["SSEEnabled"], true, "{name}");
        // What is in that one was public before, and is replaced.
        if name != "BreachedTable" {
            let swept = json!({"AttributeName": "expiresAt", "Enabled": true});
            assert_eq!(properties["TimeToLiveSpecification"], swept, "{name}");
        }
        assert_eq!(
            properties["KeySchema"],
            json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]),
            "{name}"
        );
    }
}

#[test]
fn every_ring_is_rotated_on_a_schedule_and_by_secrets_manager_of_this_account_alone() {
    let template = read(AUTH);
    let schedules = of_type(&template, "AWS::SecretsManager::RotationSchedule");
    let rotated: BTreeSet<_> =
        schedules.values().map(|one| one["Properties"]["SecretId"]["Ref"].to_string()).collect();
    let rings = of_type(&template, "AWS::SecretsManager::Secret");
    // What second factors are sealed with lives as long as they do: no schedule could let its keys go.
    let renewed = rings.keys().filter(|name| *name != "FactorKeysSecret");
    assert_eq!(rotated, renewed.map(|name| format!("\"{name}\"")).collect());
    for (name, schedule) in schedules {
        assert_eq!(schedule["DependsOn"], "RotateKeysPermission", "{name}");
        let properties = &schedule["Properties"];
        assert_eq!(
            properties["RotationLambdaARN"],
            json!({"Fn::GetAtt": "RotateKeysFunction.Arn"}),
            "{name}"
        );
        // A deployment that changes nothing of the keys must not rotate them.
        assert_eq!(properties["RotateImmediatelyOnUpdate"], false, "{name}");
    }
    let permission = &template["Resources"]["RotateKeysPermission"]["Properties"];
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
}
