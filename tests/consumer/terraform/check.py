"""The Terraform sample says what the CloudFormation sample says: tests/consumer/terraform/check.py, in a Python with python-hcl2 and cfn-lint.

Only main.tf's text is read here. Nothing was applied.
"""

import json
import pathlib
import sys

import hcl2
from cfnlint.decode import cfn_yaml

HERE = pathlib.Path(__file__).parent


def plain(value):
    """The parser leaves strings in their quotes, and notes what was a block and what a comment."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value


def blocks(document, kind):
    """The blocks of one kind, by their labels: `aws_api_gateway_method.notes`."""
    found = {}
    for block in document[kind]:
        for resource_type, named in block.items():
            for name, body in named.items():
                found[f"{resource_type}.{name}"] = body
    return found


def of_type(template, kind):
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == kind]


def path(template, name):
    """The path of a resource of the REST API."""
    properties = template["Resources"][name]["Properties"]
    parent = properties["ParentId"].get("Ref")
    return (path(template, parent) if parent else "") + "/" + properties["PathPart"]


def exports(template, value):
    """The names that are imported within a value, with the stack's default name."""
    stack = template["Parameters"]["AuthStack"]["Default"]
    text = json.dumps(value)
    names = ("AuthorizerArn", "AuthorizerInvokeRoleArn")
    return [f"{stack}-{name}" for name in names if f"${{AuthStack}}-{name}\"" in text]


def cloudformation(template):
    [rest], [http] = of_type(template, "AWS::ApiGateway::Authorizer"), of_type(template, "AWS::ApiGatewayV2::Authorizer")
    [behind] = of_type(template, "AWS::ApiGatewayV2::Integration")
    methods = of_type(template, "AWS::ApiGateway::Method")
    [stage], [http_stage] = of_type(template, "AWS::ApiGateway::Stage"), of_type(template, "AWS::ApiGatewayV2::Stage")
    [function] = of_type(template, "AWS::Lambda::Function")
    return {
        "rest authorizer": {
            "type": rest["Type"],
            "source": rest["IdentitySource"],
            "ttl": rest["AuthorizerResultTtlInSeconds"],
            "function": exports(template, rest["AuthorizerUri"]),
            "role": exports(template, rest["AuthorizerCredentials"]),
        },
        "http authorizer": {
            "type": http["AuthorizerType"],
            "payload": http["AuthorizerPayloadFormatVersion"],
            "sources": http["IdentitySource"],
            "ttl": http["AuthorizerResultTtlInSeconds"],
            "function": exports(template, http["AuthorizerUri"]),
            "role": exports(template, http["AuthorizerCredentialsArn"]),
        },
        "rest routes": {
            f"{one['HttpMethod']} {path(template, one['ResourceId']['Ref'])}": one["AuthorizationType"] for one in methods
        },
        "rest integration": sorted({one["Integration"]["Type"] for one in methods}),
        "http routes": {one["RouteKey"]: one["AuthorizationType"] for one in of_type(template, "AWS::ApiGatewayV2::Route")},
        "http integration": [behind["IntegrationType"], behind["PayloadFormatVersion"]],
        "stages": [stage["StageName"], http_stage["StageName"]],
        "refusals": {
            one["ResponseType"]: [one["StatusCode"], dict(one["ResponseParameters"]), dict(one["ResponseTemplates"])]
            for one in of_type(template, "AWS::ApiGateway::GatewayResponse")
        },
        "function": [function["Runtime"], function["Handler"], function["Architectures"], function["MemorySize"], function["Timeout"]],
    }


def terraform(document):
    resources, data = blocks(document, "resource"), blocks(document, "data")
    [values] = document["locals"]
    names = {}
    for name in ("authorizer", "invoke_role"):
        export = values[name].removeprefix("${data.").removesuffix(".value}")
        names[f"${{local.{name}}}"] = data[export]["name"]
    assert "functions/${local.authorizer}/invocations" in values["authorizer_uri"]
    names["${local.authorizer_uri}"] = names["${local.authorizer}"]
    rest, http = resources["aws_api_gateway_authorizer.nova"], resources["aws_apigatewayv2_authorizer.nova"]
    method, route = resources["aws_api_gateway_method.notes"], resources["aws_apigatewayv2_route.notes"]
    health, behind = resources["aws_apigatewayv2_route.health"], resources["aws_apigatewayv2_integration.notes"]
    refusal, function = resources["aws_api_gateway_gateway_response.refusals"], resources["aws_lambda_function.notes"]
    for each, local in [(method, "routes"), (route, "routes"), (resources["aws_api_gateway_integration.notes"], "routes"), (refusal, "refusals")]:
        assert each["for_each"] == f"${{local.{local}}}", each
    assert method["authorizer_id"] == "${aws_api_gateway_authorizer.nova.id}"
    assert route["authorizer_id"] == "${aws_apigatewayv2_authorizer.nova.id}"
    assert route["route_key"] == "${each.value.method} ${each.value.path}"
    assert (method["resource_id"], method["http_method"]) == ("${each.value.resource}", "${each.value.method}")
    assert refusal["response_parameters"].replace(" ", "") == "${merge(local.headers,each.value.headers)}"
    routes = values["routes"].values()
    return {
        "rest authorizer": {
            "type": rest["type"],
            "source": rest["identity_source"],
            "ttl": rest["authorizer_result_ttl_in_seconds"],
            "function": [names[rest["authorizer_uri"]]],
            "role": [names[rest["authorizer_credentials"]]],
        },
        "http authorizer": {
            "type": http["authorizer_type"],
            "payload": http["authorizer_payload_format_version"],
            "sources": http["identity_sources"],
            "ttl": http["authorizer_result_ttl_in_seconds"],
            "function": [names[http["authorizer_uri"]]],
            "role": [names[http["authorizer_credentials_arn"]]],
        },
        "rest routes": {f"{one['method']} {tf_path(resources, one['resource'])}": method["authorization"] for one in routes},
        "rest integration": [resources["aws_api_gateway_integration.notes"]["type"]],
        "http routes": {
            **{f"{one['method']} {one['path']}": route["authorization_type"] for one in routes},
            health["route_key"]: health["authorization_type"],
        },
        "http integration": [behind["integration_type"], behind["payload_format_version"]],
        "stages": [resources["aws_api_gateway_stage.v1"]["stage_name"], resources["aws_apigatewayv2_stage.default"]["name"]],
        "refusals": {
            kind: [one["status"], {**values["headers"], **one["headers"]}, {"application/json": one["body"]}]
            for kind, one in values["refusals"].items()
        },
        "function": [function[name] for name in ("runtime", "handler", "architectures", "memory_size", "timeout")],
    }


def tf_path(resources, reference):
    """The path of `${aws_api_gateway_resource.notes.id}`."""
    kind, name, _ = reference.removeprefix("${").removesuffix("}").split(".")
    if kind == "aws_api_gateway_rest_api":
        return ""
    body = resources[f"{kind}.{name}"]
    return f"{tf_path(resources, body['parent_id'])}/{body['path_part']}"


def main():
    with open(HERE / "main.tf", encoding="utf-8") as file:
        said = terraform(plain(hcl2.load(file)))
    wanted = cloudformation(cfn_yaml.load(HERE.parent / "cloudformation" / "template.yaml"))
    different = [key for key in wanted if json.dumps(wanted[key], sort_keys=True) != json.dumps(said[key], sort_keys=True)]
    for key in different:
        print(f"{key}:\n  CloudFormation {wanted[key]}\n  Terraform      {said[key]}", file=sys.stderr)
    if different:
        sys.exit(1)
    print(f"{len(wanted)} parts of main.tf are those of the CloudFormation sample")


main()
