// A client of the authentication API, as any front end may be written: one refresh at a time, one repetition of a refused
// call, nothing kept where it outlives the page.

/** The network, or an answer that is none of ours. Nobody is logged out by it. */
export class Unreachable extends Error {}

export class Client extends EventTarget {
  // Private: no other script of the page reads them. In cookie mode there is no refresh token here at all.
  #access = null;
  #refresh = null;
  #csrf = null;
  #refreshing = null;
  /** A login that waits for its second step. */
  #challenge = null;

  /** `body` or `cookie`: where the refresh token of the session is. */
  mode = null;
  user = null;
  /** Whether the session opens nothing but the enrolment of a second factor. */
  enrolling = false;
  /** When the access token ends, by this machine's clock, and how long it lives in all. */
  expiresAt = 0;
  lifetime = 1;

  constructor(language) {
    super();
    this.language = language;
  }

  get signedIn() {
    return this.#access !== null;
  }

  /** Logs in. Cookie mode proves first that the form is the service's own. */
  async login(email, password, mode) {
    return this.#open("/api/auth/login", { email, password }, mode);
  }

  /** What a browser is to ask for, to log in without a password. */
  passkeyOptions({ quietly } = {}) {
    return this.#send("POST", "/api/auth/passkey/options", { quietly });
  }

  /** Logs in by what a browser answered. */
  loginByPasskey(passkey, mode) {
    return this.#open("/api/auth/passkey", { passkey }, mode);
  }

  /** The same for a login that waits for its second step. */
  secondStepOptions() {
    return this.#send("POST", "/api/auth/login/factor/options", { body: { token: this.#challenge.token } });
  }

  /** Completes a login by a second factor: `{code}`, `{recoveryCode}` or `{passkey}`. */
  completeLogin(proof) {
    const { token, mode } = this.#challenge;
    return this.#open("/api/auth/login/factor", { token, ...proof }, mode);
  }

  /** Begins a session, or the second step of a login. */
  async #open(path, proof, mode) {
    const cookie = mode === "cookie";
    const body = { ...proof, ...(cookie ? { tokenDelivery: "cookie" } : {}) };
    const answer = cookie
      ? await this.#withCsrf((csrf) => this.#send("POST", path, { body, csrf }))
      : await this.#send("POST", path, { body });
    if (answer.ok && answer.data.challenge) this.#challenge = { token: answer.data.challenge.token, mode };
    else if (answer.ok) this.#begin(answer.data, mode);
    return answer;
  }

  /** Shows once more who it is: `{code}`, `{passkey}` or `{password}`. The session is the same, and worth more. */
  async stepUp(proof) {
    const answer = await this.call("POST", "/api/auth/step-up", { body: proof });
    if (answer.ok) this.#take({ ...answer.data, refreshToken: this.#refresh });
    return answer;
  }

  #begin(data, mode) {
    this.#challenge = null;
    this.mode = mode;
    this.user = data.user;
    this.enrolling = data.enrolmentRequired === true;
    this.leaked = data.passwordChangeAdvised === true;
    this.#take(data);
  }

  /** Goes on with the session of the cookie, if the browser has one. */
  async resume() {
    this.mode = "cookie";
    const answer = await this.refresh();
    if (!answer.ok) return false;
    this.user = this.claims();
    return true;
  }

  /** The next pair. Whoever asks while one is under way gets the same answer. */
  refresh() {
    this.#refreshing ??= this.#next().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #next() {
    const answer =
      this.mode === "cookie"
        ? await this.#withCsrf((csrf) => this.#send("POST", "/api/auth/refresh", { csrf }))
        : await this.#send("POST", "/api/auth/refresh", { body: { refreshToken: this.#refresh } });
    if (answer.ok) this.#take(answer.data);
    // Only a clear no ends the session; after anything else the same token may be tried again.
    else if (answer.status === 401 || answer.code === "REFRESH_TOKEN_REQUIRED") this.#forget();
    return answer;
  }

  /** Calls something with the access token; on a 401 it refreshes once, and repeats the call. `quietly`: nobody asked for it. */
  async call(method, path, { body, quietly } = {}) {
    const first = await this.#send(method, path, { body, quietly, bearer: this.#access });
    if (first.status !== 401 || !this.signedIn) return first;
    const refreshed = await this.refresh();
    if (!refreshed.ok) return refreshed;
    return this.#send(method, path, { body, quietly, bearer: this.#access });
  }

  /** Ends this session. The page forgets it only when the service has. */
  async logout() {
    const bearer = this.#access;
    const answer =
      this.mode === "cookie"
        ? await this.#withCsrf((csrf) => this.#send("POST", "/api/auth/logout", { bearer, csrf }))
        : await this.#send("POST", "/api/auth/logout", { bearer, body: { refreshToken: this.#refresh } });
    if (answer.ok || answer.status === 401) this.#forget();
    return answer;
  }

  /** Ends all sessions of the user. */
  async logoutEverywhere() {
    const answer = await this.call("DELETE", "/api/auth/sessions");
    if (answer.ok) this.#forget();
    return answer;
  }

  /** What stands in the access token, for display: decisions are the service's. */
  claims() {
    const part = this.#access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { sub, email, role, sid } = JSON.parse(atob(part));
    return { id: sub, email, role, sessionId: sid };
  }

  #take({ accessToken, refreshToken, csrfToken, expiresIn }) {
    this.#access = accessToken;
    this.#refresh = refreshToken ?? null;
    this.#csrf = csrfToken ?? this.#csrf;
    this.lifetime = expiresIn * 1000;
    this.expiresAt = Date.now() + this.lifetime;
    this.dispatchEvent(new Event("change"));
  }

  #forget() {
    this.#access = this.#refresh = this.#csrf = null;
    this.mode = this.user = null;
    this.enrolling = false;
    this.expiresAt = 0;
    this.dispatchEvent(new Event("change"));
  }

  /** Sends with a CSRF token; one that is refused is replaced, once. */
  async #withCsrf(send) {
    this.#csrf ??= await this.#newCsrf();
    const answer = await send(this.#csrf);
    if (answer.code !== "CSRF_INVALID") return answer;
    this.#csrf = await this.#newCsrf();
    return send(this.#csrf);
  }

  async #newCsrf() {
    const answer = await this.#send("GET", "/api/csrf-token");
    return answer.data?.csrfToken ?? "";
  }

  async #send(method, path, { body, bearer, csrf, quietly } = {}) {
    const headers = { "Accept-Language": this.language };
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    if (csrf) headers["X-CSRF-Token"] = csrf;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    let envelope;
    try {
      response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
      envelope = await response.json();
    } catch (error) {
      throw new Unreachable("no answer", { cause: error });
    }
    const detail = {
      request: { method, path, headers, body },
      response: { status: response.status, headers: response.headers, body: envelope },
      cookie: this.mode === "cookie" || body?.tokenDelivery === "cookie" || path === "/api/csrf-token",
    };
    if (!quietly) this.dispatchEvent(new CustomEvent("exchange", { detail }));
    return { ok: response.ok, status: response.status, ...envelope };
  }
}
