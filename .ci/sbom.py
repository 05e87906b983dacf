"""A bill of materials for each function, in CycloneDX: `sbom.py DIRECTORY [TARGET]` writes one file for each, and checks it. The target is
that of the default architecture, arm64.

From `cargo tree` of the function alone. cargo-cyclonedx 0.5.9 reads `cargo metadata`, where a crate has the features that any package
of the workspace asks for: it listed 22 crates for each function that only the command and the tests link. Cargo's own unit graph (unstable,
so not used here) names the same packages as this.
"""

import json
import os
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path

import tomllib
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

TARGET = sys.argv[2] if len(sys.argv) > 2 else "aarch64-unknown-linux-gnu"


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def tree(function, edges):
    """What a function depends on: the packages, and the pairs of who names whom."""
    lines = cargo("tree", "--locked", "-p", function, "-e", edges, "--target", TARGET, "--prefix", "depth", "--format", " {p}")
    packages, pairs, above = set(), set(), []
    for line in lines.splitlines():
        depth, name, version, *_ = line.split()
        package = (name, version.removeprefix("v"))
        del above[int(depth) :]
        if above:
            pairs.add((above[-1], package))
        above.append(package)
        packages.add(package)
    return packages, pairs


def component(package, described, sums, scope, kind=ComponentType.LIBRARY):
    name, version = package
    license = described[package]["license"]
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        scope=scope,
        purl=PackageURL("cargo", None, name, version) if package in sums else None,
        licenses=[LicenseExpression(license.replace("/", " OR "))] if license else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[package])] if package in sums else [],
    )


def bill(function, described, sums, made):
    """What is in the function's binary, and (as excluded) what only its build ran."""
    shipped, _ = tree(function, "normal,no-proc-macro")
    everything, pairs = tree(function, "normal,build")
    root = next(package for package in shipped if package[0] == function)
    components = {
        package: component(package, described, sums, ComponentScope.REQUIRED if package in shipped else ComponentScope.EXCLUDED)
        for package in everything - {root}
    }
    components[root] = component(root, described, sums, None, ComponentType.APPLICATION)
    bom = Bom(components=[item for package, item in components.items() if package != root])
    bom.metadata.component = components[root]
    bom.metadata.timestamp = made
    bom.metadata.properties.add(Property(name="rustc", value=subprocess.check_output(["rustc", "--version"], text=True).strip()))
    for package, item in components.items():
        bom.register_dependency(item, [components[named] for namer, named in pairs if namer == package])
    # The same materials have the same number.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{function} {sorted(everything)} {sorted(pairs)}")
    return bom, shipped


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    made = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", datetime.now().timestamp())), timezone.utc)
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    described = {(package["name"], package["version"]): package for package in metadata["packages"]}
    locked = tomllib.loads(Path("Cargo.lock").read_text())["package"]
    sums = {(package["name"], package["version"]): package["checksum"] for package in locked if "checksum" in package}
    functions = sorted(path.parent.name for path in Path("functions").glob("*/Cargo.toml"))
    own = {package["name"] for package in metadata["packages"] if package["source"] is None}
    for function in functions:
        bom, shipped = bill(function, described, sums, made)
        text = JsonV1Dot6(bom).output_as_string(indent=2)
        if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            raise SystemExit(f"{function}: {error}")
        problems = [f"{name} {version} has no checksum" for name, version in shipped if (name, version) not in sums and name not in own]
        libraries = {"nova-auth", "nova-auth-domain"} | ({"nova-auth-uploads"} if function.startswith("upload-") else set())
        problems += [f"it ships {name}" for name, _ in shipped if name in own - libraries - {function}]
        problems += [f"it does not name {name}" for name in ("nova-auth", "nova-auth-domain", "aws-lc-rs") if name not in dict(shipped)]
        if problems:
            raise SystemExit(f"{function}: " + "; ".join(problems))
        (directory / f"{function}.cdx.json").write_text(text + "\n")
        print(f"ok - {function}: {len(shipped) - 1} packages in it, {len(bom.components)} with those of its build")


if __name__ == "__main__":
    main()
