// What is published, and what a page has to load.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const manifest = JSON.parse(read("package.json"));

test("the client is less than 4 KB, and brings nothing along", () => {
  const source = read("nova-auth.js");
  const size = gzipSync(source, { level: 9 }).length;
  assert.ok(size < 4096, `${size} bytes`);
  assert.ok(!/^import|import\(/m.test(source));
  assert.deepEqual(Object.keys(manifest).filter((key) => /dependencies/i.test(key)), []);
});

test("the package has what it exports, and the version and licence of the workspace", () => {
  const { types, default: code } = manifest.exports["."];
  const files = [types, code].map((path) => path.slice(2));
  assert.deepEqual([...manifest.files].sort(), ["LICENSE-*", ...files].sort());
  for (const file of files) assert.ok(read(file).length > 0);
  const workspace = read("../../Cargo.toml");
  assert.equal(manifest.version, /^version = "(.*)"/m.exec(workspace)[1]);
  assert.equal(manifest.license, /^license = "(.*)"/m.exec(workspace)[1]);
});

test("the types know every endpoint of the contract", () => {
  const routes = [];
  let path;
  for (const line of read("../../docs/openapi.yaml").split("\n")) {
    path = /^  (\/api\/\S+):$/.exec(line)?.[1] ?? path;
    const method = /^    (get|post|delete|put|patch):$/.exec(line)?.[1];
    if (method && path) routes.push(`${method.toUpperCase()} ${path}`);
    if (line.startsWith("components:")) break;
  }
  assert.ok(routes.length > 25, String(routes.length));
  const types = read("nova-auth.d.ts");
  // What `login`, `refresh`, `stepUp` and `logout` do; what only servers ask; and paths with an id in them, which a type can't name.
  const own = /\/(csrf-token|login|login\/factor|passkey|step-up|refresh|logout|introspect)$|\{id\}|^DELETE/;
  for (const route of routes.filter((route) => !own.test(route))) assert.ok(types.includes(`"${route}":`), route);
  for (const [, route] of types.matchAll(/^  "(\w+ \/\S+)":/gm)) assert.ok(routes.includes(route), route);
});

test("the documents call what there is", () => {
  const types = read("nova-auth.d.ts");
  const texts = [read("README.md"), read("../../docs/browsers.md").split("## The protocol")[0]];
  const named = texts.flatMap((text) => [...text.matchAll(/(?<![-\w])auth\.(\w+)/g)].map(([, name]) => name));
  assert.ok(named.length > 15, String(named.length));
  const own = new Set(named.filter((name) => !["example", "addEventListener"].includes(name)));
  for (const name of own) assert.match(types, new RegExp(`^  (readonly )?${name}\\??[<(:]`, "m"), name);
  for (const [, type] of texts.join().matchAll(/addEventListener\("(\w+)", show/g)) assert.ok(types.includes(`  ${type}: {`), type);
});
