"""Tries template.yaml with every pair of values of the parameters that its conditions and rules name, in three partitions.

SAM and the conditions are carried out for each choice, and what comes out has to hold by itself: every reference leads to a resource
that is made, cfn-lint finds nothing, no ARN is of another partition, and nothing is made that nobody asked for. Each step prints a
line when it has passed; the first that has not ends the program with an error.
"""

import json
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cfnlint.api import lint
from samtranslator.yaml_helper import yaml_parse

import broken
from faults import faults, unasked
from pairs import choices, cover, filled, said
from resolved import PARTITIONS, Stack, transformed

# The service that a partition lacks, and the value of the parameter that needs it: docs/deploy.md, "China and GovCloud".
LACKING = {"aws-cn": {"ses": ("Mail", "enabled")}}


def ok(sentence):
    print(f"ok - {sentence}", flush=True)


def found(template, row, partition, lints=False):
    """What is wrong with a template for one choice of parameters in one partition, and how much it makes."""
    parameters = filled(row, partition)
    resolved = Stack(transformed(template, parameters, partition), parameters, partition).resolved()
    problems = faults(resolved, partition)
    for service, (parameter, value) in LACKING.get(partition, {}).items():
        if row[parameter] == value:
            # The one fault that has to be there: where AWS has begun to offer the service, the document is out of date.
            problems.remove(f"{partition} has no {service}")
    if lints:
        region, _ = PARTITIONS[partition]
        problems += [f"{match.rule.id} {match.message}" for match in lint(json.dumps(resolved), None, [region])]
    return len(resolved["Resources"]), problems


def unasked_of(template, rows):
    """What is wrong with the smallest stack."""
    least = {**rows[0], "Dashboard": "disabled"}
    return list(unasked(Stack(transformed(template, least), least).resolved()))


def samples():
    """What is wrong with the samples' templates, which somebody copies into a partition of theirs."""
    for path in sorted(Path("tests/consumer").rglob("template.yaml")):
        template = yaml_parse(path.read_text())
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
        for partition in PARTITIONS:
            resolved = Stack(transformed(template, defaults, partition), defaults, partition).resolved()
            yield from (f"{path}, in {partition}: {fault}" for fault in faults(resolved, partition))


def main():
    # SAM and cfn-lint tell of themselves there.
    logging.disable(logging.WARNING)
    template = yaml_parse(Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml").read_text())
    values = choices(template)
    rows, pairs, impossible = cover(template, values)
    ok(f"{len(rows)} choices of {len(values)} parameters hold {pairs} pairs of values; the rules refuse {impossible} more")

    if problems := unasked_of(template, rows):
        raise SystemExit("with every option off:\n  " + "\n  ".join(problems))
    ok("with every option off there is nothing that an option makes")

    for name, changed, partition, wanted in broken.templates(template):
        problems = found(changed, rows[0], partition)[1] + unasked_of(changed, rows)
        if not any(wanted in problem for problem in problems):
            raise SystemExit(f"{name} was not found: {problems}")
        ok(f"found: {name}")

    if problems := list(samples()):
        raise SystemExit("\n".join(problems))
    ok("the samples resolve in every partition")

    # SAM and cfn-lint take seconds for each. What a choice leaves out is the same in every partition: the choices take turns, and the
    # defaults and the one that differs most from them are tried in all.
    extremes = (0, max(range(len(rows)), key=lambda number: len(said(rows[number]))))
    jobs = [
        (row, partition)
        for number, row in enumerate(rows)
        for turn, partition in enumerate(PARTITIONS)
        if number in extremes or number % len(PARTITIONS) == turn
    ]
    sizes = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        answers = [pool.submit(found, template, *job, lints=True) for job in jobs]
        for (row, partition), answer in zip(jobs, answers):
            size, problems = answer.result()
            if problems:
                pool.shutdown(cancel_futures=True)
                raise SystemExit(f"in {partition}, with {said(row) or 'nothing but defaults'}:\n  " + "\n  ".join(problems))
            sizes.append(size)
    ok(f"{len(jobs)} stacks of {min(sizes)} to {max(sizes)} resources in {', '.join(PARTITIONS)}: each is whole, and cfn-lint finds nothing")


if __name__ == "__main__":
    main()
