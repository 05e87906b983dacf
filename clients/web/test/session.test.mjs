// Who is signed in, for how long, and in which tabs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { API, LIFE, quiet, refusal, settled, until, world } from "./world.mjs";

const REFRESH = "/api/auth/refresh";
const NOTES = `${API}/notes`;

const proven = (token) => Buffer.from(token.split(".")[2], "base64url").toString();

async function signedIn(t, options) {
  const { tab, ...rest } = world(t, options);
  const auth = tab();
  assert.ok((await auth.login({ email: "sara", password: "right" })).ok);
  auth.events.length = 0;
  return { auth, tab, ...rest };
}

test("a page that is loaded again finds its session, and whose it is in any script", async (t) => {
  const { service, tab } = world(t);
  service.begin("sara");
  const auth = tab();
  assert.ok((await auth.refresh()).ok);
  assert.deepEqual(auth.user, { id: "sara", email: "sara@مثال.example", role: "user", sessionId: "session-1" });
  assert.deepEqual(auth.events.map(({ type }) => type), ["signedin"]);
  assert.deepEqual(service.calls.map(({ path }) => path), ["/api/csrf-token", REFRESH]);
  assert.ok(service.calls.every(({ credentials }) => credentials === "include"));
});

test("what a page calls while it looks for its session waits for it, and is repeated like any other call", async (t) => {
  const { service, tab } = world(t);
  service.begin("sara");
  const auth = tab();
  const [found, answer] = await Promise.all([auth.refresh(), auth.fetch(NOTES)]);
  assert.deepEqual([found.ok, answer.status, service.count("/notes")], [true, 200, 1]);
  const other = tab();
  service.fault("/notes", refusal(401, "UNAUTHORIZED"));
  const [, late] = await Promise.all([other.refresh(), other.fetch(NOTES)]);
  assert.deepEqual([late.status, service.count("/notes")], [200, 3]);
});

test("a visitor without a session is told no, and nothing happens", async (t) => {
  const { tab, clock } = world(t);
  const auth = tab();
  const answer = await auth.refresh();
  assert.deepEqual([answer.ok, answer.code, auth.signedIn], [false, "REFRESH_TOKEN_REQUIRED", false]);
  assert.deepEqual([auth.events, clock.waits], [[], []]);
});

test("a login tells the user's name, and a refresh does not forget it", async (t) => {
  const { auth } = await signedIn(t);
  assert.equal(auth.user.name, "SARA");
  await auth.refresh();
  assert.equal(auth.user.name, "SARA");
});

test("ten calls that are denied at once refresh once, and each is repeated once", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  // A laptop that slept: its own clock stood still.
  service.clock = { now: clock.now + LIFE * 2000 };
  const answers = await Promise.all(Array.from({ length: 10 }, () => auth.fetch(NOTES)));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(200));
  assert.deepEqual([service.count(REFRESH), service.count("/notes")], [1, 20]);
});

test("a call that is denied late takes the token that another call got", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  service.clock = { now: clock.now + LIFE * 2000 };
  let go;
  service.fault("/slow", () => new Promise((done) => (go = done)));
  const slow = auth.fetch(`${API}/slow`);
  await until(() => go);
  assert.equal((await auth.fetch(NOTES)).status, 200);
  go();
  assert.equal((await slow).status, 200);
  assert.equal(service.count(REFRESH), 1);
});

test("two tabs that need the next token in the same moment refresh once", async (t) => {
  const { auth, tab, service, clock } = await signedIn(t);
  const other = tab();
  await other.refresh();
  const before = service.count(REFRESH);
  clock.now += LIFE * 1000;
  const answers = await Promise.all([auth, other].map((one) => one.fetch(NOTES)));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  assert.equal(service.count(REFRESH), before + 1);
  assert.equal(await auth.token(), await other.token());
});

test("two tabs refresh once even if the news comes after the lock", async (t) => {
  const { auth, tab, service, clock, slowChannels } = await signedIn(t);
  const other = tab();
  await other.refresh();
  const before = service.count(REFRESH);
  const arrive = slowChannels();
  t.mock.method(globalThis, "setTimeout", (go, ms) => {
    clock.waits.push(ms);
    setImmediate(() => (arrive(), go()));
  });
  await Promise.all([auth.refresh(), other.refresh()]);
  assert.equal(service.count(REFRESH), before + 1);
  assert.deepEqual(clock.waits, [100]);
});

test("a tab that is opened beside another takes its token, and refreshes nothing", async (t) => {
  const { auth, tab, service } = await signedIn(t);
  await settled();
  const other = tab();
  assert.ok((await other.refresh()).ok);
  assert.equal(service.count(REFRESH), 0);
  assert.equal(await other.token(), await auth.token());
  assert.equal(other.user.name, "SARA");
});

for (const missing of [{ hasLocks: false }, { hasChannels: false }, { hasLocks: false, hasChannels: false }]) {
  test(`a page refreshes once in a browser with ${JSON.stringify(missing)}`, async (t) => {
    const { auth, service } = await signedIn(t, missing);
    const answers = await Promise.all([auth.refresh(), auth.refresh(), auth.refresh()]);
    assert.ok(answers.every(({ ok }) => ok));
    assert.equal(service.count(REFRESH), 1);
  });
}

test("a session that ended is told once in every tab, and ends nothing else", async (t) => {
  const { auth, tab, service } = await signedIn(t);
  const [second, third] = [tab(), tab()];
  await Promise.all([second.refresh(), third.refresh()]);
  for (const one of [second, third]) one.events.length = 0;
  service.end("session-1");
  assert.equal((await auth.fetch(NOTES)).status, 401);
  await settled();
  for (const [one, reason] of [[auth, "ended"], [second, "elsewhere"], [third, "elsewhere"]]) {
    assert.deepEqual(one.events.map((event) => [event.type, event.reason]), [["signedout", reason]]);
    assert.deepEqual([one.signedIn, one.user, await one.token(), one.secondsLeft], [false, null, null, 0]);
  }
  await auth.refresh();
  assert.equal(auth.events.length, 1);
});

test("a logout signs out every tab, and late news of the session revives none", async (t) => {
  const { auth, tab, slowChannels } = await signedIn(t);
  const other = tab();
  await other.refresh();
  other.events.length = 0;
  const arrive = slowChannels();
  await other.refresh();
  await auth.logout();
  assert.deepEqual([auth.signedIn, auth.events[0].reason], [false, "logout"]);
  arrive();
  assert.deepEqual([auth.signedIn, other.signedIn, other.events[0].reason], [false, false, "elsewhere"]);
});

test("a logout whose outcome is unknown leaves the page signed in, and is offered again", async (t) => {
  const { auth, service } = await signedIn(t);
  service.fault("/api/auth/logout", refusal(500, "LOGOUT_FAILED"), "lose");
  assert.equal((await auth.logout()).code, "LOGOUT_FAILED");
  assert.ok(auth.signedIn);
  assert.equal((await auth.logout()).code, "UNREACHABLE");
  assert.ok(auth.signedIn);
  assert.ok((await auth.logout()).ok);
  assert.ok(!auth.signedIn);
});

test("a logout is not undone by a refresh that was on its way", async (t) => {
  const { auth, service } = await signedIn(t);
  let go;
  service.fault(REFRESH, () => new Promise((done) => (go = done)));
  const refresh = auth.refresh();
  await until(() => go);
  const logout = auth.logout();
  await quiet();
  assert.equal(service.count("/api/auth/logout"), 0, "it does not wait");
  go();
  await Promise.all([refresh, logout]);
  assert.ok(!auth.signedIn);
});

test("a login waits for the refresh of another tab, whose cookie would replace its own", async (t) => {
  const { auth, tab, service } = await signedIn(t);
  const other = tab();
  await other.refresh();
  let go;
  service.fault(REFRESH, () => new Promise((done) => (go = done)));
  const refresh = other.refresh();
  await until(() => go);
  const login = auth.login({ email: "omar", password: "right" });
  await quiet();
  assert.equal(service.count("/api/auth/login"), 1);
  go();
  await Promise.all([refresh, login]);
  assert.equal(service.cookies.refresh.split(".")[0], auth.user.sessionId);
});

test("a session whose cookies were deleted is over", async (t) => {
  const { auth, service } = await signedIn(t);
  service.cookies = {};
  assert.equal((await auth.refresh()).code, "REFRESH_TOKEN_REQUIRED");
  assert.deepEqual([auth.signedIn, auth.events.map(({ reason }) => reason)], [false, ["ended"]]);
});

test("news that comes late neither brings an older token back nor ends the next session", async (t) => {
  const { auth, tab, service, clock, slowChannels } = await signedIn(t);
  const other = tab();
  await other.refresh();
  const arrive = slowChannels();
  await other.refresh();
  clock.now += 1_000;
  await auth.refresh();
  const newest = await auth.token();
  arrive();
  assert.equal(await auth.token(), newest);
  await other.logout();
  service.end(auth.user.sessionId);
  await auth.login({ email: "sara", password: "right" });
  arrive();
  assert.ok(auth.signedIn);
});

test("all sessions are ended by a token that has to be replaced first", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  service.clock = { now: clock.now + LIFE * 2000 };
  assert.ok((await auth.logout({ everywhere: true })).ok);
  assert.ok(!auth.signedIn && [...service.sessions.values()].every(({ over }) => over));
});

test("another tab signs in as somebody else, and what was begun is not done as them", async (t) => {
  const { auth, tab, service } = await signedIn(t);
  await tab().login({ email: "omar", password: "right" });
  // Not heard of yet: the token is refused, and the cookie is the other's.
  service.end("session-1");
  const answer = await auth.fetch(NOTES, { method: "POST", body: "of sara" });
  assert.equal(answer.status, 401);
  assert.equal(service.count("/notes"), 1);
  assert.deepEqual(auth.events.map(({ type, user, before }) => [type, user.id, before?.id]), [["userchanged", "omar", "sara"]]);
  // Heard of in the middle of a call.
  service.begin("dina");
  const call = auth.call("POST /api/auth/password", {});
  const asked = auth.refresh();
  await asked;
  assert.equal(auth.user.id, "dina");
  await call;
});

test("nothing is sent for a user who is another by the time that the token is there", async (t) => {
  const { auth, service, clock } = await signedIn(t);
  service.begin("omar");
  clock.now += LIFE * 1000;
  const call = auth.call("POST /api/auth/password", { currentPassword: "a", newPassword: "b" });
  assert.equal((await call).code, "USER_CHANGED");
  assert.equal(service.count("/api/auth/password"), 0);
  clock.now += LIFE * 1000;
  service.begin("dina");
  await assert.rejects(auth.fetch(NOTES), { name: "TypeError", message: "USER_CHANGED" });
  assert.equal(service.count("/notes"), 0);
});

test("a second step goes where the first one came from", async (t) => {
  const { service, tab } = world(t);
  const auth = tab({ deviceInfo: { fingerprint: "f" } });
  const { data } = await auth.login({ email: "sara", password: "two steps" });
  assert.ok(!auth.signedIn);
  assert.equal((await auth.login({ token: data.challenge.token, code: "0" })).code, "MFA_CODE_INVALID");
  assert.ok((await auth.login({ token: data.challenge.token, code: "123456" })).ok);
  assert.ok((await auth.login({ passkey: {} })).ok);
  const [last] = service.calls.slice(-1);
  assert.deepEqual([last.path, JSON.parse(last.text)], [
    "/api/auth/passkey",
    { tokenDelivery: "cookie", deviceInfo: { fingerprint: "f" }, passkey: {} },
  ]);
  assert.equal(service.count("/api/auth/login/factor"), 2);
  await auth.refresh();
  assert.deepEqual(JSON.parse(service.calls.at(-1).text), { deviceInfo: { fingerprint: "f" } });
});

test("a step-up is worth as much in every tab, and a wrong code is not tried twice", async (t) => {
  const { auth, tab, service } = await signedIn(t);
  const other = tab();
  await other.refresh();
  assert.equal((await auth.stepUp({ code: "0" })).code, "MFA_CODE_INVALID");
  assert.deepEqual([service.count("/api/auth/step-up"), service.count(REFRESH)], [1, 0]);
  assert.ok((await auth.stepUp({ code: "123456" })).ok);
  await settled();
  assert.match(proven(await other.token()), /stepped/);
  const fetched = service.count("/api/csrf-token");
  await auth.refresh();
  assert.equal(service.count("/api/csrf-token"), fetched);
});

test("a step-up waits for a refresh, whose token is worth less", async (t) => {
  const { auth, service } = await signedIn(t);
  let go;
  service.fault(REFRESH, () => new Promise((done) => (go = done)));
  const refresh = auth.refresh();
  await until(() => go);
  const step = auth.stepUp({ code: "123456" });
  await quiet();
  go();
  await Promise.all([refresh, step]);
  assert.match(proven(await auth.token()), /stepped/);
});

test("two sessions in memory are two pages', and neither hears of the other", async (t) => {
  const { tab, service } = world(t);
  const [first, second] = [tab({ mode: "body" }), tab({ mode: "body" })];
  await first.login({ email: "sara", password: "right" });
  await second.login({ email: "omar", password: "right" });
  await first.logout();
  await settled();
  assert.deepEqual([first.signedIn, second.user.id, second.events.length], [false, "omar", 1]);
  assert.ok(service.calls.every(({ credentials }) => credentials === "omit"));
});

test("a tab that was closed hears nothing", async (t) => {
  const { auth, tab } = await signedIn(t);
  const other = tab();
  await other.refresh();
  other.close();
  await auth.logout();
  await settled();
  assert.ok(other.signedIn);
});
