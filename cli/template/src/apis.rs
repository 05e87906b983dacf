//! The APIs of a template, of each kind and in each form: of SAM (`api`, `http_api`), and of plain CloudFormation, which are put
//! together in `rest_resources`, `http_resources` and `websocket_api`.

use serde_json::{Value, json};

use super::resource::{Reader, Resource};
use super::{Api, TemplateError, api, http_api, http_resources, rest_resources, websocket_api};

pub(super) fn apis(reader: &Reader<'_>, resources: &[Resource<'_>]) -> Result<Vec<Api>, TemplateError> {
    let (mut rest, mut http) = (Vec::new(), Vec::new());
    for resource in resources.iter().filter(|resource| resource.kind == "AWS::Serverless::Function") {
        rest.extend(reader.checked(resource.id, api::function_routes(reader, resource))?);
        http.extend(reader.checked(resource.id, http_api::function_routes(reader, resource))?);
    }
    let mut apis = Vec::new();
    for resource in resources {
        let read = match resource.kind {
            "AWS::Serverless::Api" => api::api(reader, resource, &rest),
            "AWS::Serverless::HttpApi" => http_api::api(reader, resource, &http),
            "AWS::ApiGateway::RestApi" => rest_resources::api(reader, resource, resources),
            "AWS::ApiGatewayV2::Api" => of_resources(reader, resource, resources),
            _ => continue,
        };
        apis.push(reader.checked(resource.id, read)?);
    }
    if rest.iter().any(|(name, ..)| name == api::IMPLICIT) {
        let implicit = implicit(reader, api::IMPLICIT, "Api", json!({ "StageName": "Prod" }));
        apis.push(reader.checked(api::IMPLICIT, api::api(reader, &implicit, &rest))?);
    }
    if http.iter().any(|(name, ..)| name == http_api::IMPLICIT) {
        let implicit = implicit(reader, http_api::IMPLICIT, "HttpApi", json!({}));
        apis.push(reader.checked(implicit.id, http_api::api(reader, &implicit, &http))?);
    }
    for (routes, key) in [(&rest, "RestApiId"), (&http, "ApiId")] {
        let lost = routes.iter().find(|(name, ..)| !apis.iter().any(|api| &api.logical_id == name));
        if let Some((name, route, _)) = lost {
            let problem = format!("{key} names no API of this template: {name}");
            return reader.checked(&route.function, Err(problem));
        }
    }
    Ok(apis)
}

/// An API of version 2 of API Gateway's own resources.
fn of_resources(
    reader: &Reader<'_>,
    resource: &Resource<'_>,
    resources: &[Resource<'_>],
) -> Result<Api, String> {
    match reader.text(resource, "ProtocolType")?.as_deref() {
        Some("HTTP") => http_resources::api(reader, resource, resources),
        Some("WEBSOCKET") => websocket_api::api(reader, resource, resources),
        other => Err(format!(
            "its ProtocolType is {}: it is neither HTTP nor WEBSOCKET",
            other.unwrap_or("missing")
        )),
    }
}

fn implicit<'a>(reader: &Reader<'_>, id: &'a str, globals: &str, own: Value) -> Resource<'a> {
    let properties = reader.with_globals(globals, own).as_object().cloned().unwrap_or_default();
    Resource { id, kind: "implicit", properties }
}
