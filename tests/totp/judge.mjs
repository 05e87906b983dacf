// Judges what `totp` writes by otplib.
import assert from "node:assert";
import { createInterface } from "node:readline";
import { generateSync, verifySync } from "otplib";
import { parse } from "@otplib/uri";

let tries = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, uri, service, account, now, tries: shown } = JSON.parse(line);
  // What is not said is the default: SHA-1, six digits, 30 seconds.
  assert.deepStrictEqual(parse(uri), { type: "totp", label: `${service}:${account}`, params: { secret, issuer: service } });
  for (const { at, code, step } of shown) {
    tries += 1;
    assert.strictEqual(generateSync({ secret, epoch: at }), code);
    const found = verifySync({ secret, token: code, epoch: now - (now % 30), epochTolerance: 30 });
    assert.strictEqual(found.valid ? found.timeStep : null, step, JSON.stringify({ at, now, code }));
  }
}
assert(tries > 0);
console.log(`otplib: the same in ${tries} tries`);
