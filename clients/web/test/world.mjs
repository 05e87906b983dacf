// A browser with tabs, and a service that answers as Nova Auth does: in memory, with a clock that moves when somebody waits.

import { NovaAuth } from "../nova-auth.js";

export const AUTH = "https://auth.example.com";
export const API = "https://api.example.com";
/** Seconds, of an access token. */
export const LIFE = 900;

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const json = (status, body, headers = {}) => Response.json(body, { status, headers });
export const refusal = (status, code, headers, more) => json(status, { success: false, code, message: code, ...more }, headers);
const data = (value) => json(200, { success: true, data: value });
/** Lets everything happen that waits for nothing but its turn. */
export const settled = () => new Promise((go) => setImmediate(() => setImmediate(go)));

/** The same with all that a network takes. */
export async function quiet() {
  for (let turn = 0; turn < 20; turn++) await settled();
}

export async function until(is) {
  while (!is()) await settled();
}

/** Messages arrive later, and in another's turn. `held`: those that are slow. */
function channels() {
  const all = new Set();
  return class Channel {
    static isSlow = false;
    static held = [];

    constructor(name) {
      this.name = name;
      all.add(this);
    }

    postMessage(message) {
      const copy = structuredClone(message);
      const deliver = () => {
        for (const other of all) if (other !== this && other.name === this.name) other.onmessage?.({ data: copy });
      };
      if (Channel.isSlow) Channel.held.push(deliver);
      else setImmediate(deliver);
    }

    close() {
      all.delete(this);
    }
  };
}

/** As much of Web Locks as there is to get wrong: one at a time, in order. */
class Locks {
  #held = new Map();

  async request(name, options, work = options) {
    const before = this.#held.get(name);
    if (before && options.ifAvailable) return work(null);
    const done = (before ?? Promise.resolve()).then(() => work({ name }));
    const mine = done.then(() => {}, () => {}).then(() => {
      if (this.#held.get(name) === mine) this.#held.delete(name);
    });
    this.#held.set(name, mine);
    return done;
  }
}

/** A world for one test. What the browser has. */
export function world(t, { hasChannels = true, hasLocks = true } = {}) {
  const Channel = channels();
  const clock = { now: 1_000, waits: [] };
  const timeouts = [];
  const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  set("BroadcastChannel", hasChannels ? Channel : undefined);
  set("navigator", hasLocks ? { locks: new Locks() } : {});
  t.mock.method(performance, "now", () => clock.now);
  t.mock.method(globalThis, "setTimeout", (go, ms) => {
    clock.waits.push(ms);
    clock.now += ms;
    setImmediate(go);
  });
  t.mock.method(AbortSignal, "timeout", (ms) => {
    const abort = new AbortController();
    timeouts.push({ ms, end: () => abort.abort(new DOMException("late", "TimeoutError")) });
    return abort.signal;
  });
  const service = new Service(clock);
  return {
    clock,
    timeouts,
    service,
    /** Another tab, or another app, of the same browser. */
    tab: (options) => recorded(new NovaAuth({ api: AUTH, origins: [API], fetch: service.fetch, ...options })),
    slowChannels: () => {
      Channel.isSlow = true;
      return () => {
        for (const deliver of Channel.held.splice(0)) deliver();
      };
    },
  };
}

function recorded(auth) {
  auth.events = [];
  for (const type of ["signedin", "signedout", "userchanged", "stepup", "enrolment"]) {
    auth.addEventListener(type, ({ detail }) => auth.events.push({ type, ...detail }));
  }
  return auth;
}

/** The service, and the cookies of the one browser that uses it. */
class Service {
  calls = [];
  cookies = {};
  sessions = new Map();
  /** What happens to the next calls of a path: a Response, `drop`, `lose`, `hang`, or a function. */
  faults = {};
  #count = 0;

  constructor(clock) {
    this.clock = clock;
  }

  /** How often a path was called. */
  count(path) {
    return this.calls.filter((call) => call.path === path).length;
  }

  fault(path, ...faults) {
    (this.faults[path] ??= []).push(...faults);
  }

  /** Somebody logs in in this browser, in another tab. */
  begin(user, carrier = "cookie") {
    const sid = `session-${++this.#count}`;
    this.sessions.set(sid, { user, generation: 1, carrier });
    if (carrier === "cookie") this.cookies.refresh = `${sid}.1`;
    return sid;
  }

  end(sid) {
    this.sessions.get(sid).over = true;
  }

  fetch = async (input, init = {}) => {
    // A network is slower than a channel between tabs.
    await settled();
    const request = new Request(input, { ...init, ...(init.body instanceof ReadableStream && { duplex: "half" }) });
    const { pathname: path, host } = new URL(request.url);
    const bearer = request.headers.get("Authorization")?.slice(7);
    const text = await request.text();
    const call = { path, host, method: request.method, bearer, text, redirect: request.redirect, headers: request.headers };
    call.credentials = request.credentials;
    this.calls.push(call);
    const fault = this.faults[path]?.shift();
    if (fault === "drop") throw new TypeError("Failed to fetch");
    if (fault === "hang") {
      return new Promise((_, fail) => init.signal.addEventListener("abort", () => fail(init.signal.reason)));
    }
    if (fault instanceof Response) return fault;
    if (typeof fault === "function") await fault(call);
    const answer = this.#answer(call, text && text.startsWith("{") ? JSON.parse(text) : {});
    if (fault === "lose") throw new TypeError("Failed to fetch");
    return answer;
  };

  #answer(call, body) {
    const route = `${call.method} ${call.path}`;
    if (call.host === "api.example.com") return this.#who(call.bearer) ? data({ is: this.#who(call.bearer) }) : refusal(401, "UNAUTHORIZED");
    switch (route) {
      case "GET /api/csrf-token":
        return data({ csrfToken: this.#csrf() });
      case "POST /api/auth/login":
        if (body.password === "two steps") return data({ challenge: { token: "challenge", methods: ["totp"], expiresIn: 300 } });
        return body.password === "right" ? this.#login(call, body, body.email) : refusal(401, "INVALID_CREDENTIALS");
      case "POST /api/auth/login/factor":
        return body.code === "123456" ? this.#login(call, body, "sara") : refusal(401, "MFA_CODE_INVALID");
      case "POST /api/auth/passkey":
        return this.#login(call, body, "sara");
      case "POST /api/auth/refresh":
        return this.#refresh(call, body);
      case "POST /api/auth/step-up":
        if (!this.#who(call.bearer)) return refusal(401, "TOKEN_EXPIRED");
        if (body.code !== "123456") return refusal(401, "MFA_CODE_INVALID");
        return data({ accessToken: this.#access(this.#sid(call.bearer), "stepped"), expiresIn: LIFE, acr: "urn:nova:2" });
      case "POST /api/auth/logout": {
        const refused = this.#refused(call, body.refreshToken);
        if (refused) return refused;
        const sid = body.refreshToken?.split(".")[0] ?? this.cookies.refresh?.split(".")[0] ?? this.#sid(call.bearer);
        this.end(sid);
        delete this.cookies.refresh;
        return json(200, { success: true, message: "You are logged out." });
      }
      case "DELETE /api/auth/sessions":
        if (!this.#who(call.bearer)) return refusal(401, "TOKEN_EXPIRED");
        for (const session of this.sessions.values()) session.over = true;
        return json(200, { success: true, message: "All sessions were ended." });
      default:
        return this.#who(call.bearer) || !call.bearer ? data({}) : refusal(401, "TOKEN_EXPIRED");
    }
  }

  #csrf() {
    return `csrf of ${this.cookies.refresh?.split(".")[0] ?? "nobody"}`;
  }

  #refused(call, refreshToken) {
    const isByCookie = !refreshToken && this.cookies.refresh;
    return isByCookie && call.headers.get("X-CSRF-Token") !== this.#csrf() ? refusal(403, "CSRF_INVALID") : null;
  }

  #login(call, body, user) {
    if (body.tokenDelivery === "cookie" && call.headers.get("X-CSRF-Token") !== this.#csrf()) return refusal(403, "CSRF_INVALID");
    const sid = this.begin(user, body.tokenDelivery);
    const known = body.tokenDelivery === "cookie" ? {} : { deviceToken: `device of ${user}` };
    return data({ ...this.#tokens(sid), ...known, user: { id: user, name: user.toUpperCase(), email: `${user}@example.com`, role: "user" } });
  }

  /** Rotates; the token before is good for 30 seconds, and any other ends the session. */
  #refresh(call, body) {
    const refused = this.#refused(call, body.refreshToken);
    if (refused) return refused;
    const token = body.refreshToken ?? this.cookies.refresh;
    if (!token) return refusal(400, "REFRESH_TOKEN_REQUIRED");
    const [sid, generation] = token.split(".");
    const session = this.sessions.get(sid);
    if (!session || session.over) return refusal(401, "REFRESH_TOKEN_INVALID");
    const { now } = this.clock;
    if (Number(generation) === session.generation) {
      session.generation += 1;
      session.rotated = now;
    } else if (Number(generation) !== session.generation - 1 || now - session.rotated > 30_000) {
      session.over = true;
      return refusal(401, "REFRESH_TOKEN_INVALID");
    }
    return data(this.#tokens(sid));
  }

  #tokens(sid) {
    const { generation, carrier } = this.sessions.get(sid);
    const tokens = { accessToken: this.#access(sid), expiresIn: LIFE };
    if (carrier === "body") return { ...tokens, refreshToken: `${sid}.${generation}` };
    this.cookies.refresh = `${sid}.${generation}`;
    return { ...tokens, csrfToken: this.#csrf() };
  }

  #access(sid, more = "") {
    const { user } = this.sessions.get(sid);
    const ends = this.clock.now + LIFE * 1000;
    // By the service's clock, which is not the browser's.
    const iat = 5_000_000 + Math.floor(this.clock.now / 1000);
    const payload = { sub: user, email: `${user}@مثال.example`, role: "user", sid, iat, exp: iat + LIFE };
    return `${encoded({})}.${encoded(payload)}.${encoded({ ends, jti: ++this.#count, more })}`;
  }

  #sid(bearer) {
    return JSON.parse(Buffer.from(bearer.split(".")[1], "base64url")).sid;
  }

  /** Whose access token it is, while it opens something. */
  #who(bearer) {
    if (!bearer) return null;
    const session = this.sessions.get(this.#sid(bearer));
    const { ends } = JSON.parse(Buffer.from(bearer.split(".")[2], "base64url"));
    return session.over || ends <= this.clock.now ? null : session.user;
  }
}
