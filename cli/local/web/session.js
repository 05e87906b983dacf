// The session of this page: in memory or by cookie, as the person chose. The client is the one that every front end may use, and this page
// shows what it says to the service.

import { NovaAuth } from "./nova-auth.js";

/** No network, or an answer that isn't the service's. Nobody is logged out by it. */
export class Unreachable extends Error {}

export class Session extends EventTarget {
  #clients;
  #client;
  /** A login that waits for its second step: its token, and its client. */
  #challenge = null;
  /** Whether the session opens nothing but the enrolment of a second factor. */
  enrolling = false;
  /** Whether the password that began it was leaked elsewhere. */
  leaked = false;

  constructor(language) {
    super();
    const client = (mode) => new NovaAuth({ mode, language, fetch: (url, options) => this.#fetch(mode, url, options) });
    this.#clients = { body: client("body"), cookie: client("cookie") };
    this.#client = this.#clients.body;
    // What other tabs do. Of what this one does, answers tell.
    const tell = (type) => this.mode === "cookie" && this.dispatchEvent(new Event(type));
    this.#clients.cookie.addEventListener("userchanged", () => tell("changed"));
    this.#clients.cookie.addEventListener("signedout", ({ detail }) => detail.reason === "elsewhere" && tell("ended"));
  }

  get signedIn() {
    return this.#client.signedIn;
  }

  get user() {
    return this.#client.user;
  }

  get secondsLeft() {
    return this.#client.secondsLeft;
  }

  /** `body` or `cookie`: where the refresh token is. */
  get mode() {
    return this.#client === this.#clients.cookie ? "cookie" : "body";
  }

  set language(language) {
    for (const client of Object.values(this.#clients)) client.language = language;
  }

  login(email, password, mode) {
    return this.#begin(mode, { email, password });
  }

  loginByPasskey(passkey, mode) {
    return this.#begin(mode, { passkey });
  }

  /** What a browser is to ask for, to log in without a password. */
  passkeyOptions(options) {
    return this.call("POST", "/api/auth/passkey/options", options);
  }

  /** The same for a login that waits for its second step. */
  secondStepOptions() {
    return this.call("POST", "/api/auth/login/factor/options", { body: { token: this.#challenge.token } });
  }

  /** Completes a login by a second factor: `{code}`, `{recoveryCode}` or `{passkey}`. */
  completeLogin(proof) {
    const { token, mode } = this.#challenge;
    return this.#begin(mode, { token, ...proof });
  }

  /** Begins a session, or the second step of a login. */
  async #begin(mode, proof) {
    const client = this.#clients[mode];
    const answer = answered(await client.login(proof));
    const { data } = answer;
    if (!answer.ok) return answer;
    if (data.challenge) {
      this.#challenge = { token: data.challenge.token, mode };
      return answer;
    }
    this.#client = client;
    this.#challenge = null;
    this.enrolling = data.enrolmentRequired === true;
    this.leaked = data.passwordChangeAdvised === true;
    return answer;
  }

  /** Goes on with the session of the cookie, if the browser has one. */
  async resume() {
    const answer = answered(await this.#clients.cookie.refresh());
    if (answer.ok) this.#client = this.#clients.cookie;
    return answer;
  }

  async refresh() {
    return answered(await this.#client.refresh());
  }

  async stepUp(proof) {
    return answered(await this.#client.stepUp(proof));
  }

  async logout(options) {
    return answered(await this.#client.logout(options));
  }

  /** Calls something on this origin. `quietly`: nobody asked for it, and it is not shown. */
  async call(method, path, { body, quietly } = {}) {
    return answered(await this.#client.call(`${method} ${path}`, body, { quietly }));
  }

  async #fetch(mode, url, options) {
    const response = await fetch(url, options);
    if (options.quietly) return response;
    const { pathname, search } = new URL(url);
    const { method, headers, body } = options;
    const detail = {
      request: { method, path: pathname + search, headers, body: body && JSON.parse(body) },
      response: { status: response.status, headers: response.headers, body: await response.clone().json() },
      cookie: mode === "cookie",
    };
    this.dispatchEvent(new CustomEvent("exchange", { detail }));
    return response;
  }
}

/** Without an answer there is nothing to show but that. */
function answered(answer) {
  if (answer.status === 0) throw new Unreachable(answer.code, { cause: answer.cause });
  return answer;
}
