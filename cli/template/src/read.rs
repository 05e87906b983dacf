//! Resources → [`Template`].

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::resolve::Resolver;
use super::resource::{Reader, Resource, at};
use super::scalar::scalar_text;
use super::yaml;
use super::{
    Bucket, EventSource, Exports, Function, Inputs, Secret, SecretValue, Table, Template, TemplateError,
    apis, generated, parameters, parts, sources,
};

pub(super) fn template(path: &Path, text: &str, inputs: &Inputs) -> Result<Template, TemplateError> {
    let document =
        yaml::parse(text).map_err(|problem| TemplateError::Syntax { path: path.to_owned(), problem })?;
    let root = &document.root;
    parameters::check(path, root, inputs)?;
    let resolver = Resolver::new(root, inputs);
    let reader = Reader { path, root, resolver };
    let resources = reader.resources(&document.order)?;
    let mut template = Template {
        path: path.to_owned(),
        functions: Vec::new(),
        apis: apis::apis(&reader, &resources)?,
        tables: Vec::new(),
        secrets: Vec::new(),
        buckets: Vec::new(),
        queues: Vec::new(),
        buses: Vec::new(),
        sources: Vec::new(),
        rules: Vec::new(),
        exports: exports(&reader),
    };
    for resource in &resources {
        reader.add(&mut template, resource)?;
    }
    // What names other resources comes last.
    for resource in &resources {
        reader.connect(&mut template, resource)?;
    }
    Ok(template)
}

fn exports(reader: &Reader<'_>) -> Exports {
    let outputs = reader.root.get("Outputs").and_then(Value::as_object).into_iter().flatten();
    let mut exports = Exports::new();
    for (_, output) in outputs {
        let name = at(output, &["Export", "Name"]).and_then(|name| reader.string(name).ok());
        // An output that can't be resolved is nobody's problem until somebody imports it.
        if let (Some(name), Some(value)) = (name, output.get("Value")) {
            exports.insert(name, reader.string(value));
        }
    }
    exports
}

impl<'a> Reader<'a> {
    /// A resource that is something by itself.
    fn add(&self, template: &mut Template, resource: &Resource<'_>) -> Result<(), TemplateError> {
        let id = resource.id;
        match resource.kind {
            "AWS::Serverless::Function" => {
                template.functions.push(self.checked(id, self.function(resource))?);
                template.sources.extend(self.checked(id, sources::of_function(self, resource))?);
            }
            "AWS::Lambda::Function" if parts::is_run(self, resource, &template.apis) => {
                template.functions.push(self.checked(id, self.function(resource))?);
            }
            "AWS::SQS::Queue" => template.queues.push(self.checked(id, sources::queue(self, resource))?),
            "AWS::Events::EventBus" => {
                template.buses.push(self.checked(id, self.string(&json!({ "Ref": id })))?);
            }
            "AWS::Events::Rule" => {
                template.rules.extend(self.checked(id, sources::own_rule(self, resource))?);
            }
            "AWS::DynamoDB::Table" => template.tables.push(self.checked(id, self.table(resource))?),
            "AWS::S3::Bucket" => template.buckets.push(self.checked(id, self.bucket(resource))?),
            "AWS::SecretsManager::Secret" => {
                template.secrets.push(self.checked(id, self.secret(resource))?);
            }
            _ => {}
        }
        Ok(())
    }

    /// A resource that says something of others.
    fn connect(&self, template: &mut Template, resource: &Resource<'_>) -> Result<(), TemplateError> {
        let id = resource.id;
        match resource.kind {
            "AWS::Lambda::EventSourceMapping" => {
                let source = self.checked(id, sources::mapping(self, resource))?;
                // A function that is not run here is called by nothing here.
                let is_run = |source: &EventSource| {
                    template.functions.iter().any(|function| function.logical_id == source.function)
                };
                template.sources.extend(source.filter(is_run));
            }
            "AWS::SecretsManager::RotationSchedule" => {
                let (secret, function) = self.checked(id, self.rotation(resource))?;
                let is_meant = |one: &&mut Secret| one.arn == secret || one.name == secret;
                for rotated in template.secrets.iter_mut().filter(is_meant) {
                    rotated.rotation = Some(function.clone());
                }
            }
            "AWS::GuardDuty::MalwareProtectionPlan" => {
                let properties = Value::Object(resource.properties.clone());
                let of = at(&properties, &["ProtectedResource", "S3Bucket", "BucketName"]);
                let name = self.checked(id, self.string(of.unwrap_or(&Value::Null)))?;
                for scanned in template.buckets.iter_mut().filter(|bucket| bucket.name == name) {
                    scanned.is_scanned = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The resources whose condition holds, with the `Globals` of their kind beneath their own properties.
    fn resources(&self, order: &'a [String]) -> Result<Vec<Resource<'a>>, TemplateError> {
        let mut resources = Vec::new();
        for id in order {
            let Some(resource) = at(self.root, &["Resources", id]) else { continue };
            let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !self.checked(id, self.resolver.condition(condition))?
            {
                continue;
            }
            let own = resource.get("Properties").cloned().unwrap_or_else(|| json!({}));
            let merged = match kind {
                "AWS::Serverless::Function" => self.with_globals("Function", own),
                "AWS::Serverless::Api" => self.with_globals("Api", own),
                "AWS::Serverless::HttpApi" => self.with_globals("HttpApi", own),
                _ => own,
            };
            let Value::Object(properties) = merged else {
                return self.checked(id, Err("its Properties are not a map".to_owned()));
            };
            resources.push(Resource { id, kind, properties });
        }
        Ok(resources)
    }

    /// The name is what `Ref` gives. Switches that can't be read are off, as they are on AWS where they are left out.
    fn bucket(&self, resource: &Resource<'_>) -> Result<Bucket, String> {
        let part = |name: &str| self.property(resource, name).map(Option::unwrap_or_default);
        let (versions, told) = (part("VersioningConfiguration")?, part("NotificationConfiguration")?);
        let bridge = at(&told, &["EventBridgeConfiguration", "EventBridgeEnabled"]).cloned();
        Ok(Bucket {
            name: self.string(&json!({ "Ref": resource.id }))?,
            is_versioned: versions.get("Status").and_then(Value::as_str) == Some("Enabled"),
            tells: bridge.is_some_and(|bridge| scalar_text(&bridge).as_deref() == Some("true")),
            is_scanned: false,
        })
    }

    fn function(&self, resource: &Resource<'_>) -> Result<Function, String> {
        // Code in a bucket, in an image or in the template itself is nothing that is built here.
        let code = match resource.kind {
            "AWS::Lambda::Function" => parts::code(self, resource)?,
            _ => self.property(resource, "CodeUri")?.and_then(|code| scalar_text(&code)),
        };
        let code = code.unwrap_or_default();
        let binary = code.rsplit('/').find(|part| !part.is_empty() && !part.starts_with('.'));
        let beside = self.path.parent().unwrap_or(Path::new(""));
        let variables = self
            .property(resource, "Environment")?
            .and_then(|mut value| value.get_mut("Variables").map(Value::take));
        let mut environment = BTreeMap::new();
        for (name, value) in variables.as_ref().and_then(Value::as_object).into_iter().flatten() {
            let text = scalar_text(value).ok_or_else(|| format!("the variable {name} is not a string"))?;
            environment.insert(name.clone(), text);
        }
        Ok(Function {
            logical_id: resource.id.to_owned(),
            binary: binary.unwrap_or(resource.id).to_owned(),
            code: binary.map(|_| beside.join(&code)),
            timeout_seconds: self.number(resource, "Timeout", 3)?,
            memory_megabytes: self.number(resource, "MemorySize", 128)?,
            environment,
        })
    }

    fn table(&self, resource: &Resource<'_>) -> Result<Table, String> {
        let name = self.text(resource, "TableName")?.unwrap_or_else(|| resource.id.to_owned());
        let mut definition = json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
        for property in
            ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
        {
            if let (Some(value), Some(map)) = (self.property(resource, property)?, definition.as_object_mut())
            {
                map.insert(property.to_owned(), value);
            }
        }
        let ttl = self.property(resource, "TimeToLiveSpecification")?.unwrap_or_default();
        let enabled = ttl.get("Enabled").and_then(scalar_text).is_some_and(|on| on == "true");
        let attribute = ttl.get("AttributeName").and_then(scalar_text);
        let stream = self.property(resource, "StreamSpecification")?;
        let stream = stream.and_then(|stream| stream.get("StreamViewType").and_then(scalar_text));
        Ok(Table { name, definition, ttl_attribute: attribute.filter(|_| enabled), stream })
    }

    /// Which secret, by the function of which logical id.
    fn rotation(&self, schedule: &Resource<'_>) -> Result<(String, String), String> {
        let secret = self.text(schedule, "SecretId")?.ok_or("it has no SecretId")?;
        let arn = self.text(schedule, "RotationLambdaARN")?.ok_or("it has no RotationLambdaARN")?;
        let function = arn.rsplit(':').next().unwrap_or_default().to_owned();
        Ok((secret, function))
    }

    fn secret(&self, resource: &Resource<'_>) -> Result<Secret, String> {
        let value = if let Some(given) = self.text(resource, "SecretString")? {
            SecretValue::Given(given)
        } else if let Some(how) = self.property(resource, "GenerateSecretString")? {
            SecretValue::Generated(generated::generated(&how)?)
        } else {
            SecretValue::Empty
        };
        Ok(Secret {
            name: self.text(resource, "Name")?.unwrap_or_else(|| resource.id.to_owned()),
            arn: self.string(&json!({ "Ref": resource.id }))?,
            value,
            rotation: None,
        })
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
