// The parts of the server, each with what is not ours replaced.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Server } from "socket.io";
import { io as client } from "socket.io-client";
import { Refused, ask, callerOf, connectEvent } from "./authorizer.mjs";
import { connect } from "./client.mjs";
import { Ended } from "./ended.mjs";
import { guard, listen, told } from "./guard.mjs";

const ARN = "arn:aws:lambda:eu-central-1:123456789012:function:authorizer";
const METHOD = "arn:aws:execute-api:eu-central-1:123456789012:socketio/socketio/$connect";
const CONTEXT = { userId: "u", sessionId: "s", epoch: "7" };
const allow = { Effect: "Allow", Action: "execute-api:Invoke", Resource: [METHOD] };
const answer = (Statement, context = CONTEXT) => ({ policyDocument: { Version: "2012-10-17", Statement }, context });
const ENDED = { "detail-type": "Session Ended", detail: { sessionId: "s", userId: "u" } };
const change = (more) => ({ "detail-type": "User Changed", detail: { userId: "u", epoch: 8, active: true, keptSession: null, ...more } });

test("only an Allow of this very method for somebody who is named is a yes", () => {
  assert.deepEqual(callerOf(answer([allow]), METHOD), { userId: "u", sessionId: "s", epoch: 7 });
  const wide = { ...allow, Resource: "arn:aws:execute-api:eu-central-1:*:socketio/*" };
  assert.equal(callerOf(answer([wide]), METHOD).userId, "u");
  for (const no of [
    null,
    {},
    { context: CONTEXT },
    answer([]),
    answer([{ ...allow, Effect: "Deny" }]),
    answer([{ ...allow, Effect: "allow" }]),
    answer([allow, { ...allow, Effect: "Deny", Resource: "*" }]),
    answer([{ ...allow, Resource: [METHOD.replace("socketio/$", "other/$")] }]),
    answer([{ ...allow, Resource: METHOD.replaceAll(".", "X").replace("$connect", "") }]),
    answer([{ ...allow, Action: "execute-api:ManageConnections" }]),
    answer([{ ...allow, Condition: { Bool: { "aws:SecureTransport": "false" } } }]),
    answer([allow], {}),
    answer([allow], { userId: "u" }),
    answer([allow], { userId: "", sessionId: "s" }),
  ]) {
    assert.throws(() => callerOf(no, METHOD), { name: "Error" }, JSON.stringify(no));
  }
});

test("whoever called too often is told to come later, and not that they may not", () => {
  const deny = [{ ...allow, Effect: "Deny", Resource: "*" }];
  assert.throws(() => callerOf(answer(deny, { code: "API_RATE_LIMITED" }), METHOD), { message: "unavailable" });
  assert.throws(() => callerOf(answer(deny, { code: "FORBIDDEN_ROLE" }), METHOD), { message: "forbidden" });
});

test("a token and a ticket each stand in their own place, and nothing else of the client's does", () => {
  const event = (auth) => connectEvent({ authorizerArn: ARN, api: "socketio", auth, address: "192.0.2.10" });
  assert.equal(event({}).methodArn, METHOD);
  assert.deepEqual(event({ token: "t", role: "admin" }).headers, { Authorization: "Bearer t" });
  assert.deepEqual(event({ ticket: "t" }).queryStringParameters, { ticket: "t" });
  // One that is no text is an empty one, which the authorizer refuses: not none, which a public rule would let in.
  assert.deepEqual(event({ token: { $ne: "" } }).headers, { Authorization: "Bearer " });
  assert.deepEqual(event({ ticket: ["a", "b"] }).queryStringParameters, { ticket: "" });
  for (const nothing of [undefined, null, {}]) {
    assert.deepEqual([event(nothing).headers, event(nothing).queryStringParameters], [{}, {}]);
  }
});

test("an error of the function, an answer that is none and an answer that never comes are refusals", async () => {
  const options = { authorizerArn: ARN, api: "socketio", auth: { token: "t" }, address: "192.0.2.10" };
  const lambda = (said, more) => ({ send: async () => ({ StatusCode: 200, Payload: Buffer.from(said), ...more }) });
  const yes = JSON.stringify(answer([allow]));
  assert.equal((await ask(lambda(yes), options)).sessionId, "s");
  const error = { FunctionError: "Unhandled" };
  await assert.rejects(ask(lambda('{"errorMessage":"Unauthorized"}', error), options), { message: "unauthorized" });
  await assert.rejects(ask(lambda('{"errorMessage":"other"}', error), options), { message: "unavailable" });
  await assert.rejects(ask(lambda(yes, error), options), { message: "unavailable" });
  for (const none of ["", "null", "{}", "no JSON"]) await assert.rejects(ask(lambda(none), options));
  const never = { send: (_, { abortSignal }) => new Promise((_, no) => abortSignal.addEventListener("abort", () => no(abortSignal.reason))) };
  await assert.rejects(ask(never, options, 1));
});

// A namespace as Socket.IO's: a socket is found by its rooms once it is connected, and not before.
class Namespace {
  sockets = new Set();
  use(middleware) {
    this.middleware = middleware;
  }
  on(_, connection) {
    this.connection = connection;
  }
  in(room) {
    const found = [...this.sockets].filter((socket) => socket.rooms.has(room));
    return { disconnectSockets: () => found.forEach((socket) => socket.disconnect()), fetchSockets: async () => found };
  }
}

class Socket {
  data = {};
  rooms = new Set();
  closed = false;
  join(rooms) {
    rooms.forEach((room) => this.rooms.add(room));
  }
  on(_, closed) {
    this.onClosed = closed;
  }
  disconnect() {
    this.closed = true;
    this.onClosed?.();
  }
}

// Every order of two sequences.
function interleavings(one, other) {
  if (!one.length || !other.length) return [[...one, ...other]];
  const first = ([head, ...tail], rest) => interleavings(tail, rest).map((order) => [head, ...order]);
  return [...first(one, other), ...first(other, one)];
}

// In which orders the socket of an ended session stays open.
async function survivors(makeEnded, event, caller) {
  const open = [];
  const orders = interleavings(["decide", "answer", "connect"], ["end", "tell"]);
  for (const order of orders) {
    const [namespace, socket, ended] = [new Namespace(), new Socket(), makeEnded()];
    let isOver = false, decided, answered, admitted;
    const ask = () => new Promise((yes, no) => (answered = () => (decided ? yes(caller) : no(new Refused("unauthorized")))));
    guard(namespace, { ask, ended, maxSeconds: 0.001, connected() {} });
    const steps = {
      decide: () => {
        namespace.middleware(socket, (error) => (admitted = !error));
        decided = !isOver;
      },
      answer: () => answered(),
      connect: () => {
        if (!admitted) return;
        namespace.sockets.add(socket);
        namespace.connection(socket);
        socket.stays = !socket.closed;
      },
      end: () => (isOver = true),
      tell: () => told(namespace, ended, event),
    };
    for (const step of order) {
      await steps[step]();
      await turn();
    }
    if (admitted && !socket.closed) open.push(order.join(" "));
  }
  assert.equal(orders.length, 10);
  return open;
}

const forgetful = () => ({ mark() {}, session() {}, user() {}, covers: () => false });

test("no order of a connection and the end of its session leaves the connection open", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const caller = { userId: "u", sessionId: "s", epoch: 7 };
  for (const event of [ENDED, change(), change({ active: false }), change({ epoch: null, active: false })]) {
    assert.deepEqual(await survivors(() => new Ended(), event, caller), [], JSON.stringify(event));
    // What it is good for: one that remembers nothing misses some.
    const missed = await survivors(forgetful, event, caller);
    assert.ok(missed.includes("decide end tell answer connect"), JSON.stringify(event));
  }
});

// A server on a port of its own.
async function serving(pieces, run) {
  const http = createServer();
  const io = new Server(http);
  guard(io, { ended: new Ended(), maxSeconds: 900, connected() {}, ...pieces(io) });
  await once(http.listen(0, "127.0.0.1"), "listening");
  await run(`http://127.0.0.1:${http.address().port}`).finally(() => io.close());
}

test("a front end comes back with another token when the server closed its socket, until it has none", async () => {
  // The first connection shows one. The second asks whether there is one before it shows it, and so does the third, in vain.
  const fresh = ["one", "one more", "one more", null];
  const shown = [];
  const ask = async ({ auth }) => {
    shown.push(auth.token);
    return { userId: "u", sessionId: "s", epoch: 7 };
  };
  await serving(() => ({ ask, maxSeconds: 0.02 }), async (url) => {
    const stopped = deferred();
    const freshToken = async () => {
      const token = fresh.shift();
      if (token === null) stopped.resolve();
      return token;
    };
    const socket = connect(url, freshToken, { transports: ["websocket"] });
    await stopped.promise;
    socket.close();
  });
  assert.deepEqual(shown, ["one", "one more"]);
});

test("a front end whose refresh fails for a while comes back, and one that is refused twice does not", async () => {
  // What becomes of the refreshes: two fail where a token is shown, one where the server closed the socket, and then the session is over.
  const fresh = [Error, Error, "one", "one", Error, "two", "two", "over", "over"];
  const shown = [];
  const ask = async ({ auth: { token } }) => {
    shown.push(token);
    if (token === "over") throw new Refused("unauthorized");
    return { userId: "u", sessionId: "s", epoch: 7 };
  };
  // After the last one there is always another.
  const freshToken = async () => {
    const token = fresh.length > 1 ? fresh.shift() : fresh[0];
    if (token === Error) throw new Error("no network");
    return token;
  };
  await serving(() => ({ ask, maxSeconds: 0.02 }), async (url) => {
    const refused = deferred();
    const socket = connect(url, freshToken, { transports: ["websocket"], restMs: () => 0 });
    socket.on("connect_error", () => shown.length === 4 && refused.resolve());
    await refused.promise;
    await turn();
    assert.equal(socket.connected || socket.active, false);
    socket.close();
  });
  assert.deepEqual(shown, ["one", "two", "over", "over"]);
});

test("Socket.IO itself: the end is told while the authorizer answers, and the client does not stay", async () => {
  for (const [ended, reason] of [[new Ended(), "io server disconnect"], [forgetful(), undefined]]) {
    const connected = deferred();
    const pieces = (io) => ({
      ended,
      ask: async () => {
        await told(io, ended, ENDED);
        return { userId: "u", sessionId: "s", epoch: 7 };
      },
      connected: () => connected.resolve(),
    });
    await serving(pieces, async (url) => {
      const socket = client(url, { transports: ["websocket"], reconnection: false });
      const left = new Promise((is) => socket.on("disconnect", is));
      assert.equal(await Promise.race([left, connected.promise]), reason);
      socket.close();
    });
  }
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}

test("a change ends the sockets from before it, but not of the session that goes on; what comes late ends nothing new", async () => {
  const namespace = new Namespace();
  const add = (sessionId, epoch) => {
    const socket = Object.assign(new Socket(), { data: { caller: { userId: "u", sessionId, epoch } } });
    socket.join(["user:u", `session:${sessionId}`]);
    namespace.sockets.add(socket);
    return socket;
  };
  const [before, kept, after, unknown] = [add("a", 7), add("b", 7), add("c", 8), add("d", NaN)];
  const ended = new Ended();
  await told(namespace, ended, change({ keptSession: "b" }));
  assert.deepEqual([before, kept, after, unknown].map(({ closed }) => closed), [true, false, false, true]);
  await told(namespace, ended, change({ epoch: 7 }));
  assert.deepEqual([kept.closed, after.closed], [false, false]);
  // The memory is the later event's, too.
  assert.equal(ended.covers({ userId: "u", sessionId: "a", epoch: 7 }, 0), true);
  assert.equal(ended.covers({ userId: "u", sessionId: "b", epoch: 7 }, 0), false);
  // Who asked after all that was told has an answer that knows of it.
  assert.equal(ended.covers({ userId: "u", sessionId: "e", epoch: NaN }, ended.mark()), false);
  // A user who was enabled again has the epoch of when they were disabled.
  await told(namespace, ended, change({ active: false }));
  assert.equal(after.closed, true);
  assert.equal(ended.covers({ userId: "u", sessionId: "e", epoch: 8 }, 0), false);
});

test("what was told is remembered for ten minutes, and no longer", () => {
  let now = 0;
  const ended = new Ended(() => now);
  const caller = { userId: "u", sessionId: "s", epoch: 7 };
  ended.session("s");
  now = 10 * 60 * 1000 - 1;
  ended.session("other");
  assert.equal(ended.covers(caller, 0), true);
  now += 1;
  ended.session("another");
  assert.equal(ended.covers(caller, 0), false);
  assert.equal(ended.covers({ ...caller, sessionId: "other" }, 0), true);
});

test("a connection ends by its age where nothing is heard", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [namespace, socket] = [new Namespace(), new Socket()];
  guard(namespace, { ask: undefined, ended: new Ended(), maxSeconds: 900, connected() {} });
  socket.data.caller = { userId: "u", sessionId: "s", epoch: 7 };
  namespace.connection(socket);
  t.mock.timers.tick(899_999);
  assert.equal(socket.closed, false);
  t.mock.timers.tick(1);
  assert.equal(socket.closed, true);
});

test("a message is deleted once it took effect, and another is not kept waiting by one that fails", async (t) => {
  t.mock.method(console, "error", () => {});
  const stop = new AbortController();
  const deleted = [];
  const Messages = ["bad", "good"].map((name) => ({ Body: JSON.stringify({ name }), ReceiptHandle: name }));
  const taken = [];
  const sqs = {
    async send({ input }) {
      if (input.ReceiptHandle) {
        deleted.push(taken.includes(input.ReceiptHandle) ? input.ReceiptHandle : `${input.ReceiptHandle} too early`);
        stop.abort();
      }
      return { Messages };
    },
  };
  const take = async ({ name }) => {
    await turn();
    if (name === "bad") throw new Error("no");
    taken.push(name);
  };
  await listen(sqs, "queue", take, stop.signal);
  assert.deepEqual(deleted, ["good"]);
});

test("an answer of the queue that never comes keeps no later one from being heard", async (t) => {
  t.mock.method(console, "error", () => {});
  const stop = new AbortController();
  const lost = (signal) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
  let calls = 0;
  const sqs = {
    async send({ input }, { abortSignal }) {
      if (input.ReceiptHandle) return {};
      return ++calls === 1 ? lost(abortSignal) : { Messages: [{ Body: "{}", ReceiptHandle: "one" }] };
    },
  };
  // Who waits is alive: the time-out of a signal alone keeps no process.
  const alive = setInterval(() => {}, 1000);
  await listen(sqs, "queue", async () => stop.abort(), stop.signal, { patienceMs: 1, restMs: 0 });
  clearInterval(alive);
  assert.equal(calls, 2);
});
