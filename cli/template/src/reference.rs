//! What `Ref` and `Fn::GetAtt` give: parameters, pseudo parameters, and the names of resources.

use serde_json::{Value, json};

use super::names::{ACCOUNT, REGION, function_arn, secret_arn};
use super::resolve::{Resolved, Resolver};
use super::scalar::scalar_text;
use super::sources::{bus_arn, queue_arn, queue_url, stream_arn};

impl Resolver<'_> {
    pub(super) fn reference(&self, name: &str) -> Resolved {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(REGION),
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::Partition" => Some("aws"),
            "AWS::URLSuffix" => Some("amazonaws.com"),
            "AWS::StackName" => Some(self.inputs.stack.as_str()),
            _ => None,
        };
        if let Some(value) = pseudo {
            return Ok(Some(json!(value)));
        }
        if name == "AWS::StackId" {
            return Ok(Some(json!(format!(
                "arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{}/local",
                self.inputs.stack.as_str()
            ))));
        }
        if let Some(parameter) = self.at(&["Parameters", name]) {
            return self.parameter(name, parameter).map(Some);
        }
        let resource =
            self.at(&["Resources", name]).ok_or(format!("{name} is neither parameter nor resource"))?;
        Ok(Some(match kind(resource) {
            "AWS::SecretsManager::Secret" => json!(secret_arn(name)),
            "AWS::DynamoDB::Table" => match self.at(&["Resources", name, "Properties", "TableName"]) {
                Some(own) => json!(self.string(own)?),
                None => json!(name),
            },
            "AWS::SQS::Queue" => json!(queue_url(&self.named(name, "QueueName")?)),
            "AWS::Events::EventBus" => json!(self.named(name, "Name")?),
            "AWS::ApiGateway::Stage" | "AWS::ApiGatewayV2::Stage" => json!(self.named(name, "StageName")?),
            // Names of buckets have no capital letters.
            "AWS::S3::Bucket" => json!(self.named(name, "BucketName")?.to_ascii_lowercase()),
            _ => json!(name),
        }))
    }

    /// The name that a resource gives itself, or its logical id.
    fn named(&self, id: &str, property: &str) -> Result<String, String> {
        let own = self.at(&["Resources", id, "Properties", property]);
        own.map_or_else(|| Ok(id.to_owned()), |own| self.string(own))
    }

    fn parameter(&self, name: &str, parameter: &Value) -> Result<Value, String> {
        let (parameters, defaults) = (&self.inputs.parameters, &self.inputs.defaults);
        let value = match parameters.get(name).or_else(|| defaults.get(name)) {
            Some(given) => given.clone(),
            None => parameter
                .get("Default")
                .and_then(scalar_text)
                .ok_or(format!("the parameter {name} has no default"))?,
        };
        let kind = parameter.get("Type").and_then(Value::as_str).unwrap_or_default();
        Ok(if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            json!(value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>())
        } else {
            json!(value)
        })
    }

    pub(super) fn attribute(&self, name: &str, attribute: &str) -> Result<String, String> {
        let resource = self.at(&["Resources", name]).ok_or(format!("there is no resource {name}"))?;
        match (kind(resource), attribute) {
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => Ok(function_arn(name)),
            // Nothing else is called so.
            ("AWS::ApiGateway::RestApi", "RootResourceId") => Ok(format!("{name}/")),
            ("AWS::ApiGateway::RestApi", "RestApiId")
            | ("AWS::ApiGateway::Resource", "ResourceId")
            | ("AWS::ApiGatewayV2::Api", "ApiId")
            | ("AWS::ApiGateway::Authorizer" | "AWS::ApiGatewayV2::Authorizer", "AuthorizerId") => {
                Ok(name.to_owned())
            }
            ("AWS::DynamoDB::Table", "Arn") => {
                let table = self.string(&json!({ "Ref": name }))?;
                Ok(format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"))
            }
            ("AWS::DynamoDB::Table", "StreamArn") => Ok(stream_arn(&self.string(&json!({ "Ref": name }))?)),
            ("AWS::SQS::Queue", "Arn") => Ok(queue_arn(&self.named(name, "QueueName")?)),
            ("AWS::SQS::Queue", "QueueName") => self.named(name, "QueueName"),
            ("AWS::SQS::Queue", "QueueUrl") => Ok(queue_url(&self.named(name, "QueueName")?)),
            ("AWS::S3::Bucket", "Arn") => {
                Ok(format!("arn:aws:s3:::{}", self.named(name, "BucketName")?.to_ascii_lowercase()))
            }
            ("AWS::Events::EventBus", "Arn") => Ok(bus_arn(&self.named(name, "Name")?)),
            ("AWS::Events::EventBus", "Name") => self.named(name, "Name"),
            ("AWS::SecretsManager::Secret", "Id") => Ok(secret_arn(name)),
            ("AWS::IAM::Role", "Arn") => Ok(format!("arn:aws:iam::{ACCOUNT}:role/{name}")),
            (kind, _) => Err(format!("{name}.{attribute} of {kind} is not supported here")),
        }
    }
}

fn kind(resource: &Value) -> &str {
    resource.get("Type").and_then(Value::as_str).unwrap_or_default()
}
