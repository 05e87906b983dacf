//! The rules of attached APIs: stored as they lie beside their templates, or said to be missing.

use std::error::Error;
use std::path::Path;

use nova_auth::domain::rules::Caching;
use nova_local::Stack;
use nova_template::{Api, Template};

use super::{flag, say};
use crate::place::Target;
use crate::{rules, uploads};

/// The table of guarded uploads.
const UPLOADS: &str = "UploadsTable";

/// Stores the rules.yaml beside an attached template for each of its APIs: as rules that are kept where one of the API's
/// authorizers keeps its results. An API of Nova Auth's that has none is said to be closed, or open if `lets_in`.
pub(super) async fn rules(stack: &Stack, template: &Path, lets_in: bool) -> Result<(), Box<dyn Error>> {
    let file = template.with_file_name("rules.yaml");
    let store = Target::local(stack.dynamodb_url()).store().await?;
    let attached = Template::load_alone(template)?;
    // The same of guarded uploads, where the template has their table.
    let purposes = template.with_file_name("uploads.yaml");
    if purposes.is_file() && attached.tables.iter().any(|table| table.name == UPLOADS) {
        let table = Target::local(stack.dynamodb_url()).uploads(None).await?;
        uploads::store(&table, uploads::DEFAULT, &purposes).await?;
    }
    for api in &attached.apis {
        if file.is_file() {
            let is_kept = api.authorizers.values().any(|authorizer| authorizer.ttl_seconds > 0);
            let caching = if is_kept { Caching::Allowed } else { Caching::Never };
            rules::store(&store, &api.logical_id, &file, caching).await?;
        } else if asks_nova_auth(api, &attached) && store.rules(&api.logical_id).await?.is_none() {
            say(&without_rules(&api.logical_id, &file, &flag(stack.dynamodb_url()), lets_in));
        }
    }
    Ok(())
}

/// Whether an authorizer of its routes is another template's.
fn asks_nova_auth(api: &Api, template: &Template) -> bool {
    let is_own = |function: &str| template.functions.iter().any(|own| own.logical_id == *function);
    api.authorizers.values().any(|authorizer| !is_own(&authorizer.function))
}

fn without_rules(api: &str, file: &Path, local: &str, lets_in: bool) -> String {
    let means = if lets_in {
        "any active user may call every route (NoRules=authenticated)"
    } else {
        "every call will be denied"
    };
    format!(
        "note: {api} has no rules, so {means}. Write them into {} and start again, or store them now: nova rules put {local} \
         --api {api} FILE",
        file.display()
    )
}
