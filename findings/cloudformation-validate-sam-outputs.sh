#!/bin/sh
# cloudformation-validate by AWS knows the resource types of SAM, but calls the references that SAM documents for them fatal.
#
# SAM documents `Notes.Stage` and `Notes.Deployment` as properties of an AWS::Serverless::Api named Notes that a template may
# refer to, `List.Version` and `List.Alias` as those of a function with AutoPublishAlias, and `Web.Stage` as one of an HTTP API
# (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html).
# The logical ids of the same resources are documented, too: of those, the validator knows the function's role but not the API's
# stage. SAM's own translator resolves each of them, and cfn-lint accepts them (and any other name that begins with that of a SAM
# resource). F6101 is the rule about every dangling reference: a check that has to pass on such a template must do without it.
#
# Needs python3; installs pinned public packages in a temporary folder. Exits with 1 if a tool behaves otherwise than written
# here.
#
# Seen on 2026-11-29, cloudformation-validate 1.14.0 (the same by its three engines), cfn-lint 1.58.0, aws-sam-translator 1.115.0:
#                        cloudformation-validate    cfn-lint    SAM's translator makes of it
#   Ref Notes.Stage      FATAL F6101                accepts     Notesv1Stage
#   Ref Notes.Deployment FATAL F6101                accepts     NotesDeployment…
#   Ref Notesv1Stage     FATAL F6101                accepts     Notesv1Stage
#   Ref List.Version     FATAL F6101                accepts     ListVersion…
#   Ref List.Alias       FATAL F6101                accepts     ListAliaslive
#   Ref ListRole         accepts                    accepts     ListRole
#   Ref Web.Stage        FATAL F6101                accepts     WebApiGatewayDefaultStage
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    cloudformation-validate==1.14.0 cfn-lint==1.58.0 aws-sam-translator==1.115.0

cat >template.yaml <<'END'
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Notes:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      DefinitionBody:
        openapi: 3.0.1
        info: {title: notes, version: "1"}
        paths:
          /notes:
            get:
              responses: {}
              x-amazon-apigateway-integration: {type: mock}
  List:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(event, context): return []"
      AutoPublishAlias: live
  Web:
    Type: AWS::Serverless::HttpApi
Outputs:
  A: {Value: !Ref Notes.Stage}
  B: {Value: !Ref Notes.Deployment}
  C: {Value: !Ref Notesv1Stage}
  D: {Value: !Ref List.Version}
  E: {Value: !Ref List.Alias}
  F: {Value: !Ref ListRole}
  G: {Value: !Ref Web.Stage}
END

cat >judge.py <<'END'
import logging, re
import cloudformation_validate as validate
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

logging.disable(logging.WARNING)

class NoManagedPolicies:
    def load(self):
        return {}

asked = {name: output["Value"]["Ref"] for name, output in yaml_parse(open("template.yaml"))["Outputs"].items()}
made = transform(yaml_parse(open("template.yaml")), {}, NoManagedPolicies())
for engine in (validate.CelEngine, validate.RegoEngine, validate.CompositeEngine):
    # The advice of the severity INFO, such as tags, is not about references.
    found = [each for each in engine().validate_template("template.yaml").diagnostics if each.severity.name != "INFO"]
    quoted = {re.search("Ref '(.*?)'", each.message)[1]: f"{each.severity.name} {each.rule_id}" for each in found}
    assert len(quoted) == len(found)
    for name, reference in asked.items():
        target = made["Outputs"][name]["Value"]["Ref"]
        assert target in made["Resources"]
        # Deployments and versions end with a hash of their content.
        short = re.sub("[0-9a-f]{10}$", "…", target)
        print(f"{engine.__name__}: Ref {reference}: {quoted.get(reference, 'accepts')}; SAM: {short}")
END
AWS_DEFAULT_REGION=us-east-1 PYTHONIOENCODING=utf-8 venv/bin/python judge.py | tee seen
venv/bin/cfn-lint template.yaml && echo "cfn-lint: accepts" | tee -a seen

for engine in CelEngine RegoEngine CompositeEngine; do
    sed "s/^/$engine: /" <<'END'
Ref Notes.Stage: FATAL F6101; SAM: Notesv1Stage
Ref Notes.Deployment: FATAL F6101; SAM: NotesDeployment…
Ref Notesv1Stage: FATAL F6101; SAM: Notesv1Stage
Ref List.Version: FATAL F6101; SAM: ListVersion…
Ref List.Alias: FATAL F6101; SAM: ListAliaslive
Ref ListRole: accepts; SAM: ListRole
Ref Web.Stage: FATAL F6101; SAM: WebApiGatewayDefaultStage
END
done >expected
echo "cfn-lint: accepts" >>expected
diff expected seen
