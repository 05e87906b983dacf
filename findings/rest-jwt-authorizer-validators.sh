#!/bin/sh
# The validators of CloudFormation templates don't know the JWT authorizers of REST APIs, AWS's own included; AWS's API does.
#
# An AWS::ApiGateway::Authorizer may have the type JWT and a JwtConfiguration
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-authorizer-jwtconfiguration.html),
# and botocore's model of CreateAuthorizer has both. cloudformation-validate, which AWS publishes, calls the property fatal; for
# cfn-lint, and so for `sam validate --lint`, it is an error. Both take the type without the property, so the template that passes them is
# the one that names no issuer. A check that has to pass needs an exception for that one rule on that one resource.
#
# Needs python3; installs pinned public packages in a temporary folder. Exits with 1 if a tool behaves otherwise than written
# here.
#
# Seen on 2026-11-29, cloudformation-validate 1.14.0 (the same by its three engines), cfn-lint 1.58.0, botocore 1.44.8:
#                           cloudformation-validate   cfn-lint   botocore: CreateAuthorizer
#   Type: JWT               accepts                   accepts    a value of AuthorizerType
#   JwtConfiguration        FATAL F3002               E3002      a member (jwtConfiguration)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cloudformation-validate==1.14.0 cfn-lint==1.58.0 botocore==1.44.8

cat >without.yaml <<'END'
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Notes:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: notes}
  Tokens:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref Notes
      Name: tokens
      Type: JWT
      IdentitySource: method.request.header.Authorization
END
cp without.yaml with.yaml
cat >>with.yaml <<'END'
      JwtConfiguration:
        DefaultAlgorithms: [ES256]
        Issuers:
          - Issuer: https://auth.example.com
            Audiences: [notes]
END

cat >judge.py <<'END'
import subprocess
import botocore.session
import cloudformation_validate as validate

for template in ("without.yaml", "with.yaml"):
    for engine in (validate.CelEngine, validate.RegoEngine, validate.CompositeEngine):
        # The advice of the severity INFO, such as tags, is not about properties.
        found = [each for each in engine().validate_template(template).diagnostics if each.severity.name != "INFO"]
        print(template, engine.__name__, [f"{each.severity.name} {each.rule_id} {each.message}" for each in found])
    linted = subprocess.run(["venv/bin/cfn-lint", "--format", "parseable", template], capture_output=True, text=True)
    print(template, "cfn-lint", [line.split(":", 5)[-1] for line in linted.stdout.splitlines()])
model = botocore.session.get_session().get_service_model("apigateway")
print("botocore", "JWT" in model.shape_for("AuthorizerType").enum,
      "jwtConfiguration" in model.operation_model("CreateAuthorizer").input_shape.members)
END
AWS_DEFAULT_REGION=us-east-1 venv/bin/python judge.py | tee seen

unexpected="Additional properties are not allowed ('JwtConfiguration' was unexpected)"
{
    for engine in CelEngine RegoEngine CompositeEngine; do echo "without.yaml $engine []"; done
    echo "without.yaml cfn-lint []"
    for engine in CelEngine RegoEngine CompositeEngine; do echo "with.yaml $engine [\"FATAL F3002 $unexpected\"]"; done
    echo "with.yaml cfn-lint [\"E3002:$unexpected\"]"
    echo "botocore True True"
} >expected
diff expected seen
