#!/bin/sh
# What JWT libraries do with a key set that is empty, {"keys": []}, and with one that has only another key.
#
# To both, a verifier can only say no. RFC 7517, section 5, asks for an array and sets no minimum; an issuer that signs with a
# shared secret has no public key to list. The Python libraries raise another error for the empty set than for the missing key,
# so that a handler written for the latter does not catch it. Authlib's own Flask resource then answers 500 instead of 401.
# PyJWT documents its error in the docstring of `fetch_data`, but not in that of `get_signing_key`, which callers use.
#
# Valid input only: one key, one token that it signed, two key sets. Needs python3, node 20 and npm; installs pinned public
# packages in a temporary folder. Exits with 1 if a library behaves otherwise than written here.
#
# Seen on 2026-11-29:
#                                              another key              no key
#   PyJWT 2.15.1, PyJWKClient                  PyJWKClientError         PyJWKSetError, not a PyJWKClientError
#   joserfc 1.8.0, import_key_set              imported                 MissingKeyError
#   joserfc 1.8.0, import_key_set, decode      InvalidKeyIdError        MissingKeyError; both are a JoseError
#   Authlib 1.9.10, JWTBearerTokenValidator    InvalidTokenError        MissingKeyError, not an InvalidTokenError
#   the same behind Flask 3.1.3                401                      500
#   jose 6.2.18 (npm)                          JWKSNoMatchingKey        the same
#   aws-jwt-verify 5.2.1 (npm)                 KidNotFoundInJwksError   the same
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    cryptography==50.0.2 PyJWT==2.15.1 joserfc==1.8.0 Authlib==1.9.10 Flask==3.1.3
npm init -y >npm.log
npm install --silent --no-audit --no-fund jose@6.2.18 aws-jwt-verify@5.2.1 >>npm.log

cat >python.py <<'END'
import http.server, json, logging, threading, time, warnings
import flask, joserfc.jwk, joserfc.jwt, jwt
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

warnings.simplefilter("ignore", AuthlibDeprecationWarning)
signer, other = (joserfc.jwk.ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256"}) for kid in ("signer", "other"))
now = int(time.time())
claims = {"iss": "https://issuer.example", "aud": "notes", "sub": "sara", "client_id": "page", "jti": "1", "iat": now, "exp": now + 300}
token = joserfc.jwt.encode({"typ": "at+jwt", "alg": "ES256", "kid": "signer"}, claims, signer)
sets = {"another key": {"keys": [other.as_dict(private=False)]}, "no key": {"keys": []}}
json.dump({"token": token, "sets": sets}, open("input.json", "w"))

class Served(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(sets[self.path[1:].replace("-", " ")]).encode())
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served)
threading.Thread(target=server.serve_forever, daemon=True).start()

class Validator(JWTBearerTokenValidator):
    def __init__(self, keys):
        super().__init__("https://issuer.example", "notes")
        self.keys = keys
    def get_jwks(self):
        return self.keys

def status(keys):
    protect, app = ResourceProtector(), flask.Flask("notes")
    protect.register_token_validator(Validator(keys))
    app.logger.setLevel(logging.CRITICAL)
    app.add_url_rule("/", view_func=protect()(lambda: "the notes"))
    return app.test_client().get("/", headers={"authorization": f"Bearer {token}"}).status_code

def said(verify, *arguments):
    try:
        verify(*arguments)
        return "fine"
    except Exception as error:
        # What a handler can name: the error and its parents.
        return " < ".join(kind.__name__ for kind in type(error).__mro__ if kind.__module__ != "builtins")

def pyjwt(name):
    client = jwt.PyJWKClient(f"http://127.0.0.1:{server.server_port}/{name.replace(' ', '-')}")
    client.get_signing_key_from_jwt(token)

for name, keys in sets.items():
    imported = lambda: joserfc.jwk.KeySet.import_key_set(keys)
    print(name, "| PyJWT |", said(pyjwt, name))
    print(name, "| joserfc, import |", said(imported))
    print(name, "| joserfc, import and decode |", said(lambda: joserfc.jwt.decode(token, imported(), algorithms=["ES256"])))
    print(name, "| Authlib |", said(Validator(keys).authenticate_token, token))
    print(name, "| Authlib in Flask |", status(keys))
# Each verifies the token when its key is in the set.
right = {"keys": [signer.as_dict(private=False)]}
assert status(right) == 200
joserfc.jwt.decode(token, joserfc.jwk.KeySet.import_key_set(right), algorithms=["ES256"])
assert jwt.decode(token, jwt.PyJWKSet.from_dict(right)["signer"], algorithms=["ES256"], audience="notes")["sub"] == "sara"
END

cat >node.mjs <<'END'
import fs from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";
import { JwtVerifier } from "aws-jwt-verify";

const { token, sets } = JSON.parse(fs.readFileSync("input.json"));
const said = async (verify) => {
  try {
    await verify();
    return "fine";
  } catch (error) {
    const kinds = [];
    for (let kind = error.constructor; kind !== Error; kind = Object.getPrototypeOf(kind)) kinds.push(kind.name);
    return kinds.join(" < ");
  }
};
for (const [name, keys] of Object.entries(sets)) {
  const jose = () => jwtVerify(token, createLocalJWKSet(keys), { algorithms: ["ES256"] });
  const aws = () => {
    const options = { issuer: "https://issuer.example", audience: "notes", jwksUri: "https://issuer.example/jwks.json" };
    const verifier = JwtVerifier.create(options);
    verifier.cacheJwks(keys);
    return verifier.verifySync(token);
  };
  console.log(name, "| jose |", await said(jose));
  console.log(name, "| aws-jwt-verify |", await said(aws));
}
END

venv/bin/python python.py | tee seen
node node.mjs | tee -a seen
cat >expected <<'END'
another key | PyJWT | PyJWKClientError < PyJWTError
another key | joserfc, import | fine
another key | joserfc, import and decode | InvalidKeyIdError < JoseError
another key | Authlib | InvalidTokenError < OAuth2Error < AuthlibHTTPError < AuthlibBaseError
another key | Authlib in Flask | 401
no key | PyJWT | PyJWKSetError < PyJWTError
no key | joserfc, import | MissingKeyError < JoseError
no key | joserfc, import and decode | MissingKeyError < JoseError
no key | Authlib | MissingKeyError < JoseError
no key | Authlib in Flask | 500
another key | jose | JWKSNoMatchingKey < JOSEError
another key | aws-jwt-verify | KidNotFoundInJwksError < JwtBaseError
no key | jose | JWKSNoMatchingKey < JOSEError
no key | aws-jwt-verify | KidNotFoundInJwksError < JwtBaseError
END
diff expected seen
