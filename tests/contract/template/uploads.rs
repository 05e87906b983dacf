//! The stack of guarded uploads: who may touch which bucket, and that no file can become clean but by the verdict's own role.

use serde_json::{Value, json};

use super::{UPLOADS, entries, keys, of_type, read, texts};

/// The statements of a role's own policy.
fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    policies
        .iter()
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone())
        .collect()
}

/// Who may do this, by name, with the resources that it is for.
fn who_may(action: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, role) in of_type(&read(UPLOADS), "AWS::IAM::Role") {
        for statement in statements(&role) {
            if texts(&statement["Action"]).any(|one| one == action) {
                found.push((name.clone(), statement["Resource"].to_string()));
            }
        }
    }
    found.sort();
    found
}

fn granted(action: &str) -> Vec<(String, String)> {
    let scanner = |(name, _): &(String, String)| name != "MalwareProtectionRole";
    who_may(action).into_iter().filter(scanner).collect()
}

fn pair(role: &str, resource: &str) -> (String, String) {
    (role.to_owned(), json!({ "Fn::Sub": resource }).to_string())
}

#[test]
fn forms_reach_the_quarantine_links_the_clean_bucket_and_the_copy_alone_goes_from_one_to_the_other() {
    let (quarantine, clean) = ("${QuarantineBucket.Arn}/in/*", "${CleanBucket.Arn}/clean/*");
    assert_eq!(
        granted("s3:PutObject"),
        [pair("UploadGrantRole", quarantine), pair("UploadVerdictRole", clean)]
    );
    assert_eq!(granted("s3:GetObject"), [pair("UploadGrantRole", clean)]);
    let readers = [pair("UploadInspectRole", quarantine), pair("UploadVerdictRole", quarantine)];
    assert_eq!(granted("s3:GetObjectVersion"), readers);
    for none in [
        "s3:ListBucket",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutBucketPolicy",
        "s3:PutObjectAcl",
    ] {
        assert_eq!(granted(none), [], "{none}");
    }
}

#[test]
fn no_role_has_a_wildcard_for_an_action_or_all_of_a_table() {
    for (name, role) in of_type(&read(UPLOADS), "AWS::IAM::Role") {
        for statement in statements(&role) {
            assert!(texts(&statement["Action"]).all(|action| !action.contains('*')), "{name}: {statement}");
            assert_ne!(statement["Resource"], "*", "{name}: {statement}");
            let is_of_items = texts(&statement["Action"])
                .any(|action| action.starts_with("dynamodb:") && action.ends_with("Item"));
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let present = &statement["Condition"]["Null"]["dynamodb:LeadingKeys"];
            assert!(!is_of_items || (keys.is_array() && present == "false"), "{name}: {statement}");
        }
    }
}

#[test]
fn buckets_are_private_versioned_and_encrypted_and_the_quarantine_keeps_nothing() {
    let template = read(UPLOADS);
    let buckets = of_type(&template, "AWS::S3::Bucket");
    assert_eq!(buckets.len(), 2);
    for (name, bucket) in &buckets {
        let properties = &bucket["Properties"];
        let access = &properties["PublicAccessBlockConfiguration"];
        assert!(entries(access).count() == 4 && entries(access).all(|(_, on)| on == true), "{name}");
        assert_eq!(properties["VersioningConfiguration"]["Status"], "Enabled", "{name}");
        assert_eq!(properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced");
        assert!(properties["WebsiteConfiguration"].is_null(), "{name} is a site");
        assert!(!properties["BucketEncryption"].is_null(), "{name} is not encrypted");
        let policies = of_type(&template, "AWS::S3::BucketPolicy");
        let own = policies.values().find(|policy| policy["Properties"]["Bucket"]["Ref"] == **name).unwrap();
        let statements = own["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap();
        let tls = json!({"Bool": {"aws:SecureTransport": "false"}});
        assert!(statements.iter().any(|one| one["Effect"] == "Deny" && one["Condition"] == tls), "{name}");
    }
    let rule = &buckets["QuarantineBucket"]["Properties"]["LifecycleConfiguration"]["Rules"][0];
    assert_eq!(
        (&rule["ExpirationInDays"], &rule["NoncurrentVersionExpiration"]["NoncurrentDays"]),
        (&json!(1), &json!(1))
    );
}

/// Even who has every right of S3 writes no clean file, and reads none that is not judged.
#[test]
fn the_buckets_themselves_deny_everybody_but_the_roles_whose_step_it_is() {
    let template = read(UPLOADS);
    let denied = |policy: &str, sid: &str| {
        let statements = template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"].clone();
        statements.as_array().unwrap().iter().find(|one| one["Sid"] == sid).unwrap().clone()
    };
    let write = denied("CleanBucketPolicy", "OnlyTheVerdictWrites");
    assert_eq!(
        (&write["Effect"], &write["Principal"], &write["Action"]),
        (&json!("Deny"), &json!("*"), &json!("s3:PutObject"))
    );
    assert_eq!(
        write["Condition"]["ArnNotEquals"]["aws:PrincipalArn"],
        json!({"Fn::GetAtt": "UploadVerdictRole.Arn"})
    );
    let read = denied("QuarantineBucketPolicy", "OnlyTheJudgesRead");
    assert_eq!(read["Action"], json!(["s3:GetObject", "s3:GetObjectVersion"]));
    let readers = read["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].as_array().unwrap();
    assert_eq!(readers.len(), 3);
}

#[test]
fn every_function_has_its_own_role_and_log_group_and_no_event_is_lost_in_silence() {
    let template = read(UPLOADS);
    for (logical_id, function) in of_type(&template, "AWS::Serverless::Function") {
        let name = logical_id.strip_suffix("Function").unwrap();
        let properties = &function["Properties"];
        assert_eq!(properties["Role"], json!({"Fn::GetAtt": format!("{name}Role.Arn")}));
        assert_eq!(properties["LoggingConfig"]["LogGroup"], json!({"Ref": format!("{name}LogGroup")}));
        assert!(!template["Resources"][format!("{name}LogGroup")]["Properties"]["RetentionInDays"].is_null());
        let is_called_by_events = entries(&properties["Events"]).any(|(_, event)| event["Type"] != "Api");
        let failures = &properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"];
        assert!(
            !is_called_by_events || *failures == json!({"Fn::GetAtt": "UploadFailures.Arn"}),
            "{logical_id}"
        );
    }
    for (name, parameter) in entries(&template["Parameters"]) {
        assert!(parameter["Description"].is_string() && !parameter["Default"].is_null(), "{name}");
    }
}

/// A scan that is not there is no yes: no parameter takes the second judge away.
#[test]
fn there_is_always_a_scanner() {
    let template = read(UPLOADS);
    assert_eq!(template["Parameters"]["MalwareScan"]["AllowedValues"], json!(["guardduty", "queue"]));
    let judged =
        &template["Resources"]["UploadVerdictFunction"]["Properties"]["Events"]["Judged"]["Properties"];
    let filter = judged["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
    let filter: Value = serde_json::from_str(filter).unwrap();
    let image = &filter["dynamodb"]["NewImage"];
    for judge in ["inspection", "malware"] {
        assert_eq!(image[judge]["S"], json!(["OK"]));
    }
    assert!(keys(&template["Resources"]).any(|name| name == "MalwareProtection"));
}

/// The main stack has nothing of it.
#[test]
fn the_main_stack_has_no_bucket_and_no_function_of_uploads() {
    let main = read(super::AUTH);
    let kinds: Vec<_> = entries(&main["Resources"]).filter_map(|(_, one)| one["Type"].as_str()).collect();
    assert!(!kinds.iter().any(|kind| kind.starts_with("AWS::S3::") || kind.starts_with("AWS::GuardDuty::")));
    assert!(!main.to_string().to_lowercase().contains("upload"));
}
