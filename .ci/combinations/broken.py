"""The template with one fault in it, in each way that only a choice of parameters or a partition shows. A check that does not find
them finds nothing.
"""

import copy


def templates(template):
    """Each fault: its name, the template with it, a partition, and a part of what has to be said of it."""

    def fault(change):
        changed = copy.deepcopy(template)
        change(changed["Resources"])
        return changed

    def refers(resources):
        resources["AlarmTopic"]["Properties"]["DisplayName"] = {"Ref": "MailQueue"}

    def substitutes(resources):
        resources["AlarmTopic"]["Properties"]["DisplayName"] = {"Fn::Sub": "${EventBus.Arn}"}

    def waits(resources):
        resources["JwksLogGroup"]["DependsOn"] = "TicketLogGroup"

    def names_a_partition(resources):
        resources["AuthorizerInvokeRole"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

    def names_a_host(resources):
        resources["AlarmTopic"]["Properties"]["DisplayName"] = {"Fn::Sub": "https://sqs.${AWS::Region}.amazonaws.com/"}

    def is_always_made(resources):
        for name in ("TicketFunction", "TicketRole", "TicketLogGroup"):
            del resources[name]["Condition"]

    def calls_what_is_not_there(resources):
        policy = resources["JwksRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        policy["Statement"].append({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"})

    yield "a reference to what a parameter left out", fault(refers), "aws", "AlarmTopic refers to MailQueue"
    yield "a text with a name of what was left out", fault(substitutes), "aws", "AlarmTopic refers to EventBus"
    yield "a wait for what was left out", fault(waits), "aws", "JwksLogGroup refers to TicketLogGroup"
    yield "an ARN of one partition", fault(names_a_partition), "aws-us-gov", "is an ARN of aws"
    yield "a host of one partition", fault(names_a_host), "aws-cn", "is a name of another partition"
    yield "a capability without its parameter", fault(is_always_made), "aws", "TicketFunction (AWS::Lambda::Function) is made"
    yield "a service that China does not have", fault(calls_what_is_not_there), "aws-cn", "aws-cn has no ses"
