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
            "ValidationError" => format!("there is no stack {stack} in {region}: look at --stack, --region and --profile"),
            "AccessDenied" | "AccessDeniedException" => format!(
                "AWS denies cloudformation:DescribeStacks on {stack} in {region}: name tables and secrets with their flags \
                 instead"
            ),
            code => format!("the stack {stack} in {region} can't be looked at ({code})"),
        }
    })?;
    let outputs = answer.stacks.into_iter().flatten().flat_map(|stack| stack.outputs.unwrap_or_default());
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}
