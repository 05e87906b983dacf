#!/bin/sh
# How libraries read labels of key URIs (`otpauth://`), which QR codes of authenticator apps hold.
#
# The format (https://github.com/google/google-authenticator/wiki/Key-Uri-Format) separates issuer and account by ":" or "%3A", and
# allows spaces ("%20") before the account. No two of three libraries read its own examples alike. And one takes a "+" in the query
# for a space, but not in the label: a service that is called A+B has two names for it, and the URI is refused.
#
# Valid input only. Needs python3, node and npm; installs pinned public packages in a temporary folder. Exits with 1 if a library
# behaves otherwise than written here.
#
# Seen on 2026-11-28 (issuer | account):
#   of the format's page: Big%20Corporation%3A%20alice%40bigco.com, without the parameter `issuer`
#     pyotp 2.12.1            None | Big Corporation: alice@bigco.com
#     otpauth 9.5.2 (npm)     Big Corporation |  alice@bigco.com       (the space stays)
#     @otplib/uri 13.5.0      does not split labels
#   of the format's page: Example:alice@google.com, with a secret of 80 bits
#     pyotp 2.12.1            refuses: Secrets must be at least 112 bits after decoding
#     otpauth 9.5.2 (npm)     Example | alice@google.com
#     @otplib/uri 13.5.0      reads it; otplib 13.5.0 makes no code of it: Secret must be at least 16 bytes
#   A+B:john, with issuer=A+B
#     pyotp 2.12.1            refuses: If issuer is specified in both label and parameters, it should be equal.
#     otpauth 9.5.2 (npm)     A+B | john
#     @otplib/uri 13.5.0      issuer A+B
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyotp==2.12.1
npm init -y >npm.log
npm install --silent --no-audit --no-fund otpauth@9.5.2 otplib@13.5.0 @otplib/uri@13.5.0 >>npm.log

cat >uris <<'END'
otpauth://totp/Big%20Corporation%3A%20alice%40bigco.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
otpauth://totp/Example:alice@google.com?secret=JBSWY3DPEHPK3PXP&issuer=Example
otpauth://totp/A+B:john?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A+B
END

cat >python.py <<'END'
import pyotp

for uri in open("uris").read().split():
    try:
        read = pyotp.parse_uri(uri)
        print("pyotp:", read.issuer, "|", read.name)
    except ValueError as error:
        print("pyotp refuses:", error)
END

cat >node.mjs <<'END'
import fs from "node:fs";
import { URI } from "otpauth";
import { generateSync } from "otplib";
import { parse } from "@otplib/uri";

for (const uri of fs.readFileSync("uris", "utf8").trim().split("\n")) {
  const read = URI.parse(uri);
  console.log(`otpauth: ${read.issuer} | ${read.label}`);
  const { label, params } = parse(uri);
  console.log(`@otplib/uri: ${params.issuer} | ${label}`);
  try {
    generateSync({ secret: params.secret, epoch: 0 });
  } catch (error) {
    console.log("otplib refuses:", error.message.split(",")[0]);
  }
}
END

venv/bin/python python.py | tee seen
node node.mjs | tee -a seen
cat >expected <<'END'
pyotp: None | Big Corporation: alice@bigco.com
pyotp refuses: Secrets must be at least 112 bits after decoding
pyotp refuses: If issuer is specified in both label and parameters, it should be equal.
otpauth: Big Corporation |  alice@bigco.com
@otplib/uri: undefined | Big Corporation: alice@bigco.com
otpauth: Example | alice@google.com
@otplib/uri: Example | Example:alice@google.com
otplib refuses: Secret must be at least 16 bytes (128 bits)
otpauth: A+B | john
@otplib/uri: A+B | A+B:john
END
diff expected seen
