//! What a deployed stack is made of, by its outputs.

use std::collections::BTreeMap;
use std::error::Error;

use nova_auth::aws::{Code, Meaning};

use super::aws::Aws;
use crate::failure::told;

/// The outputs of a stack.
///
/// # Errors
/// When there is no such stack, or nobody may look.
pub(super) async fn outputs(aws: &Aws, stack: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let region = aws.region();
    let answer = aws.cloudformation().describe_stacks().stack_name(stack).send().await.map_err(|error| {
        let code = Code::of(&error);
        let line = match code.meaning() {
            Meaning::Denied => format!(
                "access denied: cloudformation:DescribeStacks on {stack} in {region}; pass the tables and secrets by name \
                 instead"
            ),
            _ if code.as_str() == "ValidationError" => {
                format!("no stack {stack} in {region}; check --stack, --region and --profile")
            }
            _ => return told(format!("cannot read the stack {stack} in {region} ({code})"), code),
        };
        line.into()
    })?;
    let outputs = answer.stacks.into_iter().flatten().flat_map(|stack| stack.outputs.unwrap_or_default());
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}
