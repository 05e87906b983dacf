"""The templates of a release: `release.py ARCHITECTURE DIRECTORY` writes template.yaml and uploads/template.yaml there, as they are deployed
without building.

Where `CodeUri` says lie the functions' binaries. They are for the one architecture that they are built for, and the first has what AWS's
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
        raise SystemExit(f"the template has {pattern} {found} times, not {count}")
    return text


def released(file, architecture, functions):
    text = Path(file).read_text()
    # Nothing is built: `sam build` would find no sources.
    text = once(r"^    Metadata: \{BuildMethod: rust-cargolambda, BuildProperties: \{Binary: [\w-]+\}\}\n", "", text, len(functions))
    for function in functions:
        text = once(rf"^(      CodeUri: (?:\.\./)?functions/{function})$", r"\1", text)
    other = r"(^  Architecture:\n    Type: String\n    Default: )arm64(\n    AllowedValues: )\[arm64, x86_64\]\n"
    return once(other, rf"\g<1>{architecture}\g<2>[{architecture}]\n", text)


def main():
    architecture, directory = sys.argv[1], Path(sys.argv[2])
    version = tomllib.loads(Path("Cargo.toml").read_text())["workspace"]["package"]["version"]
    functions = sorted(path.parent.name for path in Path("functions").glob("*/Cargo.toml"))
    of_uploads = [function for function in functions if function.startswith("upload-")]
    text = released("template.yaml", architecture, [function for function in functions if function not in of_uploads])
    text = once(r"^Metadata:\n", ABOUT.format(version=version).replace("\\", r"\\"), text)
    (directory / "uploads").mkdir(parents=True, exist_ok=True)
    (directory / "template.yaml").write_text(text)
    (directory / "uploads/template.yaml").write_text(released("uploads/template.yaml", architecture, of_uploads))


main()
