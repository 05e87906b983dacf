"""Which choices of parameters are tried."""

import itertools
import re

from allpairspy import AllPairs

from faults import references
from resolved import PARTITIONS, Stack

# A value for each parameter that is free text or a number and that a condition asks about; beside it, its default is tried.
EXAMPLES = {
    "AlarmEmail": "ops@example.com",
    "AppUrl": "https://app.example.com",
    "CertificateArn": "arn:{partition}:acm:{region}:123456789012:certificate/1a2b3c4d-0000-4000-8000-123456789abc",
    "DomainName": "auth.example.com",
    "FirewallAllowedAddresses": "203.0.113.0/24,198.51.100.7/32",
    "FirewallDeniedAddresses": "192.0.2.0/24",
    "HashingConcurrency": "20",
    "IntrospectionAccounts": "210987654321,321098765432",
    "KmsKeyArn": "arn:{partition}:kms:{region}:123456789012:key/1a2b3c4d-0000-4000-8000-123456789abc",
    "MailConfigurationSet": "mails",
    "MailFrom": "no-reply@example.com",
    "PasskeyRpId": "example.com",
    "PermissionsBoundary": "arn:{partition}:iam::123456789012:policy/boundary",
}


def filled(row, partition):
    """A choice with the names of a partition in it."""
    region, _ = PARTITIONS[partition]
    return {name: value.format(partition=partition, region=region) for name, value in row.items()}


def said(row):
    """A choice as somebody would write it down: what is not the default."""
    return " ".join(f"{name}={value}" for name, value in sorted(row.items()) if value != DEFAULTS[name])


DEFAULTS = {}


def choices(template):
    """The parameters that decide what is made, each with the values to try, its default first."""
    DEFAULTS.update({name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()})
    found = {}
    for name in sorted(set(references([template["Conditions"], template["Rules"]]))):
        parameter = template["Parameters"][name]
        if "AllowedValues" in parameter:
            others = [str(value) for value in parameter["AllowedValues"] if str(value) != DEFAULTS[name]]
        elif name in EXAMPLES:
            others = [EXAMPLES[name]]
        else:
            raise SystemExit(f"a condition asks about {name}: give it an example in {__file__}")
        for value in filled({name: EXAMPLES.get(name, "")}, "aws")[name].split(","):
            if not re.fullmatch(parameter.get("AllowedPattern", ".*"), value):
                raise SystemExit(f"the template does not take {value}, the example of {name}")
        found[name] = [DEFAULTS[name], *others]
    return found


def cover(template, values):
    """Choices that hold every pair of values that the template's rules let together, the defaults first."""
    ruled = sorted(set(references(template["Rules"])))
    # Those that the rules ask for come first: a row is judged as soon as it has all of them.
    names = [*ruled, *sorted(values.keys() - set(ruled))]
    defaults = {name: DEFAULTS[name] for name in template["Parameters"]}

    def admissible(row):
        return not Stack(template, row).refusals()

    def pairs(row):
        return set(itertools.combinations([(name, row[name]) for name in names], 2))

    def plausible(row):
        return len(row) < len(ruled) or admissible({**defaults, **dict(zip(names, row))})

    made = AllPairs([values[name] for name in names], filter_func=plausible)
    rows = [defaults, *({**defaults, **dict(zip(names, row))} for row in made)]
    covered = set().union(*map(pairs, rows))
    # The generator gives up on some pairs that only a few of the rules' ways let together; the others no stack can have.
    ways = [dict(zip(ruled, way)) for way in itertools.product(*(values[name] for name in ruled))]
    possible = set()
    for pair in itertools.combinations(names, 2):
        for left, right in itertools.product(*(values[name] for name in pair)):
            wanted = dict(zip(pair, (left, right)))
            possible.add(tuple(wanted.items()))
            if tuple(wanted.items()) in covered:
                continue
            fitting = [row for old in rows[1:4] for way in ways if admissible(row := {**old, **way, **wanted})]
            if fitting:
                rows.append(max(fitting, key=lambda row: len(pairs(row) - covered)))
                covered |= pairs(rows[-1])
    return rows, len(covered), len(possible - covered)
