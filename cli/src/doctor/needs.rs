//! What each function needs of the tables and the keys: the statements of the template that this program was built with.
//!
//! tests/it/template holds those against what the functions do; the doctor holds them against what IAM says of the deployed roles.

use std::collections::{BTreeMap, BTreeSet};

use saphyr::{LoadableYamlNode as _, Yaml};
use serde::Serialize;

/// The template that this program was built with.
const TEMPLATE: &str = include_str!("../../../template.yaml");

/// Where something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Place {
    IdentityTable,
    SessionsTable,
    AccessKeysSecret,
    RefreshKeysSecret,
}

impl Place {
    pub(super) const ALL: [Self; 4] =
        [Self::IdentityTable, Self::SessionsTable, Self::AccessKeysSecret, Self::RefreshKeysSecret];

    pub(super) const fn is_table(self) -> bool {
        matches!(self, Self::IdentityTable | Self::SessionsTable)
    }

    /// Its name in the template.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::IdentityTable => "IdentityTable",
            Self::SessionsTable => "SessionsTable",
            Self::AccessKeysSecret => "AccessKeysSecret",
            Self::RefreshKeysSecret => "RefreshKeysSecret",
        }
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

/// The beginnings of the partition keys that a table has.
pub(super) fn kinds(needs: &Needs, place: Place) -> BTreeSet<&str> {
    let rights = needs.values().flatten().filter(|right| right.place == place);
    rights.flat_map(|right| &right.keys).map(String::as_str).collect()
}

fn read(template: &str) -> Result<Needs, String> {
    let documents = Yaml::load_from_str(template).map_err(|error| error.to_string())?;
    let resources = documents.first().and_then(|document| document.as_mapping_get("Resources"));
    let resources = resources.and_then(Yaml::as_mapping).ok_or("the template has no resources")?;
    let mut needs = Needs::new();
    for (name, resource) in resources {
        if name.as_str().is_some_and(|name| name.starts_with("Fn::")) {
            return Err("rights in a loop are not read".to_owned());
        }
        // What only some stacks have is not looked at here.
        let is_optional = resource.as_mapping_get("Condition").is_some();
        if text(resource, "Type") == Some("AWS::Serverless::Function") && !is_optional {
            let function = name.as_str().and_then(|name| name.strip_suffix("Function"));
            needs.entry(function.ok_or("a function is named otherwise")?.to_owned()).or_default();
        }
    }
    for (name, resource) in resources {
        let Some(properties) = resource.as_mapping_get("Properties") else { continue };
        let (roles, policies) = match text(resource, "Type") {
            Some("AWS::IAM::Role") => {
                (vec![name.as_str().unwrap_or_default()], items(properties.as_mapping_get("Policies")))
            }
            Some("AWS::IAM::Policy") => {
                let roles = items(properties.as_mapping_get("Roles")).into_iter();
                (roles.filter_map(|role| tagged(role, "Ref")).collect(), vec![properties])
            }
            Some("AWS::IAM::RolePolicy") => {
                let role = properties.as_mapping_get("RoleName").and_then(|role| tagged(role, "Ref"));
                (vec![role.ok_or("a policy names no role")?], vec![properties])
            }
            _ => continue,
        };
        for role in roles {
            let rights = role.strip_suffix("Role").and_then(|function| needs.get_mut(function));
            // Roles of services, and of what is only there by a condition, are no function's.
            let Some(rights) = rights else { continue };
            for policy in &policies {
                let document = policy.as_mapping_get("PolicyDocument");
                for statement in items(document.and_then(|document| document.as_mapping_get("Statement"))) {
                    add(rights, statement).map_err(|problem| format!("{role}: {problem}"))?;
                }
            }
        }
    }
    Ok(needs)
}

/// The rights that a statement gives to tables and secrets.
fn add(rights: &mut Vec<Right>, statement: &Yaml<'_>) -> Result<(), String> {
    let statement = match statement {
        // What a condition adds is needed when it holds; none of that is about tables and secrets but keys of AWS KMS.
        Yaml::Tagged(tag, inner) if tag.suffix == "If" => {
            inner.as_sequence().and_then(|parts| parts.get(1)).ok_or("a condition without a statement")?
        }
        plain => plain,
    };
    let actions: Vec<_> =
        items(statement.as_mapping_get("Action")).into_iter().filter_map(|action| action.as_str()).collect();
    let of = |service: &str| actions.iter().any(|action| action.starts_with(service));
    if !of("dynamodb:") && !of("secretsmanager:") {
        return Ok(());
    }
    let actions = actions.iter().filter_map(|action| Some(action.split_once(':')?.1.to_owned())).collect();
    let condition = statement.as_mapping_get("Condition");
    let returned = condition.and_then(|condition| condition.as_mapping_get("StringEqualsIfExists"));
    let returns = returned.and_then(|returned| text(returned, "dynamodb:ReturnValues")) != Some("NONE");
    let condition = condition.and_then(|condition| condition.as_mapping_get("ForAllValues:StringLike"));
    let keys = items(condition.and_then(|condition| condition.as_mapping_get("dynamodb:LeadingKeys")));
    let keys = keys.into_iter().filter_map(|key| key.as_str()?.strip_suffix('*'));
    let right = |place| Right { place, actions: Vec::clone(&actions), keys: Vec::new(), returns };
    let keys: Vec<_> = keys.map(str::to_owned).collect();
    // What only some stacks have stands on a condition, and is not looked at here.
    let is_optional = |resource: &&Yaml<'_>| matches!(resource, Yaml::Tagged(tag, _) if tag.suffix == "If");
    for resource in items(statement.as_mapping_get("Resource")).into_iter().filter(|one| !is_optional(one)) {
        let name = tagged(resource, "GetAtt").or_else(|| tagged(resource, "Ref")).unwrap_or_default();
        let name = name.strip_suffix(".Arn").unwrap_or(name);
        let place = Place::ALL.into_iter().find(|place| place.name() == name);
        let place = place.ok_or_else(|| format!("{name} is no table and no secret that is known"))?;
        rights.push(Right { keys: keys.clone(), ..right(place) });
    }
    Ok(())
}

fn text<'a>(node: &'a Yaml<'_>, name: &str) -> Option<&'a str> {
    node.as_mapping_get(name)?.as_str()
}

/// The members of a list, or the one that stands alone.
fn items<'a, 'text>(node: Option<&'a Yaml<'text>>) -> Vec<&'a Yaml<'text>> {
    match node {
        Some(Yaml::Sequence(items)) => items.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// `!Ref NAME`, `!GetAtt NAME.Arn`.
fn tagged<'a>(node: &'a Yaml<'_>, tag: &str) -> Option<&'a str> {
    match node {
        Yaml::Tagged(found, inner) if found.suffix == tag => inner.as_str(),
        _ => None,
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
        let functions =
            |more: &str| TEMPLATE.matches(&format!("Type: AWS::Serverless::Function\n{more}")).count();
        assert_eq!(needs.len(), functions("") - functions("    Condition: "));
        assert!(needs.values().all(|rights| !rights.is_empty()));
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
