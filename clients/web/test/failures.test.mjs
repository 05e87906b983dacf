// Answers that are lost, late, or say come again: nobody is logged out by one of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { API, LIFE, refusal, settled, until, world } from "./world.mjs";

const REFRESH = "/api/auth/refresh";
const NOTES = `${API}/notes`;
const html = (status) => new Response("<html>", { status, headers: { "Content-Type": "text/html" } });

async function signedIn(t, options) {
  const { tab, ...rest } = world(t);
  const auth = tab(options);
  assert.ok((await auth.login({ email: "sara", password: "right" })).ok);
  return { auth, tab, ...rest };
}

for (const mode of ["cookie", "body"]) {
  test(`a refresh whose answer is lost is repeated with the same token in ${mode} mode`, async (t) => {
    const { auth, service, clock } = await signedIn(t, { mode });
    service.fault(REFRESH, "lose", "lose");
    assert.ok((await auth.refresh()).ok);
    assert.equal(service.count(REFRESH), 3);
    assert.ok(clock.now < 30_000 && auth.signedIn);
    assert.ok((await auth.refresh()).ok, "the token after it is good, too");
  });

  test(`an answer that isn't the service's logs nobody out in ${mode} mode`, async (t) => {
    const { auth, service } = await signedIn(t, { mode });
    service.fault(REFRESH, html(200), html(401), html(502));
    assert.ok((await auth.refresh()).ok);
    service.fault(REFRESH, Response.json("", { status: 504 }), Response.json(null));
    assert.ok((await auth.refresh()).ok);
    service.fault(REFRESH, Response.json({ portal: "please pay" }, { status: 401 }));
    assert.ok(!(await auth.refresh()).ok);
    assert.ok(auth.signedIn && (await auth.refresh()).ok);
  });
}

test("a refresh that is not answered is tried again while that is safe", async (t) => {
  const { auth, service, timeouts } = await signedIn(t);
  service.fault(REFRESH, "hang", "lose");
  const refresh = auth.refresh();
  await until(() => service.count(REFRESH) === 1);
  const { ms, end } = timeouts.at(-1);
  end();
  assert.ok((await refresh).ok);
  assert.equal(ms, 9_000);
  assert.equal(service.count(REFRESH), 3);
});

test("Retry-After is waited for, and not by everybody alike", async (t) => {
  const waits = [];
  for (let client = 0; client < 5; client++) {
    const { auth, service, clock } = await signedIn(t);
    service.fault(REFRESH, refusal(503, "SERVICE_UNAVAILABLE", { "Retry-After": "3" }));
    assert.ok((await auth.refresh()).ok);
    waits.push(...clock.waits);
    t.mock.restoreAll();
  }
  assert.ok(waits.length === 5 && waits.every((wait) => wait >= 3_000 && wait <= 4_500), String(waits));
  assert.equal(new Set(waits).size, 5);
});

test("ten calls in an outage try no oftener than one", async (t) => {
  const { auth, service } = await signedIn(t);
  service.fault(REFRESH, ...Array(99).fill("drop"));
  await Promise.all(Array.from({ length: 10 }, () => auth.refresh()));
  assert.ok(service.count(REFRESH) <= 8, String(service.count(REFRESH)));
});

test("a short limit is waited for, and a long one logs nobody out", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  service.clock = { now: clock.now + LIFE * 2000 };
  service.fault(REFRESH, refusal(429, "API_RATE_LIMITED", { "Retry-After": "2" }));
  assert.equal((await auth.fetch(NOTES)).status, 200);
  service.clock = { now: clock.now + LIFE * 4000 };
  for (const fault of [refusal(429, "API_RATE_LIMITED", { "Retry-After": "60" }), refusal(503, "SERVICE_UNAVAILABLE", { "Retry-After": "60" })]) {
    clock.now += 60_000;
    service.fault(REFRESH, fault);
    await assert.rejects(auth.fetch(NOTES), { name: "TypeError" });
  }
  assert.ok(auth.signedIn);
});

test("an outage is told after some tries within the time in which they are safe, and logs nobody out", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  const began = clock.now;
  service.fault(REFRESH, ...Array(20).fill("drop"));
  const answer = await auth.refresh();
  assert.deepEqual([answer.ok, answer.status, answer.code], [false, 0, "UNREACHABLE"]);
  assert.ok(answer.cause instanceof TypeError && clock.now - began <= 20_000);
  const tries = service.count(REFRESH);
  assert.ok(tries >= 3 && tries <= 8, String(tries));
  assert.ok(auth.signedIn && auth.events.length === 1);
  service.faults = {};
  assert.ok((await auth.refresh()).ok);
});

test("a limit that lasts longer is told at once, and nobody asks before it is over", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  service.fault(REFRESH, refusal(429, "API_RATE_LIMITED", { "Retry-After": "60" }));
  for (let call = 0; call < 3; call++) {
    const answer = await auth.refresh();
    assert.deepEqual([answer.code, answer.retryAfter], ["API_RATE_LIMITED", 60]);
  }
  assert.deepEqual([service.count(REFRESH), clock.waits, auth.signedIn], [1, [], true]);
  clock.now += 60_000;
  assert.ok((await auth.refresh()).ok);
});

test("a CSRF token that is refused is replaced, once", async (t) => {
  const { auth, service } = await signedIn(t);
  const fetched = service.count("/api/csrf-token");
  service.fault(REFRESH, refusal(403, "CSRF_INVALID"));
  assert.ok((await auth.refresh()).ok);
  assert.deepEqual([service.count(REFRESH), service.count("/api/csrf-token")], [2, fetched + 1]);
  service.fault(REFRESH, refusal(403, "CSRF_INVALID"), refusal(403, "CSRF_INVALID"), refusal(403, "CSRF_INVALID"));
  const answer = await auth.refresh();
  assert.deepEqual([answer.code, service.count(REFRESH), auth.signedIn], ["CSRF_INVALID", 4, true]);
});

test("a login without a CSRF token is not tried", async (t) => {
  const { service, tab } = world(t);
  const auth = tab();
  service.fault("/api/csrf-token", refusal(503, "SERVICE_UNAVAILABLE", { "Retry-After": "1" }));
  const answer = await auth.login({ email: "sara", password: "right" });
  assert.deepEqual([answer.code, answer.retryAfter, service.calls.length], ["SERVICE_UNAVAILABLE", 1, 1]);
  assert.ok((await auth.login({ email: "sara", password: "right" })).ok);
});

test("a call fails as without a network while no token can be had, and a 401 means signed out", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  clock.now += LIFE * 1000;
  service.fault(REFRESH, ...Array(20).fill(0).map(() => refusal(503, "SERVICE_UNAVAILABLE")));
  await assert.rejects(auth.fetch(NOTES), (error) => error.message === "SERVICE_UNAVAILABLE" && error.cause.status === 503);
  assert.deepEqual([service.count("/notes"), auth.signedIn], [0, true]);
  const answer = await auth.call("GET /api/auth/sessions");
  assert.deepEqual([answer.code, service.count("/api/auth/sessions")], ["SERVICE_UNAVAILABLE", 0]);
  service.faults = {};
  assert.equal((await auth.fetch(NOTES)).status, 200);
  service.end("session-1");
  assert.equal((await auth.fetch(NOTES)).status, 401);
  assert.ok(!auth.signedIn);
});

test("a token near its end is replaced meanwhile, one at its end first, and the clock on the wall is not asked", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  t.mock.method(Date, "now", () => 0);
  clock.now += LIFE * 890;
  await auth.fetch(NOTES);
  assert.equal(service.count(REFRESH), 0);
  clock.now += LIFE * 20;
  service.fault(REFRESH, "drop");
  await auth.fetch(NOTES);
  assert.equal(service.count("/notes"), 2);
  await until(() => service.count(REFRESH) === 1);
  await auth.refresh();
  assert.equal(Math.round(auth.secondsLeft), LIFE);
  clock.now += LIFE * 1000;
  assert.equal(auth.secondsLeft, 0);
  const before = service.calls.length;
  await auth.fetch(NOTES);
  assert.deepEqual(service.calls.slice(before).map(({ path }) => path), [REFRESH, "/notes"]);
});

test("in body mode the refresh token is stored before anything uses the answer", async (t) => {
  const { tab, service, clock } = world(t);
  const kept = new Map();
  const storage = {
    get: async (key) => kept.get(key),
    set: async (key, value) => {
      // The page goes on with what it had.
      assert.deepEqual([auth.signedIn, auth.events.length], [false, 0]);
      await settled();
      kept.set(key, value);
    },
    delete: async (key) => kept.delete(key),
  };
  const auth = tab({ mode: "body", storage });
  await auth.login({ email: "sara", password: "right" });
  assert.deepEqual([...kept], [["nova-device", "device of sara"], ["nova-refresh", "session-1.1"]]);
  const old = await auth.token();

  storage.set = async (key, value) => kept.set(key, value);
  // It can't be stored: nothing is used, and the same token gets the same successor.
  t.mock.method(storage, "set", async () => {
    throw new Error("disk full");
  });
  const failed = await auth.refresh();
  assert.deepEqual([failed.status, failed.cause.message, await auth.token()], [0, "disk full", old]);
  t.mock.restoreAll();
  t.mock.method(performance, "now", () => clock.now);
  service.sessions.get("session-1").rotated = clock.now;
  assert.ok((await auth.refresh()).ok);
  assert.equal(kept.get("nova-refresh"), "session-1.2");

  // The app is started again.
  const again = tab({ mode: "body", storage });
  assert.ok((await again.refresh()).ok);
  assert.equal(again.user.id, "sara");
  await again.logout();
  assert.deepEqual([...kept.keys()], ["nova-device"]);
  await again.login({ email: "sara", password: "right" });
  assert.equal(JSON.parse(service.calls.at(-1).text).deviceToken, "device of sara");
  await again.logout({ forgetDevice: true });
  assert.equal(kept.size, 0);
});

test("in cookie mode nothing is stored, and what is stored is not sent", async (t) => {
  const { tab, service } = world(t);
  const storage = new Map([["nova-refresh", "old"]]);
  const auth = tab({ storage });
  await auth.login({ email: "sara", password: "right" });
  await auth.refresh();
  await auth.logout();
  assert.ok(service.calls.every(({ text }) => !text.includes("old")));
  assert.equal(storage.size, 1);
});

test("a call that its page gives up has no answer", async (t) => {
  const { auth, service } = await signedIn(t);
  service.fault("/api/auth/sessions", "hang");
  const abort = new AbortController();
  const call = auth.call("GET /api/auth/sessions", null, { signal: abort.signal });
  await until(() => service.count("/api/auth/sessions") === 1);
  abort.abort();
  assert.equal((await call).code, "UNREACHABLE");
});

test("an app that stored nothing asks nobody", async (t) => {
  const { tab, service } = world(t);
  const auth = tab({ mode: "body", storage: new Map() });
  assert.equal((await auth.refresh()).code, "REFRESH_TOKEN_REQUIRED");
  assert.equal(service.calls.length, 0);
});
