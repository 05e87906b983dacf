"""Which library takes which tokens, from the verdicts of a run, and whether a document says the same: table.py FOLDER DOCUMENT."""

import json
import pathlib
import sys

# What each wrong token has to be refused for. Another `typ` is a column: some libraries leave it to their caller.
WRONG = {"audience", "issuer", "expired", "signature", "alg", "key"}
COLUMNS = ["ES256", "RS256", "EdDSA"]
HEAD = "| library | " + " | ".join(COLUMNS) + " | refuses another `typ` | with keys of HS256 |"

# What libraries say of a token of HS256 where metadata and keys are missing. Anything else is shown as it is, and fails.
WITHOUT_KEYS = [
    ("Authorization Server Metadata", "no metadata"),
    ("Unsupported algorithm", "the algorithm"),
    ('Unsupported "alg"', "the algorithm"),
    ("not found in the JWKS", "an unknown key"),
    ("No keys to import", "the empty set"),
    ("did not contain any keys", "the empty set"),
]


def check_claims(stack, claims):
    audience = claims["aud"]
    wanted = {"iss": stack["issuer"], "sub": stack["subject"], "client_id": "nova-auth", "email": "sara@example.com", "role": "user"}
    read = {name: claims.get(name) for name in wanted}
    assert read == wanted and stack["audience"] in (audience, *audience), claims
    assert {"iat", "exp", "jti", "sid", "auth_time", "acr", "amr"} <= claims.keys(), claims


def cell(stacks, verdicts, column):
    """Whether tokens of this algorithm are taken: the same with a key alone and beside others."""
    answers = set()
    for name in (column, f"{column} beside others"):
        right = verdicts[name]["right"]
        if "claims" in right:
            check_claims(stacks[name], right["claims"])
        answers.add("yes" if "claims" in right else "no")
    return " or ".join(sorted(answers))


def typ(verdicts):
    taken = [name for name, verdict in verdicts.items() if "claims" in verdict["wrong"]["typ"]]
    return "no" if taken else "yes"


def without_keys(verdicts):
    refused = verdicts["HS256"]["right"]["refused"]
    error = refused.split(":")[0].split()[-1]
    words = [words for said, words in WITHOUT_KEYS if said in refused]
    return f"{words[0]}: `{error}`" if words else refused


def table(stacks, lines):
    by_library = {}
    for line in lines:
        by_library.setdefault(line["library"], {})[line["stack"]] = line
    rows = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    for library, verdicts in by_library.items():
        assert verdicts.keys() == stacks.keys(), f"{library} was asked about {verdicts.keys()}"
        for name, verdict in verdicts.items():
            taken = {what for what in verdict["wrong"] if "claims" in verdict["wrong"][what]} - {"typ"}
            assert not taken and WRONG < verdict["wrong"].keys(), f"{library} takes of {name}: {taken}"
        cells = [cell(stacks, verdicts, column) for column in COLUMNS]
        rows.append("| " + " | ".join([library, *cells, typ(verdicts), without_keys(verdicts)]) + " |")
    return rows


def main(folder, document):
    stacks = json.loads((folder / "stacks.json").read_text())
    verdicts = [json.loads(line) for line in (folder / "verdicts").read_text().splitlines()]
    rows = table(stacks, verdicts)
    print("\n".join(rows))
    print(f"{sum(1 + len(verdict['wrong']) for verdict in verdicts)} verdicts on tokens of {len(stacks)} stacks")
    said = document.read_text()
    begin = said.find(HEAD)
    if said[begin:].split("\n\n")[0].split("\n") != rows:
        sys.exit(f"{document} says otherwise")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
