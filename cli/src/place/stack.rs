//! What a deployed stack is made of, by its outputs.

use std::collections::BTreeMap;
use std::error::Error;

use aws_sdk_cloudformation::error::{ProvideErrorMetadata as _, SdkError};

use super::aws::Aws;

/// The outputs of a stack.
///
/// # Errors
/// When there is no such stack, or nobody may look.
pub(super) async fn outputs(aws: &Aws, stack: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let region = aws.region();
    let answer = aws.cloudformation().describe_stacks().stack_name(stack).send().await.map_err(|error| {
        let code = match &error {
            SdkError::ServiceError(answer) => answer.err().code().unwrap_or("unknown"),
            SdkError::TimeoutError(_) => "time-out",
            _ => "connection",
        };
        match code {
            "ValidationError" => format!("no stack {stack} in {region}; check --stack, --region and --profile"),
            "AccessDenied" | "AccessDeniedException" => format!(
                "access denied: cloudformation:DescribeStacks on {stack} in {region}; pass the tables and secrets by name \
                 instead"
            ),
            code => format!("cannot read the stack {stack} in {region} ({code})"),
        }
    })?;
    let outputs = answer.stacks.into_iter().flatten().flat_map(|stack| stack.outputs.unwrap_or_default());
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}
