#!/bin/sh
# Which common JWT libraries verify an access token of EdDSA (Ed25519, RFC 8037) by its JWK, and which refuse it.
#
# Valid input only: one key, one token that it signed. Needs python3, node and npm; installs pinned public packages in a
# temporary folder. Exits with 1 if a library behaves otherwise than written here.
#
# Seen on 2026-11-28:
#   PyJWT 2.15.1 (with cryptography)        accepts
#   joserfc 1.8.0                           refuses by default, accepts with algorithms=["EdDSA"]
#   Authlib 1.9.10                          accepts
#   python-jose 3.5.0                       refuses
#   jose 6.2.18 (npm)                       accepts
#   aws-jwt-verify 5.2.1 (npm)              accepts
#   fast-jwt 6.3.6 (npm)                    accepts
#   jsonwebtoken 9.0.3 (npm)                refuses
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    cryptography==50.0.2 PyJWT==2.15.1 joserfc==1.8.0 Authlib==1.9.10 python-jose==3.5.0
npm init -y >npm.log
npm install --silent --no-audit --no-fund jose@6.2.18 aws-jwt-verify@5.2.1 fast-jwt@6.3.6 jsonwebtoken@9.0.3 >>npm.log

cat >python.py <<'END'
import base64, json, time, warnings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

warnings.simplefilter("ignore")
encoded = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
key = Ed25519PrivateKey.generate()
public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(public), "alg": "EdDSA", "use": "sig", "kid": "access-1"}
now = int(time.time())
header = {"typ": "at+jwt", "alg": "EdDSA", "kid": "access-1"}
claims = {"iss": "nova-crm", "aud": "nova-api", "sub": "sara", "iat": now, "exp": now + 900}
signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
token = signed + "." + encoded(key.sign(signed.encode()))
jwks = {"keys": [jwk]}
json.dump({"jwks": jwks, "token": token}, open("token.json", "w"))

def say(name, verify):
    try:
        verify()
        print(name, "accepts")
    except Exception as error:
        print(name, "refuses:", error)

import jwt, joserfc.jwt, joserfc.jwk, authlib.jose, jose.jwt
ring = lambda: joserfc.jwk.KeySet.import_key_set(jwks)
say("PyJWT", lambda: jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=["EdDSA"], audience="nova-api"))
say("joserfc", lambda: joserfc.jwt.decode(token, ring()))
say("joserfc with algorithms", lambda: joserfc.jwt.decode(token, ring(), algorithms=["EdDSA"]))
say("Authlib", lambda: authlib.jose.jwt.decode(token, authlib.jose.JsonWebKey.import_key_set(jwks)).validate())
say("python-jose", lambda: jose.jwt.decode(token, jwks, algorithms=["EdDSA"], audience="nova-api"))
END

cat >node.mjs <<'END'
import crypto from "node:crypto";
import fs from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";
import { JwtVerifier } from "aws-jwt-verify";
import { createVerifier } from "fast-jwt";
import jsonwebtoken from "jsonwebtoken";

const { jwks, token } = JSON.parse(fs.readFileSync("token.json"));
const pem = crypto.createPublicKey({ key: jwks.keys[0], format: "jwk" }).export({ type: "spki", format: "pem" });
const say = async (name, verify) => {
  try {
    await verify();
    console.log(name, "accepts");
  } catch (error) {
    console.log(name, "refuses:", error.message);
  }
};
await say("jose", () => jwtVerify(token, createLocalJWKSet(jwks), { algorithms: ["EdDSA"] }));
await say("aws-jwt-verify", () => {
  const options = { issuer: "nova-crm", audience: "nova-api", jwksUri: "https://auth.example.com/jwks.json" };
  const verifier = JwtVerifier.create(options);
  verifier.cacheJwks(jwks);
  return verifier.verify(token);
});
await say("fast-jwt", () => createVerifier({ key: pem, algorithms: ["EdDSA"] })(token));
await say("jsonwebtoken", () => jsonwebtoken.verify(token, pem, { algorithms: ["EdDSA"] }));
END

venv/bin/python python.py | tee seen
node node.mjs | tee -a seen
cut -d: -f1 seen >short
cat >expected <<'END'
PyJWT accepts
joserfc refuses
joserfc with algorithms accepts
Authlib accepts
python-jose refuses
jose accepts
aws-jwt-verify accepts
fast-jwt accepts
jsonwebtoken refuses
END
diff expected short
