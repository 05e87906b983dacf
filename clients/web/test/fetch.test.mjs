// Where the access token goes, and which calls are repeated.

import assert from "node:assert/strict";
import { test } from "node:test";

import { API, AUTH, LIFE, refusal, world } from "./world.mjs";

const NOTES = `${API}/notes`;

/** Somebody whose access token is refused, once: the next one is not. */
async function denied(t) {
  const { tab, ...rest } = world(t);
  const auth = tab({ language: "ar" });
  await auth.login({ email: "sara", password: "right" });
  auth.events.length = 0;
  const { service, clock } = rest;
  service.clock = { now: clock.now + LIFE * 2000 };
  return { auth, tab, ...rest };
}

test("no other origin gets the access token, whatever its name begins with", async (t) => {
  const { auth, service } = await denied(t);
  for (const url of [
    "https://api.example.com.evil.example/",
    "https://api.example.com@evil.example/",
    "https://api.example.com:444/",
    "http://api.example.com/",
    "https://evil.example/https://api.example.com/",
    new URL("https://evil.example/"),
    new Request("https://evil.example/"),
  ]) {
    await auth.fetch(url).catch(() => {});
  }
  assert.ok(service.calls.every(({ host, bearer }) => host.endsWith("auth.example.com") || !bearer));
  assert.ok(service.calls.filter(({ host }) => host.includes("evil")).length >= 4);
});

test("the address that was looked at is the one that is called", async (t) => {
  const { auth, service } = await denied(t);
  let asked = 0;
  await auth.fetch({ toString: () => (asked++ ? "https://evil.example/" : NOTES) });
  assert.deepEqual(service.calls.filter(({ host }) => host.includes("evil")), []);
});

test("the path of a call does not choose its host", async (t) => {
  const { auth, service } = await denied(t);
  for (const path of [".evil.example/x", "@evil.example/x", "//evil.example/x", ":444/x"]) await auth.call(`GET ${path}`);
  assert.ok(service.calls.every(({ host }) => host === "auth.example.com"));
});

test("the access token is taken along by no redirect", async (t) => {
  const { auth, service } = await denied(t);
  await auth.fetch(NOTES, { redirect: "follow" });
  await auth.fetch(new Request(NOTES, { redirect: "follow" }));
  await auth.call("GET /api/auth/sessions");
  assert.deepEqual(service.calls.filter(({ bearer, redirect }) => bearer && redirect !== "error"), []);
  await auth.fetch("https://evil.example/");
  assert.equal(service.calls.at(-1).redirect, "follow");
});

test("a call that is repeated is the same, with the next token", async (t) => {
  const body = JSON.stringify({ text: "hello" });
  const headers = { "Content-Type": "application/json", "X-Own": "1" };
  for (const call of [
    (auth) => auth.fetch(NOTES, { method: "PUT", headers, body }),
    (auth) => auth.fetch(new Request(NOTES, { method: "PUT", headers, body })),
  ]) {
    const { auth, service } = await denied(t);
    const answer = await call(auth);
    assert.equal((await answer.json()).data.is, "sara");
    const [first, second] = service.calls.filter(({ path }) => path === "/notes");
    for (const sent of [first, second]) {
      assert.deepEqual([sent.method, sent.text, sent.headers.get("X-Own")], ["PUT", body, "1"]);
    }
    assert.notEqual(first.bearer, second.bearer);
    t.mock.restoreAll();
  }
});

test("a stream is not repeated, and the next call has the next token", async (t) => {
  const { auth, service } = await denied(t);
  const body = new Blob(["hello"]).stream();
  assert.equal((await auth.fetch(NOTES, { method: "POST", body, duplex: "half" })).status, 401);
  assert.equal(service.count("/notes"), 1);
  assert.ok(auth.signedIn);
  assert.equal((await auth.fetch(NOTES)).status, 200);
  assert.equal(service.count("/notes"), 2);
});

test("a call that is denied with a token that is good is not repeated for ever", async (t) => {
  const { auth, service } = await denied(t);
  service.fault("/notes", ...Array(9).fill(0).map(() => refusal(401, "UNAUTHORIZED")));
  assert.equal((await auth.fetch(NOTES)).status, 401);
  assert.deepEqual([service.count("/notes"), service.count("/api/auth/refresh"), auth.signedIn], [2, 1, true]);
});

test("a visitor calls without a token, and nothing is refreshed", async (t) => {
  const { service, tab } = world(t);
  const auth = tab();
  assert.equal((await auth.fetch(NOTES)).status, 401);
  await auth.call("POST /api/auth/recovery", { email: "sara@example.com" });
  assert.deepEqual(service.calls.map(({ path, bearer }) => [path, bearer]), [["/notes", undefined], ["/api/auth/recovery", undefined]]);
});

test("an API that asks for a second factor is heard, with what it asks for, and the page reads the answer, too", async (t) => {
  const { auth, service } = await denied(t);
  const challenge = 'Bearer error="insufficient_user_authentication", acr_values="urn:nova:2", max_age="600"';
  service.fault("/notes", refusal(403, "STEP_UP_REQUIRED", { "WWW-Authenticate": challenge }), refusal(403, "STEP_UP_REQUIRED"));
  assert.equal((await (await auth.fetch(NOTES)).json()).code, "STEP_UP_REQUIRED");
  await auth.fetch(NOTES);
  service.fault("/api/auth/factors", refusal(403, "STEP_UP_REQUIRED", {}, { acr: "urn:nova:2", maxAge: 600 }));
  const answer = await auth.call("GET /api/auth/factors");
  assert.deepEqual([answer.acr, answer.maxAge], ["urn:nova:2", 600]);
  assert.deepEqual(auth.events.map(({ type, acr, maxAge }) => [type, acr, maxAge]), [
    ["stepup", "urn:nova:2", undefined],
    ["stepup", undefined, undefined],
    ["stepup", "urn:nova:2", 600],
  ]);
  assert.equal(service.count("/api/auth/refresh"), 0, "it was refreshed");
});

test("a user who has to enrol a second factor is told so, by an API and by a refresh, and stays signed in", async (t) => {
  const { auth, service } = await denied(t);
  const enrol = () => refusal(403, "MFA_ENROLMENT_REQUIRED");
  service.fault("/notes", enrol(), new Response("no", { status: 403 }));
  service.fault("/api/auth/refresh", enrol());
  assert.equal((await auth.fetch(NOTES)).status, 403);
  assert.equal(await (await auth.fetch(NOTES)).text(), "no");
  assert.equal((await auth.fetch(NOTES)).status, 401);
  assert.equal(service.count("/notes"), 3, "the same token is sent again");
  assert.deepEqual([auth.events.map(({ type }) => type), auth.signedIn], [["enrolment", "enrolment"], true]);
});

test("messages come in the language of the page", async (t) => {
  const { auth, service } = await denied(t);
  auth.language = "en";
  await auth.call("GET /api/auth/sessions");
  const languages = service.calls.map(({ headers }) => headers.get("Accept-Language"));
  assert.deepEqual([languages[0], languages.at(-1)], ["ar", "en"]);
  assert.ok(service.calls.every(({ path }) => path !== AUTH));
});
