// Every event of events.json, which the Rust and the Python code read too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NoCaller, callerOf } from "../nova-caller.mjs";

const rows = JSON.parse(readFileSync(new URL("events.json", import.meta.url), "utf8"));

test("every event names the caller, nobody, or the part that is wrong", () => {
  assert.ok(rows.length > 60, String(rows.length));
  for (const { name, event, caller, invalid } of rows) {
    if (invalid) {
      const wrong = (error) => error instanceof NoCaller && error.message === `the authorizer's context has no valid ${invalid}`;
      assert.throws(() => callerOf(event), wrong, name);
    } else {
      assert.deepEqual(callerOf(event), caller ?? null, name);
    }
  }
});

test("the types have every part of a caller", () => {
  const types = readFileSync(new URL("../nova-caller.d.mts", import.meta.url), "utf8");
  const { caller } = rows.find((row) => row.caller);
  const named = [...types.matchAll(/^  readonly (\w+):/gm)].map(([, name]) => name);
  assert.deepEqual(named, Object.keys(caller));
});

test("an event that was not parsed from JSON can't lend its prototype", () => {
  const event = { requestContext: { authorizer: Object.create(rows[0].event.requestContext.authorizer) } };
  assert.equal(callerOf(event), null);
});
