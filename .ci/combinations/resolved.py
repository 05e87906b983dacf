"""A template as CloudFormation makes it of given parameters in a given partition: conditions decided, parameters put in, and
what is left out left out. References to other resources stay, so that they can be checked.

Written here since no library does it: cfn-lint reasons about conditions, and hands out no resolved template.
"""

import copy
import re

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# A region of each partition, and what CloudFormation's pseudo parameters are there.
PARTITIONS = {
    "aws": ("eu-central-1", "amazonaws.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com"),
}
ABSENT = object()
VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


def transformed(template, parameters, partition="aws"):
    """What SAM makes of a template in a partition. The code of a function need not be there: any bucket will do."""
    template = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://code/{name}"
    # It writes partitions into ARNs by the region of the session. Nothing is called.
    session = boto3.session.Session(region_name=PARTITIONS[partition][0])
    return Translator({}, Parser(), boto_session=session).translate(template, parameters)


class Stack:
    """One template with one choice of parameters in one partition."""

    def __init__(self, template, parameters, partition="aws"):
        region, suffix = PARTITIONS[partition]
        self.template = template
        self.values = {
            **parameters,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::URLSuffix": suffix,
            "AWS::AccountId": "123456789012",
            "AWS::StackName": "nova-auth",
        }
        self.lists = {
            name
            for name, parameter in template["Parameters"].items()
            if parameter["Type"] in ("CommaDelimitedList", "List<Number>", "List<String>")
        }

    def refusals(self):
        """The template's own rules, where they refuse these parameters."""
        return [
            assertion["AssertDescription"]
            for rule in self.template.get("Rules", {}).values()
            if "RuleCondition" not in rule or self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    def holds(self, condition):
        """Whether a condition, or the name of one, is true."""
        if isinstance(condition, str):
            condition = self.template["Conditions"][condition]
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            left, right = (self.resolve(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not self.holds(argument[0])
        return {"Fn::And": all, "Fn::Or": any}[function](self.holds(part) for part in argument)

    def resolved(self):
        """The template with neither parameters nor conditions."""
        sections = {}
        for section in ("Resources", "Outputs"):
            sections[section] = {
                name: self.resolve({key: value for key, value in entry.items() if key != "Condition"})
                for name, entry in self.template.get(section, {}).items()
                if "Condition" not in entry or self.holds(entry["Condition"])
            }
        return {"AWSTemplateFormatVersion": "2010-09-09", **sections}

    def resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self.reference(argument)
            if function == "Fn::If":
                return self.resolve(argument[1 if self.holds(argument[0]) else 2])
            if function == "Fn::Sub":
                return self.substituted(argument)
            if function in ("Fn::FindInMap", "Fn::Join", "Fn::Select", "Fn::Split"):
                return self.called(function, self.resolve(argument))
        pairs = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not ABSENT}

    def reference(self, name):
        if name == "AWS::NoValue":
            return ABSENT
        value = self.values.get(name, {"Ref": name})
        return value.split(",") if name in self.lists else value

    def substituted(self, argument):
        text, names = argument if isinstance(argument, list) else (argument, {})
        names = self.resolve(names)

        def known(match):
            value = names.get(match[1], self.values.get(match[1]))
            return str(value) if isinstance(value, (str, int)) else match[0]

        text = VARIABLE.sub(known, text)
        left = {name: names[name] for name in VARIABLE.findall(text) if name in names}
        if VARIABLE.search(text) is None:
            return text.replace("${!", "${")
        return {"Fn::Sub": [text, left] if left else text}

    def called(self, function, arguments):
        """A function whose arguments are known is a value; one that names a resource stays."""
        if function == "Fn::FindInMap":
            table, first, second = arguments
            return self.template["Mappings"][table][first][second]
        if function == "Fn::Join" and all(isinstance(part, str) for part in arguments[1]):
            return arguments[0].join(arguments[1])
        if function == "Fn::Split" and isinstance(arguments[1], str):
            return arguments[1].split(arguments[0])
        if function == "Fn::Select" and isinstance(arguments[1], list):
            return arguments[1][int(arguments[0])]
        return {function: arguments}
