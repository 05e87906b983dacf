// The server beside a whole Nova Auth: `nova local`, which the variable NOVA names. tests/consumer/socketio/run sets it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import test, { after, before } from "node:test";
import { io as client } from "socket.io-client";

const { NOVA, ROOT } = process.env;
const SAMPLE = "tests/consumer/socketio";
const PASSWORD = "Str0ng-enough!";
// In seconds, what the table's stream, the relay, the rule, the queue and this server take in all. Here it is far less.
const HEARD = 20;

const started = [];
const sockets = [];
const at = {};

// A process, and the lines that it prints until the one that begins with `last`.
async function start(command, args, env, last) {
  const stdio = ["ignore", "pipe", openSync(`${basename(command)}.log`, "w")];
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio });
  started.push(child);
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith(last)) return lines;
  }
  throw new Error(`${command} ended before it said ${last}`);
}

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

async function user(name) {
  const email = `${name}@example.com`;
  await nova(["user", "create", at.local, "--email", email, "--name", name], PASSWORD);
  return { email, login: async () => (await call("login", { email, password: PASSWORD })).accessToken };
}

const ticket = async (token, api = "socketio") => (await call("tickets", { api }, token)).ticket;

function attempt(auth, transport = "websocket") {
  const socket = client(`http://127.0.0.1:${at.port}`, { auth, transports: [transport], reconnection: false, forceNew: true });
  sockets.push(socket);
  socket.left = new Promise((is) => socket.on("disconnect", is));
  return socket;
}

async function opened(auth, transport) {
  const socket = attempt(auth, transport);
  await Promise.race([once(socket, "connect"), once(socket, "connect_error").then(([error]) => Promise.reject(error))]);
  return socket;
}

// Why nobody gets in this way.
async function refused(auth, transport) {
  const socket = attempt(auth, transport);
  const [error] = await Promise.race([once(socket, "connect_error"), once(socket, "connect").then(() => ["connected"])]);
  socket.close();
  return error.message;
}

// Fails unless the server closes the socket in time.
async function closed(socket) {
  const late = AbortSignal.timeout(HEARD * 1000);
  const reason = await Promise.race([socket.left, once(late, "abort").then(() => "still open")]);
  assert.ok(["io server disconnect", "transport close"].includes(reason), reason);
}

const whoami = (socket) => socket.timeout(5000).emitWithAck("whoami");

before(async () => {
  if (!NOVA) return;
  const parameters = ["--parameter-overrides", "Events=enabled", "Tickets=enabled"];
  const lines = await start(
    NOVA,
    ["local", "--port", "0", "--dynamodb-port", "0", "--attach", `${SAMPLE}/template.yaml`, ...parameters],
    {},
    "ready ",
  );
  const said = (name) => lines.find((line) => line.startsWith(`${name} `)).split(" ").at(-1);
  Object.assign(at, { auth: said("ready"), local: `--local=${said("dynamodb")}`, services: said("services") });
  await nova(["rules", "put", at.local, "--api", "socketio", "--uncached", `${SAMPLE}/rules.yaml`]);
  const aws = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
  const own = {
    AUTHORIZER_ARN: "arn:aws:lambda:us-east-1:123456789012:function:TokenAuthorizerFunction",
    QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/123456789012/EndedQueue",
    PORT: "0",
  };
  const where = { AWS_ENDPOINT_URL_LAMBDA: at.services, AWS_ENDPOINT_URL_SQS: at.services };
  const server = new URL("server.mjs", import.meta.url).pathname;
  at.port = (await start(process.execPath, [server], { ...aws, ...own, ...where }, "listening ")).at(-1).split(" ").at(-1);
});

after(() => {
  for (const socket of sockets) socket.close();
  for (const child of started.reverse()) child.kill();
});

const options = { skip: NOVA ? false : "NOVA names no program: tests/consumer/socketio/run" };

test("a token or a ticket lets its user in, and a ticket does once", options, async () => {
  const token = await (await user("sara")).login();
  const [one, other] = [await opened({ token }), await opened({ token }, "polling")];
  const caller = await whoami(one);
  assert.match(caller.sessionId, /^[0-9a-f-]{36}$/);
  assert.deepEqual(await whoami(other), caller);
  const once = await ticket(token);
  assert.deepEqual(await whoami(await opened({ ticket: once })), caller);
  assert.equal(await refused({ ticket: once }), "unauthorized");
  assert.equal(await refused({ ticket: await ticket(token, "another") }), "unauthorized");
  assert.equal(await refused({ token, ticket: await ticket(token) }), "unauthorized");
  const fifty = await ticket(token);
  const all = await Promise.all(Array.from({ length: 10 }, () => refused({ ticket: fifty })));
  assert.equal(all.filter((reason) => reason === undefined).length, 1, "one of ten");
});

test("nobody gets in without one", options, async () => {
  for (const auth of [{}, undefined, { token: "" }, { token: "a.b.c" }, { token: ["x"] }, { ticket: "" }, { userId: "1" }]) {
    assert.equal(await refused(auth), "unauthorized", JSON.stringify(auth));
  }
});

test("a logout closes the sockets of its session within seconds, and they can't come back", options, async () => {
  const { login } = await user("omar");
  const [token, elsewhere] = [await login(), await login()];
  const gone = [await opened({ token }), await opened({ token }, "polling"), await opened({ ticket: await ticket(token) })];
  const unused = await ticket(token);
  const stays = await opened({ token: elsewhere });
  await call("logout", {}, token);
  // Each connection asks again, whatever this server has heard by then.
  assert.equal(await refused({ token }), "unauthorized");
  assert.equal(await refused({ ticket: unused }), "unauthorized");
  await Promise.all(gone.map(closed));
  assert.equal(typeof (await whoami(stays)).userId, "string");
});

test("an operator who disables a user closes all their sockets, and those of nobody else", options, async () => {
  const [lena, noor] = [await user("lena"), await user("noor")];
  const [token, elsewhere] = [await lena.login(), await lena.login()];
  const gone = [await opened({ token }), await opened({ token: elsewhere })];
  const stays = await opened({ token: await noor.login() });
  await nova(["user", "disable", at.local, lena.email]);
  assert.equal(await refused({ token }), "unauthorized");
  await Promise.all(gone.map(closed));
  assert.equal(typeof (await whoami(stays)).userId, "string");
  await nova(["user", "enable", at.local, lena.email]);
  assert.equal(typeof (await whoami(await opened({ token: await lena.login() }))).userId, "string");
});

test("a new password closes the sockets of all other sessions, and none of the one that goes on", options, async () => {
  const { login } = await user("yara");
  const [token, elsewhere] = [await login(), await login()];
  const gone = await opened({ token: elsewhere });
  const own = await opened({ token });
  await call("password", { currentPassword: PASSWORD, newPassword: "An0ther-one!" }, token);
  assert.equal(await refused({ token: elsewhere }), "unauthorized");
  await closed(gone);
  assert.equal(typeof (await whoami(own)).userId, "string");
  assert.equal(typeof (await whoami(await opened({ token }))).userId, "string");
});
