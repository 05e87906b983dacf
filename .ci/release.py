"""The template of a release: `release.py ARCHITECTURE FILE` writes the root's template.yaml as it is deployed without building.

Beside it lie the functions' binaries, where `CodeUri` says. It is for the one architecture that they are built for, and has what AWS's
Serverless Application Repository asks for.
"""

import re
import sys
from pathlib import Path

import tomllib

# SourceCodeUrl and HomePageUrl are left out: the project names no address of its own.
ABOUT = """\
Metadata:
  AWS::ServerlessRepo::Application:
    Name: nova-auth
    Description: >-
      Login, refresh and logout with revocable sessions, second factors and reset by mail; and a token authorizer that any API of API Gateway
      can attach.
    Author: nova-auth
    SpdxLicenseId: MIT
    LicenseUrl: LICENSE-MIT
    ReadmeUrl: README.md
    Labels: [authentication, authorizer, jwt, login, passkeys, rust, sessions, totp]
    SemanticVersion: {version}
"""


def once(pattern, replacement, text, count=1):
    """Replaces what has to be there so many times."""
    text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    if found != count:
        raise SystemExit(f"template.yaml has {pattern} {found} times, not {count}")
    return text


def released(text, architecture, version, functions):
    text = once(r"^Metadata:\n", ABOUT.format(version=version).replace("\\", r"\\"), text)
    # Nothing is built: `sam build` would find no sources.
    text = once(r"^    Metadata: \{BuildMethod: rust-cargolambda, BuildProperties: \{Binary: [\w-]+\}\}\n", "", text, functions)
    other = r"(^  Architecture:\n    Type: String\n    Default: )arm64(\n    AllowedValues: )\[arm64, x86_64\]\n"
    return once(other, rf"\g<1>{architecture}\g<2>[{architecture}]\n", text)


def main():
    architecture, file = sys.argv[1:]
    version = tomllib.loads(Path("Cargo.toml").read_text())["workspace"]["package"]["version"]
    # Those of uploads belong to a template of their own, which no release has yet.
    functions = len([path for path in Path("functions").glob("*/Cargo.toml") if not path.parent.name.startswith("upload-")])
    text = released(Path("template.yaml").read_text(), architecture, version, functions)
    Path(file).write_text(text)


main()
