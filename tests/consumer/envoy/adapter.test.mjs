// The adapter beside a whole Nova Auth: `nova local`, which the variable NOVA names. tests/consumer/envoy/run sets it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import test, { after, before } from "node:test";
import { adapter } from "./adapter.mjs";
import { introspector } from "./introspect.mjs";

const { NOVA, ROOT } = process.env;
const PASSWORD = "Str0ng-enough!";
const RULES = `
- route: GET /orders/{id}
- route: POST /orders
  permission: orders:write
- route: DELETE /orders
  mfa: required
- route: GET /office
  addresses: [192.0.2.0/24]
`;

const at = {};
let system;

async function nova(args, input = "") {
  const child = spawn(NOVA, args, { cwd: ROOT, stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(input);
  const [code] = await once(child, "exit");
  assert.equal(code, 0, args.join(" "));
}

async function call(path, body, token) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(`${at.auth}/api/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, path);
  return (await answer.json()).data;
}

// What Envoy is told of a request.
async function asked(method, path, token, headers = {}) {
  const authorization = token && { authorization: `Bearer ${token}` };
  return fetch(`${at.adapter}${path}`, { method, headers: { ...authorization, ...headers } });
}

async function serve(ask) {
  const server = adapter(ask, "orders").listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, server };
}

before(async () => {
  const args = ["local", "--no-build", "--port", "0", "--dynamodb-port", "0", "--parameter-overrides", "Introspection=enabled"];
  system = spawn(NOVA, [...args, "BcryptCost=10"], { cwd: ROOT, stdio: ["ignore", "pipe", openSync("nova.log", "w")] });
  for await (const line of createInterface({ input: system.stdout })) {
    const [kind, value] = line.split(" ");
    if (kind === "dynamodb") at.local = `--local=${value}`;
    if (kind === "ready") {
      at.auth = value;
      break;
    }
  }
  writeFileSync("rules.yaml", RULES);
  await nova(["rules", "put", at.local, "--api", "orders", "--uncached", `${process.cwd()}/rules.yaml`]);
  const names = ["--email", "sara@example.com", "--name", "Sara"];
  await nova(["user", "create", at.local, ...names], PASSWORD);
  const credentials = { accessKeyId: "orders", secretAccessKey: "local" };
  const ask = introspector({ url: at.auth, region: "us-east-1", credentials });
  ({ url: at.adapter, server: at.server } = await serve(ask));
});

after(() => {
  at.server?.close();
  system.kill();
});

const login = async () => (await call("login", { email: "sara@example.com", password: PASSWORD })).accessToken;

test("a call that the rules allow passes, and the service learns who is calling", async () => {
  const answer = await asked("GET", "/orders/7?all=1", await login(), { "x-nova-role": "admin" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-nova-role"), "user");
  assert.match(answer.headers.get("x-nova-user-id"), /^[0-9a-f-]{36}$/);
  assert.equal(answer.headers.get("x-nova-permissions"), "");
});

test("a call that they don't allow gets the reason, and what a step-up has to show", async () => {
  const token = await login();
  const lacking = await asked("POST", "/orders", token, { "accept-language": "ar" });
  const said = await lacking.json();
  assert.deepEqual([lacking.status, said.code], [403, "FORBIDDEN_PERMISSION"]);
  assert.match(said.message, /\p{Script=Arabic}/u);
  const weak = await asked("DELETE", "/orders", token);
  assert.equal((await weak.json()).code, "STEP_UP_REQUIRED");
  assert.match(weak.headers.get("www-authenticate"), /^Bearer .*insufficient_user_authentication/);
});

test("rules by address see the last address that Envoy added, not what a client claims before it", async () => {
  const token = await login();
  const from = async (chain) => (await asked("GET", "/office", token, { "x-forwarded-for": chain })).status;
  assert.equal(await from("198.51.100.1, 192.0.2.10"), 200);
  assert.equal(await from("192.0.2.10, 198.51.100.1"), 403);
  assert.equal((await asked("GET", "/office", token)).status, 403);
});

test("a token that was logged out is refused on the next call", async () => {
  const token = await login();
  assert.equal((await asked("GET", "/orders/7", token)).status, 200);
  const headers = { Authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${at.auth}/api/auth/logout`, { method: "POST", headers })).status, 200);
  assert.equal((await asked("GET", "/orders/7", token)).status, 401);
  assert.equal((await asked("GET", "/orders/7")).status, 401);
});

test("where nobody can tell, nobody passes", async () => {
  const token = await login();
  for (const options of [
    { url: "http://127.0.0.1:9", credentials: { accessKeyId: "orders", secretAccessKey: "local" } },
    { url: at.auth, credentials: { accessKeyId: "orders", secretAccessKey: "another" } },
    { url: at.auth, credentials: () => Promise.reject(new Error("no credentials")) },
  ]) {
    const { url, server } = await serve(introspector({ region: "us-east-1", ...options }));
    const answer = await fetch(`${url}/orders/7`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 503);
    server.close();
  }
});
