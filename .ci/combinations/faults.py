"""What can be wrong with a resolved template that needs no linter's knowledge of AWS."""

import re

import botocore.session

from resolved import PARTITIONS, VARIABLE

# What the smallest stack has of the things that do something, hold something or cost something. A capability that comes with its
# own belongs behind a parameter; what every stack needs is added here.
LEAST = {
    "AWS::ApiGateway::RestApi": ["AuthApi"],
    "AWS::DynamoDB::Table": ["IdentityTable", "SessionsTable"],
    "AWS::Lambda::Function": [
        "CsrfTokenFunction",
        "JwksFunction",
        "LoginFunction",
        "LogoutFunction",
        "PasswordFunction",
        "RefreshFunction",
        "RegisterFunction",
        "RotateKeysFunction",
        "SessionsFunction",
        "TokenAuthorizerFunction",
    ],
    "AWS::SNS::Topic": ["AlarmTopic"],
    "AWS::SecretsManager::Secret": ["AccessKeysSecret", "RefreshKeysSecret"],
}
# What belongs to those.
COMPANIONS = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::RotationSchedule",
}
# A function's own: without it, nobody needs them. The other role is the one that attached APIs call the authorizer by.
OWN = re.compile(r"(?!AuthorizerInvokeRole)(.+)(Role|LogGroup)")

# The services whose principal ends in .amazonaws.com in every partition, as far as the templates name them.
PRINCIPALS = {"apigateway", "cloudwatch", "events", "lambda", "secretsmanager"}


def references(value):
    """The names that a part of a template refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list) else item.split(".")[0]
            elif key == "DependsOn":
                yield from [item] if isinstance(item, str) else item
            elif key == "Fn::Sub":
                text, names = item if isinstance(item, list) else (item, {})
                yield from (name.split(".")[0] for name in VARIABLE.findall(text) if name not in names)
                yield from references(list(names.values()))
            else:
                yield from references(item)


def texts(value, path=()):
    """Every text in a template, and where it is."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(item, (*path, str(key)))


def faults(resolved, partition):
    """What is wrong with a resolved template in its partition."""
    return [*dangling(resolved), *foreign(resolved, partition), *missing(resolved, partition)]


def dangling(resolved):
    for section in ("Resources", "Outputs"):
        for name, part in resolved[section].items():
            for target in sorted(set(references(part)) - resolved["Resources"].keys()):
                yield f"{name} refers to {target}, which is not made"


def foreign(resolved, partition):
    _, suffix = PARTITIONS[partition]
    for path, text in texts(resolved):
        place = ".".join(path)
        for named in re.findall(r"arn:(aws[a-z-]*):", text):
            if named != partition:
                yield f"{place} is an ARN of {named}"
        if "Principal" in path[:-1] or path[-1] == "Principal":
            # An account has the same number everywhere.
            is_account = re.fullmatch(r"[0-9]{12}", text)
            if not is_account and re.sub(r"[.]amazonaws[.]com$", "", text) not in PRINCIPALS:
                yield f"{place}: {text} may have another name in {partition}"
        # Which name a service goes by when it calls KMS in China is nowhere said: both are let in.
        elif "kms:ViaService" not in path and re.search(rf"[.]amazonaws[.](?!{suffix.removeprefix('amazonaws.')}(/|$))", text):
            yield f"{place} is a name of another partition: {text}"


def missing(resolved, partition):
    """Services that something is made of, or that a role may call, and that the partition does not have."""
    region, _ = PARTITIONS[partition]
    used = {resource["Type"].split("::")[1].lower() for resource in resolved["Resources"].values()}
    used |= {text.split(":")[0] for path, text in texts(resolved) if "Action" in path and re.fullmatch("[a-z]+:[A-Za-z]+", text)}
    offered = botocore.session.get_session().get_available_regions
    for service in sorted(used):
        if not {region, f"{partition}-global"} & set(offered(service, partition, allow_non_regional=True)):
            yield f"{partition} has no {service}"


def unasked(resolved):
    """What a stack with every option off has, and should not have."""
    resources = resolved["Resources"]
    for name, resource in resources.items():
        kind = resource["Type"]
        if kind not in COMPANIONS and name not in LEAST.get(kind, []):
            yield f"{name} ({kind}) is made though nobody asked for it"
    for kind, names in LEAST.items():
        yield from (f"{name} ({kind}) is not made" for name in names if resources.get(name, {}).get("Type") != kind)
    for name, resource in resources.items():
        own = OWN.fullmatch(name)
        if own and f"{own[1]}Function" not in resources:
            yield f"{name} is made for a function that is not"
