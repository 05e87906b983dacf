//! What each function needs of the tables and the keys: the statements of the template that this program was built with.
//!
//! tests/contract/template holds those against what the functions do; the doctor holds them against what IAM says of the deployed roles.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// The template that this program was built with.
const TEMPLATE: &str = include_str!("../../../template.yaml");

nova_auth::domain::named! {
    /// Where something is kept, by its name in the template.
    #[derive(PartialOrd, Ord)]
    pub(super) enum Place {
        IdentityTable = "IdentityTable",
        SessionsTable = "SessionsTable",
        BreachedTable = "BreachedTable",
        AccessKeysSecret = "AccessKeysSecret",
        RefreshKeysSecret = "RefreshKeysSecret",
        LinkKeysSecret = "LinkKeysSecret",
        FactorKeysSecret = "FactorKeysSecret",
    }
}

impl Place {
    pub(super) const fn is_table(self) -> bool {
        matches!(self, Self::IdentityTable | Self::SessionsTable | Self::BreachedTable)
    }

    /// Whether only some stacks have it.
    pub(super) const fn is_optional(self) -> bool {
        matches!(self, Self::BreachedTable | Self::LinkKeysSecret | Self::FactorKeysSecret)
    }
}

/// Actions on a place; for tables, on the partition keys that begin like this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Right {
    pub(super) place: Place,
    pub(super) actions: Vec<String>,
    pub(super) keys: Vec<String>,
    /// Whether a write may return the item that stood there.
    pub(super) returns: bool,
    /// Whether only some stacks give it.
    pub(super) optional: bool,
}

/// The rights of every function, by its name in the template without `Function`.
pub(super) type Needs = BTreeMap<String, Vec<Right>>;

/// Reads them.
///
/// # Errors
/// What of the template could not be read: nothing of it is passed over.
pub(super) fn of_the_template() -> Result<Needs, String> {
    read(TEMPLATE)
}

/// The functions that only some stacks have.
///
/// # Errors
/// As [`of_the_template`].
pub(super) fn optional() -> Result<BTreeSet<String>, String> {
    let template = nova_template::as_written(TEMPLATE)?;
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    let on_a_condition = resources.filter(|(_, resource)| resource.get("Condition").is_some());
    Ok(on_a_condition.filter_map(|(name, _)| Some(name.strip_suffix("Function")?.to_owned())).collect())
}

/// The beginnings of the partition keys that a table has.
pub(super) fn kinds(needs: &Needs, place: Place) -> BTreeSet<&str> {
    let rights = needs.values().flatten().filter(|right| right.place == place);
    rights.flat_map(|right| &right.keys).map(String::as_str).collect()
}

fn read(template: &str) -> Result<Needs, String> {
    let template = nova_template::as_written(template)?;
    let resources =
        template.get("Resources").and_then(Value::as_object).ok_or("the template has no resources")?;
    let mut needs = Needs::new();
    for (name, resource) in resources {
        if text(resource, "Type") == Some("AWS::Serverless::Function") {
            let function = name.strip_suffix("Function").ok_or("a function is named otherwise")?;
            needs.entry(function.to_owned()).or_default();
        }
    }
    for (name, resource) in resources {
        for (role, policy) in policies(name, resource)? {
            let rights = role.strip_suffix("Role").and_then(|function| needs.get_mut(function));
            // Roles of services, and of what is only there by a condition, are no function's.
            let Some(rights) = rights else { continue };
            for statement in items(policy.pointer("/PolicyDocument/Statement")) {
                add(rights, statement).map_err(|problem| format!("{role}: {problem}"))?;
            }
        }
    }
    Ok(needs)
}

/// What a resource gives to which role.
fn policies<'a>(name: &'a str, resource: &'a Value) -> Result<Vec<(&'a str, &'a Value)>, String> {
    let Some(properties) = resource.get("Properties") else { return Ok(Vec::new()) };
    Ok(match text(resource, "Type") {
        Some("AWS::IAM::Role") => {
            items(properties.get("Policies")).into_iter().map(|policy| (name, policy)).collect()
        }
        Some("AWS::IAM::Policy") => {
            let roles = items(properties.get("Roles")).into_iter();
            roles.filter_map(|role| Some((text(role, "Ref")?, properties))).collect()
        }
        Some("AWS::IAM::RolePolicy") => {
            let role = properties.get("RoleName").and_then(|role| text(role, "Ref"));
            vec![(role.ok_or("a policy names no role")?, properties)]
        }
        _ => Vec::new(),
    })
}

/// The beginnings of the keys that a statement is limited to: those of every stack, and those that only some stacks have.
fn prefixes(condition: Option<&Value>) -> [Vec<String>; 2] {
    let condition = condition.and_then(|condition| condition.get("ForAllValues:StringLike"));
    let keys = items(condition.and_then(|condition| condition.get("dynamodb:LeadingKeys")));
    let (some_stacks, every_stack): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.get("Fn::If").is_some());
    let prefix = |key: &Value| {
        let key = key.pointer("/Fn::If/1").unwrap_or(key);
        Some(key.as_str()?.strip_suffix('*')?.to_owned())
    };
    [every_stack, some_stacks].map(|keys| keys.into_iter().filter_map(prefix).collect())
}

/// The rights that a statement gives to tables and secrets.
fn add(rights: &mut Vec<Right>, statement: &Value) -> Result<(), String> {
    let (statement, optional) = match statement.get("Fn::If") {
        Some(condition) => (condition.get(1).ok_or("a condition without a statement")?, true),
        None => (statement, false),
    };
    let actions: Vec<_> = items(statement.get("Action")).into_iter().filter_map(Value::as_str).collect();
    let of = |service: &str| actions.iter().any(|action| action.starts_with(service));
    if !of("dynamodb:") && !of("secretsmanager:") {
        return Ok(());
    }
    let actions: Vec<_> =
        actions.iter().filter_map(|action| Some(action.split_once(':')?.1.to_owned())).collect();
    let condition = statement.get("Condition");
    let returned = condition.and_then(|condition| condition.get("StringEqualsIfExists"));
    let returns = returned.and_then(|returned| text(returned, "dynamodb:ReturnValues")) != Some("NONE");
    let [every_stack, some_stacks] = prefixes(condition);
    for resource in items(statement.get("Resource")) {
        // What only some stacks have stands on a condition.
        let resource = resource.pointer("/Fn::If/1").unwrap_or(resource);
        let attribute = |at| resource.pointer(&format!("/Fn::GetAtt/{at}")).and_then(Value::as_str);
        // A stream tells what was written, and is read by what calls the function: the function itself never asks.
        if attribute(1) == Some("StreamArn") {
            continue;
        }
        let name = attribute(0).or_else(|| text(resource, "Ref")).unwrap_or_default();
        let place = Place::named(name).ok_or_else(|| format!("{name} is not a known table or secret"))?;
        let right = |keys: &Vec<String>, optional| Right {
            place,
            actions: actions.clone(),
            keys: keys.clone(),
            returns,
            optional,
        };
        rights.push(right(&every_stack, optional));
        if !some_stacks.is_empty() {
            rights.push(right(&some_stacks, true));
        }
    }
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// The members of a list, or the one that stands alone.
fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(needs: &Needs, function: &str, place: Place, action: &str, key: Option<&str>) -> bool {
        needs[function].iter().any(|right| {
            right.place == place
                && right.actions.iter().any(|known| known == action)
                && key.map_or(right.keys.is_empty(), |key| right.keys.iter().any(|known| known == key))
        })
    }

    #[test]
    fn the_rights_of_the_template_are_read_whole() {
        let needs = of_the_template().unwrap();
        let functions = TEMPLATE.matches("Type: AWS::Serverless::Function").count();
        assert_eq!(needs.len(), functions);
        assert!(needs.values().all(|rights| !rights.is_empty()));
        assert!(has(&needs, "RotateKeys", Place::LinkKeysSecret, "PutSecretValue", None));
        assert!(optional().unwrap().contains("Redeem") && !optional().unwrap().contains("Login"));
        let (identity, sessions) = (Place::IdentityTable, Place::SessionsTable);
        assert!(has(&needs, "Login", identity, "GetItem", Some("EMAIL#")));
        assert!(has(&needs, "TokenAuthorizer", identity, "BatchGetItem", Some("API#")));
        // Two tables in one statement.
        assert!(has(&needs, "TokenAuthorizer", sessions, "GetItem", Some("USER#")));
        assert!(has(&needs, "RotateKeys", Place::RefreshKeysSecret, "PutSecretValue", None));
        assert!(!has(&needs, "TokenAuthorizer", Place::RefreshKeysSecret, "GetSecretValue", None));
        let puts = |right: &&Right| right.place == identity && right.actions == ["PutItem"];
        assert!(needs["Register"].iter().filter(puts).all(|right| !right.returns));
        assert!(
            needs["Login"]
                .iter()
                .any(|right| right.returns && right.actions.contains(&"UpdateItem".to_owned()))
        );
        let tables = needs.values().flatten().filter(|right| right.place.is_table());
        assert!(tables.clone().count() > 20 && tables.clone().all(|right| !right.keys.is_empty()));
        assert!(kinds(&needs, identity).contains("API#") && kinds(&needs, sessions).contains("ATTEMPTS#"));
    }

    #[test]
    fn a_policy_that_stands_by_itself_counts_for_its_role_and_a_loop_is_refused() {
        let beside = |name: &str, rest: &str| {
            TEMPLATE.replacen("\nResources:\n", &format!("\nResources:\n  {name}:\n{rest}"), 1)
        };
        let policy = "    Type: AWS::IAM::RolePolicy
    Properties:
      RoleName: !Ref JwksRole
      PolicyDocument:
        Statement: [{Effect: Allow, Action: secretsmanager:PutSecretValue, Resource: !Ref RefreshKeysSecret}]
";
        let needs = read(&beside("JwksRights", policy)).unwrap();
        assert!(has(&needs, "Jwks", Place::RefreshKeysSecret, "PutSecretValue", None));
        let nobodys = policy.replace("!Ref JwksRole", "jwks");
        assert!(read(&beside("JwksRights", &nobodys)).is_err());
        assert!(read(&beside("Fn::ForEach::Roles", "    [Name, [A], {}]\n")).is_err());
    }

    #[test]
    fn a_statement_that_is_not_understood_is_no_statement_less() {
        let odd =
            TEMPLATE.replacen("Resource: !GetAtt IdentityTable.Arn", "Resource: !GetAtt OtherTable.Arn", 1);
        assert!(read(&odd).unwrap_err().contains("OtherTable"), "{:?}", read(&odd));
    }
}
