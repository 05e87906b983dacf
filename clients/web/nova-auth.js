// What each method does: nova-auth.d.ts. Why: README.md.

// A refresh may be repeated for 30 s.
const TRY = 9_000;
const LAST_TRY = 20_000;

const now = () => performance.now();
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const lost = (cause, code = "UNREACHABLE") => ({ ok: false, status: 0, code, cause });
// Logs nobody out.
const isOutage = ({ status }) => status === 0 || status === 429 || status >= 500;
// Not a wrong code or password, which counts each time.
const isDenied = ({ status, code }) => status === 401 && !/^(INVALID_C|MFA|PASSKEY)/.test(code);

function claims(token) {
  const text = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
}

export class NovaAuth extends EventTarget {
  #access = null;
  #csrf = null;
  #ends = 0;
  #renews = 0;
  #issued = 0; // By the service's clock.
  #ended; // A session: late news of it revive nothing.
  #refreshing = null;
  #refusal = [0]; // Until when, and what was said.
  #queue = Promise.resolve();
  #api;
  #mode;
  #origins;
  #storage;
  #device;
  #fetch;
  #channel;

  user = null;

  constructor(options = {}) {
    super();
    const { api = "/", mode = "cookie", origins = [], storage, deviceInfo, language } = options;
    const { href, origin } = new URL(api, globalThis.location?.href);
    this.#api = href.replace(/\/$/, "");
    this.#mode = mode;
    this.#origins = new Set([origin, ...origins.map((one) => new URL(one).origin)]);
    this.#storage = (mode === "body" && storage) || new Map();
    this.#device = deviceInfo;
    this.language = language;
    this.#fetch = options.fetch ?? ((...all) => globalThis.fetch(...all));
    // A session in memory is this page's alone.
    if (!globalThis.BroadcastChannel || (mode === "body" && !storage)) return;
    this.#channel = new BroadcastChannel(`nova-auth ${mode} ${this.#api}`);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
  }

  get signedIn() {
    return !!this.user;
  }

  get secondsLeft() {
    return Math.max(0, (this.#ends - now()) / 1000);
  }

  async token() {
    await this.#ready();
    return this.#access;
  }

  login(proof) {
    const path = proof.token ? "login/factor" : proof.passkey ? "passkey" : "login";
    return this.#alone(async () => {
      const deviceToken = await this.#storage.get("nova-device");
      const body = { tokenDelivery: this.#mode, deviceInfo: this.#device, deviceToken, ...proof };
      return this.#begin(await this.#post(path, body));
    });
  }

  stepUp(proof) {
    // Alone: the token of an older refresh is worth less.
    const step = async (bearer) => this.#begin(await this.#send("POST /api/auth/step-up", proof, { bearer }));
    return this.#as((bearer) => this.#alone(() => step(bearer)));
  }

  refresh() {
    return (this.#refreshing ??= this.#renew().finally(() => (this.#refreshing = null)));
  }

  logout({ everywhere, forgetDevice } = {}) {
    const all = async (bearer) => {
      const answer = await this.#send("DELETE /api/auth/sessions", null, { bearer });
      return this.#over(answer, answer.ok);
    };
    if (everywhere) return this.#as((bearer) => this.#alone(() => all(bearer)));
    return this.#alone(async () => {
      const refreshToken = await this.#storage.get("nova-refresh");
      const answer = await this.#post("logout", { refreshToken, forgetDevice }, { bearer: this.#access });
      if (answer.ok && forgetDevice) await this.#storage.delete("nova-device");
      return this.#over(answer, answer.ok || answer.status === 401);
    });
  }

  call(route, body, init) {
    return this.#as((bearer) => this.#send(route, body, { ...init, bearer }));
  }

  async fetch(input, init = {}) {
    const { url } = input.url ? input : new Request(input);
    if (!this.#origins.has(new URL(url).origin)) return this.#fetch(input, init);
    const send = async (bearer) => {
      const headers = new Headers(init.headers ?? input.headers);
      if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
      // Older browsers take the header along.
      const answer = await this.#fetch(input.url ? input.clone() : url, { ...init, headers, redirect: "error" });
      if (answer.status === 403) this.#notice(await answer.clone().json().catch(() => null), answer);
      return answer;
    };
    const answer = await this.#as(send, ({ status }) => status === 401, !(init.body instanceof ReadableStream));
    if (answer instanceof Response) return answer;
    // A 401 would be taken for a logout.
    throw new TypeError(answer.code, { cause: answer });
  }

  close() {
    this.#channel?.close();
  }

  async #as(send, isDeniedBy = isDenied, repeats = true) {
    let { user } = this;
    const outage = await this.#ready();
    if (outage) return outage;
    user ??= this.user;
    const isSame = () => this.user?.id === user?.id;
    // What one user wanted is not done as another.
    if (this.user && !isSame()) return lost(null, "USER_CHANGED");
    const bearer = this.#access;
    const answer = await send(bearer);
    if (!bearer || !isDeniedBy(answer)) return answer;
    const next = this.#access === bearer && (await this.refresh());
    if (isOutage(next)) return next;
    return repeats && this.signedIn && this.#access !== bearer && isSame() ? send(this.#access) : answer;
  }

  async #ready() {
    // Or while the page looks for its session.
    if (this.#access ? now() < this.#renews : !this.#refreshing) return;
    const next = this.refresh();
    if (now() < this.#ends) return;
    const answer = await next;
    if (isOutage(answer)) return answer;
  }

  async #renew() {
    const stale = this.#access;
    const began = now();
    const [until, refusal] = this.#refusal;
    if (began < until) return refusal;
    for (let tries = 0; ; tries++) {
      const answer = await this.#alone((waited) => this.#next(stale, waited));
      const { retryAfter } = answer;
      const wait = (retryAfter ?? Math.min(2 ** tries, 8)) * (1 + Math.random() / 2) * 1000;
      if (retryAfter) this.#refusal = [now() + retryAfter * 1000, answer];
      if (!isOutage(answer) || now() + wait > began + LAST_TRY) return answer;
      await pause(wait);
    }
  }

  async #next(stale, waited) {
    const isNews = () => this.#access !== stale;
    // The news of another tab and its lock come by different ways.
    if (waited && !isNews()) await pause(100);
    const signal = AbortSignal.timeout(TRY);
    const refreshToken = await this.#storage.get("nova-refresh");
    let answer = refreshToken || this.#mode === "cookie" ? null : { ok: false, status: 400, code: "REFRESH_TOKEN_REQUIRED" };
    // A new tab asks the others meanwhile.
    if (!stale) this.#channel?.postMessage({ ask: true });
    if (this.#mode === "cookie") answer = await this.#proof(signal);
    if (isNews()) return { ok: this.signedIn, status: this.signedIn ? 200 : 401 };
    answer ??= await this.#post("refresh", { refreshToken, deviceInfo: this.#device }, { signal });
    const { code, status } = answer;
    return this.#over(await this.#begin(answer), code && (status === 401 || code === "REFRESH_TOKEN_REQUIRED"), "ended");
  }

  // In all tabs: the cookies of two answers must not overtake each other.
  async #alone(work) {
    const run = (waited) => work(waited).catch(lost);
    const locks = this.#channel && globalThis.navigator?.locks;
    if (!locks) return (this.#queue = this.#queue.then(() => run()));
    const { name } = this.#channel;
    const done = await locks.request(name, { ifAvailable: true }, (lock) => lock && run());
    return done ?? locks.request(name, () => run(true));
  }

  async #proof(signal) {
    if (this.#csrf) return;
    const answer = await this.#send("GET /api/csrf-token", null, { signal });
    if (!answer.ok) return answer;
    this.#csrf = answer.data.csrfToken;
  }

  async #post(path, body, options = {}) {
    for (let tries = 0; ; tries++) {
      const failure = this.#mode === "cookie" && (await this.#proof(options.signal));
      if (failure) return failure;
      const answer = await this.#send(`POST /api/auth/${path}`, body, { ...options, csrf: this.#csrf });
      if (answer.code !== "CSRF_INVALID" || tries) return answer;
      this.#csrf = null;
    }
  }

  async #send(route, body, { bearer, csrf, signal = AbortSignal.timeout(30_000), ...init } = {}) {
    const [method, path] = route.split(" ");
    const headers = { ...init.headers };
    if (this.language) headers["Accept-Language"] = this.language;
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (csrf) headers["X-CSRF-Token"] = csrf;
    if (body) headers["Content-Type"] = "application/json";
    const credentials = this.#mode === "cookie" ? "include" : "omit";
    const options = { cache: "no-store", ...init, method, headers, signal, credentials, redirect: "error" };
    if (body) options.body = JSON.stringify(body);
    try {
      // The slash ends the host's name.
      const response = await this.#fetch(this.#api + path.replace(/^\/?/, "/"), options);
      const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
      const answer = { ...(await response.json()), ok: response.ok, status: response.status, retryAfter };
      this.#notice(answer, response);
      return answer;
    } catch (cause) {
      return lost(cause);
    }
  }

  async #begin(answer) {
    const { data } = answer;
    if (!data?.accessToken) return answer;
    // Before it is used: what was not stored is asked for again.
    if (data.deviceToken) await this.#storage.set("nova-device", data.deviceToken);
    if (data.refreshToken) await this.#storage.set("nova-refresh", data.refreshToken);
    this.#take(data);
    this.#say();
    return answer;
  }

  async #over(answer, isOver, reason = "logout") {
    if (!isOver) return answer;
    this.#forget(reason);
    await this.#storage.delete("nova-refresh");
    return answer;
  }

  #say() {
    const { user, secondsLeft: expiresIn } = this;
    this.#channel?.postMessage({ user, expiresIn, accessToken: this.#access, csrfToken: this.#csrf });
  }

  #hear(news) {
    if (news.ask) this.secondsLeft && this.#say();
    else if (news.over) news.over === this.user?.sessionId && this.#forget("elsewhere");
    else if (news.user.sessionId !== this.#ended && claims(news.accessToken).iat >= this.#issued) this.#take(news);
  }

  #take({ accessToken, csrfToken, expiresIn, user }) {
    const before = this.user;
    const { sub: id, sid: sessionId, iat, email, role } = claims(accessToken);
    const isSame = before?.id === id;
    this.user = { ...(isSame && before), id, email, role, sessionId, ...user };
    this.#issued = iat;
    this.#access = accessToken;
    this.#csrf = csrfToken ?? this.#csrf;
    this.#ends = now() + expiresIn * 1000;
    this.#renews = now() + expiresIn * 900;
    if (!isSame) this.#emit(before ? "userchanged" : "signedin", { user: this.user, before });
  }

  #forget(reason) {
    const { user } = this;
    this.#access = this.#csrf = this.user = null;
    this.#ends = this.#issued = 0;
    if (!user) return;
    this.#ended = user.sessionId;
    if (reason !== "elsewhere") this.#channel?.postMessage({ over: user.sessionId });
    this.#emit("signedout", { user, reason });
  }

  #notice(answer, { url, headers }) {
    const challenge = headers.get("WWW-Authenticate");
    const { code, acr = /acr_values="([^"]*)/.exec(challenge)?.[1], maxAge } = answer ?? {};
    if (code === "STEP_UP_REQUIRED") this.#emit("stepup", { acr, maxAge, url });
    if (code === "MFA_ENROLMENT_REQUIRED") this.#emit("enrolment", { url });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
