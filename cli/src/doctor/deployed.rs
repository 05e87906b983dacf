//! What a deployed stack is made of.

use std::collections::BTreeMap;
use std::error::Error;

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use nova_auth::aws::Code;

use super::checklist::STACK;
use super::finding::Finding;
use crate::failure::told;

/// A stack, as CloudFormation tells it.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) partition: String,
    status: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) outputs: BTreeMap<String, String>,
    resources: Vec<Resource>,
}

#[derive(Debug)]
struct Resource {
    logical: String,
    physical: String,
    kind: String,
}

impl Deployed {
    /// How the ARNs of this place's APIs begin.
    pub(super) fn api_arns(&self) -> String {
        let Deployed { partition, region, account, .. } = self;
        format!("arn:{partition}:execute-api:{region}:{account}")
    }

    /// Reads a stack.
    ///
    /// # Errors
    /// When there is none, or nobody may look.
    pub(super) async fn read(
        client: &aws_sdk_cloudformation::Client,
        name: &str,
    ) -> Result<Deployed, Box<dyn Error>> {
        let failed = |code: Option<&str>| {
            let code = Code::from(code.unwrap_or("connection"));
            told(format!("cannot read the stack {name} ({code})"), code)
        };
        let answer = client.describe_stacks().stack_name(name).send().await;
        let answer = answer.map_err(|error| failed(error.code()))?;
        let stack = answer.stacks.into_iter().flatten().next().ok_or_else(|| failed(Some("no stack")))?;
        // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
        let id = stack.stack_id.unwrap_or_default();
        let mut parts = id.split(':').map(str::to_owned);
        let mut deployed = Deployed {
            name: name.to_owned(),
            partition: parts.nth(1).unwrap_or_default(),
            region: parts.nth(1).unwrap_or_default(),
            account: parts.next().unwrap_or_default(),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            parameters: pairs(stack.parameters, |parameter| {
                Some((parameter.parameter_key?, parameter.resolved_value.or(parameter.parameter_value)?))
            }),
            outputs: pairs(stack.outputs, |output| Some((output.output_key?, output.output_value?))),
            resources: Vec::new(),
        };
        let mut next = None;
        loop {
            let page = client.list_stack_resources().stack_name(name).set_next_token(next).send().await;
            let page = page.map_err(|error| failed(error.code()))?;
            for resource in page.stack_resource_summaries.unwrap_or_default() {
                deployed.resources.push(Resource {
                    logical: resource.logical_resource_id.unwrap_or_default(),
                    physical: resource.physical_resource_id.unwrap_or_default(),
                    kind: resource.resource_type.unwrap_or_default(),
                });
            }
            next = page.next_token;
            if next.is_none() {
                return Ok(deployed);
            }
        }
    }

    /// The resources of a type, by their names in the template and in the account.
    pub(super) fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let found = self.resources.iter().filter(move |resource| resource.kind == kind);
        found.map(|resource| (resource.logical.as_str(), resource.physical.as_str()))
    }

    /// The name that a resource of the template has in the account.
    pub(super) fn physical(&self, logical: &str) -> Option<&str> {
        let found = self.resources.iter().find(|resource| resource.logical == logical);
        found.map(|resource| resource.physical.as_str()).filter(|name| !name.is_empty())
    }

    /// Whether the last update went through.
    pub(super) fn finding(&self) -> Finding {
        let status = &self.status;
        let detail = format!("{} in {}: {status}", self.name, self.region);
        // An update that was rolled back left the stack as it was before, whole.
        match status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Finding::pass(STACK, detail),
            "UPDATE_ROLLBACK_COMPLETE" => Finding::fail(
                STACK,
                format!("{detail}: the last update failed and was rolled back"),
                "see its events for why, and deploy again",
            ),
            _ if status.ends_with("_IN_PROGRESS") => {
                Finding::fail(STACK, detail, "an update is in progress: run this again when it is done")
            }
            _ => Finding::fail(STACK, detail, "see its events; docs/runbook.md, \"A deployment went wrong\""),
        }
    }
}

fn pairs<T>(found: Option<Vec<T>>, read: impl Fn(T) -> Option<(String, String)>) -> BTreeMap<String, String> {
    found.into_iter().flatten().filter_map(read).collect()
}
