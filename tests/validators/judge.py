"""The verdicts of PyPI's libraries on every token of every stack: judge.py FOLDER, a line of JSON for each library and stack."""

import importlib.metadata
import json
import pathlib
import sys
import urllib.request
import warnings

import jwt
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

warnings.simplefilter("ignore")
DEMANDED = ["iss", "aud", "sub", "iat", "exp", "jti"]


def fetched(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


def keys_of(stack):
    return stack["issuer"] + "/.well-known/jwks.json"


# Each is given what a service knows: the issuer's address and its own name. It returns the claims, or raises.


def authlib(stack, token):
    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            return fetched(keys_of(stack))

    validator = Validator(issuer=stack["issuer"], resource_server=stack["audience"])
    claims = validator.authenticate_token(token)
    validator.validate_token(claims, [], None)
    return dict(claims)


def pyjwt(stack, token):
    key = jwt.PyJWKClient(keys_of(stack)).get_signing_key_from_jwt(token)
    options = {"require": DEMANDED}
    return jwt.decode(token, key, audience=stack["audience"], issuer=stack["issuer"], options=options)


def joserfc(stack, token, algorithms=None):
    keys = KeySet.import_key_set(fetched(keys_of(stack)))
    decoded = joserfc_jwt.decode(token, keys, algorithms=algorithms)
    wanted = {name: {"essential": True} for name in DEMANDED}
    wanted["iss"]["value"] = stack["issuer"]
    wanted["aud"]["value"] = stack["audience"]
    joserfc_jwt.JWTClaimsRegistry(**wanted).validate(decoded.claims)
    return decoded.claims


def joserfc_told(stack, token):
    return joserfc(stack, token, [stack["algorithm"]])


def verdict(verify, stack, token):
    try:
        return {"claims": verify(stack, token)}
    except Exception as error:  # Each library has its own, and some let others out.
        cause = f" ({type(error.__cause__).__name__}: {error.__cause__})" if error.__cause__ else ""
        return {"refused": f"{type(error).__name__}: {error}{cause}"}


LIBRARIES = [
    ("Authlib", "", authlib),
    ("PyJWT", "", pyjwt),
    ("joserfc", "", joserfc),
    ("joserfc", ", `algorithms` given", joserfc_told),
]


def main(folder):
    stacks = json.loads((folder / "stacks.json").read_text())
    for library, how, verify in LIBRARIES:
        version = importlib.metadata.version(library)
        for name, stack in stacks.items():
            wrong = {what: verdict(verify, stack, token) for what, token in stack["wrong"].items()}
            right = verdict(verify, stack, stack["right"])
            print(json.dumps({"library": f"{library} {version}{how}", "stack": name, "right": right, "wrong": wrong}))


main(pathlib.Path(sys.argv[1]))
