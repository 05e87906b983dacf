// What happens when somebody does something.

import { busy, showFaults } from "./elements.js";
import { registerView, signInView } from "./entrance.js";
import { listenForSheet, record, showExchanges, showLast } from "./exchange.js";
import { logRows, sessionItems } from "./lists.js";
import { CONFIRMS, mailedView, takeLink } from "./mailed.js";
import * as passkeys from "./passkeys.js";
import { enrolment, factorItems, recoveryCodes, secondStepView, stepUpForm } from "./factors.js";
import { Session, Unreachable } from "./session.js";
import { listenForDismissal, say, takeBack } from "./status.js";
import { chooseLanguage, countdown, currentLanguage, text, translate } from "./text.js";
import * as uploads from "./uploads.js";
import { showAnswer, signedInView } from "./views.js";

/** That a session is in a cookie, so that a reload looks for it. It is no secret. */
const RESUMABLE = "nova-cookie-session";

const place = (id) => document.getElementById(id);
const client = new Session(currentLanguage());
/** What this `nova local` offers. */
let config = { apis: [], registration: "closed", mail: false, secondFactors: false, passkeyDomain: "", passwordProfile: "crm", demo: null, uploads: "" };
/** Of the page of somebody who is not signed in: which form it shows, and what is filled in already. */
const entrance = { face: "signIn", mode: "body", address: "", recovery: false, methods: [] };
/** What is done once more after a step-up. */
let afterStepUp = null;
/** The kinds of factor that the user has: one of them is asked for, or else the password. */
let kinds = new Set();
/** The passkeys that the browser offers beside the address. */
const offer = new passkeys.Offer();
/** The token of the link that the page was opened by, until it is used. */
let link = null;

/** How long an access token lives, in seconds. */
let life = 1;

client.addEventListener("exchange", ({ detail }) => {
  record(detail);
  showAll();
});
client.addEventListener("ended", () => place("me") && render(text("notice.ended"), "bad"));
client.addEventListener("changed", () => render(text("notice.signedIn")));

function showAll() {
  showExchanges(place("exchanges"));
  showLast(place("exchange-last"));
}

/** Does something with the service; what goes wrong is told, and a session that is over leads to the login. */
async function attempt(target, work) {
  const before = client.signedIn;
  takeBack();
  try {
    await busy(target, work);
  } catch (error) {
    if (error instanceof passkeys.Declined) say(text("notice.passkeyDeclined"), "bad");
    else if (error instanceof Unreachable) say(text("notice.unreachable"), "bad");
    else throw error;
  }
  if (before && !client.signedIn && place("me")) render(text("notice.ended"), "bad");
}

/** Whether passkeys can be used `here`, or `elsewhere`: on this page, opened by another name. */
function passkeysAre() {
  if (config.passkeyDomain === "") return null;
  return passkeys.canUse(config.passkeyDomain) ? "here" : "elsewhere";
}

function view() {
  const { user, mode } = client;
  const profile = config.passwordProfile;
  const { address } = entrance;
  const mailed = mailedView(entrance.face, { address, profile, on });
  if (mailed && (link || !client.signedIn)) return mailed;
  if (client.signedIn) {
    const { sessionId } = user;
    const { enrolling } = client;
    const has = { hasMail: config.mail, hasFactors: config.secondFactors, passkeys: passkeysAre() };
    return signedInView({ user, mode, sessionId, apis: config.apis, uploads: config.uploads, profile, enrolling, ...has, on });
  }
  if (entrance.face === "second") return secondStepView({ recovery: entrance.recovery, methods: entrance.methods, on });
  if (entrance.face === "register") return registerView({ address, profile, on });
  const isOpen = config.registration === "open";
  return signInView({ mode: entrance.mode, address, demo: config.demo, isOpen, hasMail: config.mail, passkeys: passkeysAre(), on });
}

function render(message = "", kind = "good") {
  place("view").replaceChildren(view());
  document.title = `${text(client.signedIn && !link ? "me.title" : `${entrance.face}.title`)} · Nova Auth`;
  say(message, kind);
  showLife();
  offer.end();
  if (place("passkey")) offerPasskeys();
  if (place("me")) return reload();
}

/** Lets the browser offer passkeys in the field of the address. */
async function offerPasskeys() {
  const options = async () => (await client.passkeyOptions({ quietly: true })).data;
  try {
    await offer.begin(options, (answer) => attempt(place("passkey"), () => useLogin(answer)));
  } catch (error) {
    // Nobody asked for it.
    if (!(error instanceof Unreachable)) throw error;
  }
}

/** Begins a session by what a passkey answered. */
async function useLogin(passkey) {
  const mode = place("sign-in")?.elements.mode.value ?? entrance.mode;
  const answer = await client.loginByPasskey(passkey, mode);
  if (!answer.ok) return say(answer.message, "bad");
  begun(mode);
}

/** Moves the focus to the heading of what is new, as a page load would. */
function enter() {
  place("view").querySelector("h1")?.focus();
}

/** What the service knows of the account, read anew; quietly where it only follows something else. */
async function reload({ quietly } = { quietly: true }) {
  const [log, sessions] = await Promise.all([
    client.call("GET", "/_local/security-log", { quietly: true }),
    client.call("GET", "/api/auth/sessions", { quietly }),
  ]);
  if (place("factors")) await showFactors({ quietly });
  if (sessions.ok) place("session-list")?.replaceChildren(...sessionItems(sessions.data.sessions, on.endSession));
  if (log.ok) place("log-rows")?.replaceChildren(...logRows(log.data.events));
}

function leave(message) {
  localStorage.removeItem(RESUMABLE);
  render(message);
  enter();
}

async function showFactors({ quietly } = { quietly: true }) {
  const answer = await client.call("GET", "/api/auth/factors", { quietly });
  if (!answer.ok || !place("factors")) return;
  const { factors, recoveryCodesLeft } = answer.data;
  kinds = new Set(factors.map(({ kind }) => kind));
  place("factor-list").replaceChildren(...factorItems(factors, on.removeFactor));
  place("codes-left").textContent = kinds.size > 0 ? `${text("factors.codesLeft")} ${recoveryCodesLeft}` : "";
  place("new-codes").hidden = kinds.size === 0;
}

/** Does something with factors; where the user has to show first who they are, that is asked, and it is done again. */
async function withFactors(target, method, path, body, done) {
  await attempt(target, async () => {
    const answer = await client.call(method, path, body ? { body } : {});
    if (!client.signedIn) return;
    if (answer.code === "STEP_UP_REQUIRED") {
      afterStepUp = () => withFactors(place("add-app"), method, path, body, done);
      place("factor-work").replaceChildren(stepUpForm({ kinds, on }));
      return say(answer.message, "bad");
    }
    if (target.form) showFaults(target.form, answer.errors);
    if (!answer.ok) return say(answer.message, "bad");
    await done(answer);
  });
}

/** There is one more factor; it may be the first. */
async function added(data) {
  const wasEnrolling = client.enrolling;
  client.enrolling = false;
  if (wasEnrolling) await render();
  else await reload();
  showCodes(data.recoveryCodes);
  say(text("notice.factorAdded"));
}

/** The codes of an answer, or nothing. */
function showCodes(codes) {
  place("factor-work")?.replaceChildren(...(codes ? [recoveryCodes(codes)] : []));
}

/** Does what the user was asked to show themselves for. */
async function steppedUp(answer) {
  if (!client.signedIn) return;
  if (!answer.ok) return say(answer.message, "bad");
  showCodes();
  await afterStepUp?.();
}

/** From one form to the other; the address that was typed goes along. */
function turnTo(face, message) {
  entrance.address = place("email")?.value ?? entrance.address;
  entrance.face = face;
  link = null;
  render(message);
  enter();
}

/** Does what a mail is for, and leads to the login. */
async function useMail(form, path, body) {
  await attempt(form.querySelector("[type=submit]"), async () => {
    const answer = await client.call("POST", path, { body });
    showFaults(form, answer.errors);
    if (!answer.ok) return say(answer.message, "bad");
    turnTo("signIn", answer.message ?? text("notice.confirmed"));
  });
}

async function signIn(button, form, email, password, mode) {
  entrance.mode = mode;
  entrance.address = email;
  await attempt(button, async () => {
    const answer = await client.login(email, password, mode);
    showFaults(form, answer.errors);
    if (!answer.ok) return say(answer.message, "bad");
    if (answer.data.challenge) {
      entrance.recovery = false;
      entrance.methods = answer.data.challenge.methods;
      return turnTo("second");
    }
    begun(mode);
  });
}

/** What became of a second step. A login that is over begins anew. */
function completed(answer) {
  if (answer.ok) return begun(entrance.mode);
  if (answer.code === "MFA_TOKEN_INVALID") turnTo("signIn");
  say(answer.message, "bad");
}

/** A session has begun. */
function begun(mode) {
  entrance.face = "signIn";
  if (mode === "cookie") localStorage.setItem(RESUMABLE, "yes");
  // A leaked password lets its user in; it stays said until it is dismissed.
  if (client.leaked) render(text("notice.leaked"), "bad");
  else render(text("notice.signedIn"));
  enter();
}

const on = {
  async signIn(event) {
    event.preventDefault();
    const form = event.target;
    const { email, password, mode } = form.elements;
    await signIn(form.querySelector("[type=submit]"), form, email.value, password.value, mode.value);
  },

  async signInAsDemo({ currentTarget }) {
    const form = place("sign-in");
    await signIn(currentTarget, form, config.demo.email, config.demo.password, form.elements.mode.value);
  },

  async secondStep(event) {
    event.preventDefault();
    const form = event.target;
    const name = entrance.recovery ? "recoveryCode" : "code";
    await attempt(form.querySelector("[type=submit]"), async () => {
      const answer = await client.completeLogin({ [name]: form.elements[name].value });
      showFaults(form, answer.errors);
      completed(answer);
    });
  },

  secondStepByPasskey({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const asked = await client.secondStepOptions();
      if (!asked.ok) return completed(asked);
      completed(await client.completeLogin({ passkey: await passkeys.show(asked.data) }));
    });
  },

  signInByPasskey({ currentTarget }) {
    offer.end();
    return attempt(currentTarget, async () => {
      const asked = await client.passkeyOptions();
      if (!asked.ok) return say(asked.message, "bad");
      await useLogin(await passkeys.show(asked.data));
    });
  },

  toRecovery() {
    entrance.recovery = !entrance.recovery;
    render();
    enter();
  },

  addApp({ currentTarget }) {
    return withFactors(currentTarget, "POST", "/api/auth/factors/totp", {}, async ({ data: { id, secret, otpauthUri } }) => {
      const qr = await (await fetch("/_local/qr", { method: "POST", body: otpauthUri })).json();
      place("factor-work").replaceChildren(enrolment({ id, secret, qr, on }));
      place("code").focus();
    });
  },

  async confirmApp(event) {
    event.preventDefault();
    const form = event.target;
    const path = `/api/auth/factors/totp/${form.dataset.factor}/confirm`;
    await withFactors(form.querySelector("[type=submit]"), "POST", path, { code: form.elements.code.value }, async ({ data }) => {
      await added(data);
    });
  },

  addPasskey({ currentTarget }) {
    return withFactors(currentTarget, "POST", "/api/auth/factors/passkeys/options", null, async ({ data }) => {
      const passkey = await passkeys.make(data);
      const answer = await client.call("POST", "/api/auth/factors/passkeys", { body: { passkey } });
      if (!client.signedIn) return;
      if (!answer.ok) return say(answer.message, "bad");
      await added(answer.data);
    });
  },

  newCodes({ currentTarget }) {
    return withFactors(currentTarget, "POST", "/api/auth/factors/recovery", null, async ({ data }) => {
      showCodes(data.recoveryCodes);
      await reload();
    });
  },

  removeFactor({ currentTarget }) {
    const path = `/api/auth/factors/${currentTarget.dataset.factor}`;
    return withFactors(currentTarget, "DELETE", path, null, async ({ message }) => {
      showCodes();
      await reload();
      say(message);
    });
  },

  async stepUp(event) {
    event.preventDefault();
    const form = event.target;
    const name = form.elements.password ? "password" : "code";
    await attempt(form.querySelector("[type=submit]"), async () => {
      const answer = await client.stepUp({ [name]: form.elements[name].value });
      showFaults(form, answer.errors);
      await steppedUp(answer);
    });
  },

  stepUpByPasskey({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const asked = await client.call("POST", "/api/auth/step-up/options");
      if (!client.signedIn) return;
      if (!asked.ok) return say(asked.message, "bad");
      await steppedUp(await client.stepUp({ passkey: await passkeys.show(asked.data) }));
    });
  },

  toRegister() {
    turnTo("register");
  },

  toSignIn() {
    turnTo("signIn");
  },

  toForgot() {
    turnTo("forgot");
  },

  async forgot(event) {
    event.preventDefault();
    const form = event.target;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const answer = await client.call("POST", "/api/auth/recovery", { body: { email: form.elements.email.value } });
      showFaults(form, answer.errors);
      if (!answer.ok) return say(answer.message, "bad");
      turnTo("code", answer.message);
    });
  },

  async reset(event) {
    event.preventDefault();
    const form = event.target;
    const { email, code, newPassword } = form.elements;
    const proof = link ? { token: link } : { email: email.value, code: code.value };
    await useMail(form, "/api/auth/recovery/confirm", { ...proof, newPassword: newPassword.value });
  },

  async accept(event) {
    event.preventDefault();
    const form = event.target;
    await useMail(form, "/api/auth/invitation/accept", { token: link, password: form.elements.password.value });
  },

  async confirmLink(event) {
    event.preventDefault();
    await useMail(event.target, CONFIRMS[entrance.face], { token: link });
  },

  async changeEmail(event) {
    event.preventDefault();
    const form = event.target;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const { newEmail, emailPassword } = form.elements;
      const body = { newEmail: newEmail.value, currentPassword: emailPassword.value };
      const answer = await client.call("POST", "/api/auth/email", { body });
      const faults = answer.errors?.map((fault) => (fault.field === "currentPassword" ? { ...fault, field: "emailPassword" } : fault));
      showFaults(form, faults);
      if (!client.signedIn) return;
      say(answer.message, answer.ok ? "good" : "bad");
      if (answer.ok) form.reset();
    });
  },

  confirmEmail({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.call("POST", "/api/auth/verify/resend");
      if (client.signedIn) say(answer.message, answer.ok ? "good" : "bad");
    });
  },

  async register(event) {
    event.preventDefault();
    const form = event.target;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const { name, email, password } = form.elements;
      const body = { name: name.value, email: email.value, password: password.value };
      const answer = await client.call("POST", "/api/auth/register", { body });
      const taken = answer.code === "EMAIL_TAKEN" ? [{ field: "email", message: answer.message }] : [];
      showFaults(form, answer.errors ?? taken);
      if (!answer.ok) return say(answer.message, "bad");
      // 202: the user is made by the link in a mail.
      turnTo("signIn", answer.status === 202 ? answer.message : text("notice.registered"));
      place("password").focus();
    });
  },

  refresh({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.refresh();
      if (answer.ok) say(text(client.mode === "cookie" ? "notice.refreshedCookie" : "notice.refreshed"));
      else if (client.signedIn) say(answer.message, "bad");
      if (answer.ok) await reload();
    });
  },

  signOut({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.logout();
      if (client.signedIn) say(answer.message, "bad");
      else leave(answer.message);
    });
  },

  signOutEverywhere() {
    place("everywhere").showModal();
    place("everywhere-no").focus();
  },

  cancelEverywhere() {
    place("everywhere").close();
  },

  confirmEverywhere({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.logout({ everywhere: true });
      place("everywhere").close();
      if (answer.ok) leave(answer.message);
      else if (client.signedIn) say(answer.message, "bad");
    });
  },

  callApi({ currentTarget }) {
    const { api, path } = currentTarget.dataset;
    return attempt(currentTarget, async () => {
      const answer = await client.call("GET", `/_local/apis/${api}${path}`);
      const answers = place(`answer-${api}`);
      if (!answers) return;
      showAnswer(answers, `GET ${path}`, answer);
      answers.scrollIntoView({ block: "nearest" });
    });
  },

  async upload(event) {
    event.preventDefault();
    const form = event.target;
    const [file] = form.elements.file.files;
    const base = `/_local/apis/${config.uploads}/uploads`;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const steps = place("upload-steps");
      steps.replaceChildren();
      if (!file) return showFaults(form, [{ field: "file", message: text("uploads.noFile") }]);
      const granted = await client.call("POST", base, { body: await uploads.declare(form.elements.purpose.value, file) });
      showFaults(form, granted.errors);
      if (!granted.ok) return uploads.showStep(steps, granted.code, granted.message, "bad");
      uploads.showStep(steps, "granted", text("uploads.granted"));
      if (!(await uploads.send(granted.data, file))) return uploads.showStep(steps, "403", text("uploads.notSent"), "bad");
      uploads.showStep(steps, "received", text("uploads.received"));
      const upload = await uploads.judged(() => client.call("GET", `${base}/${granted.data.uploadId}`, { quietly: true }));
      if (upload?.state === "clean") return uploads.showStep(steps, "clean", text("uploads.clean"), "good");
      if (upload?.state !== "refused") return uploads.showStep(steps, upload?.state ?? "?", text("uploads.waiting"), "bad");
      uploads.showStep(steps, "refused", text("uploads.refused"), "bad");
      for (const { code, message } of upload.reasons) uploads.showStep(steps, code, message, "bad");
    });
  },

  reload({ currentTarget }) {
    return attempt(currentTarget, () => reload({ quietly: false }));
  },

  endSession({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.call("DELETE", `/api/auth/sessions/${currentTarget.dataset.session}`);
      if (client.signedIn) say(answer.message, answer.ok ? "good" : "bad");
      if (client.signedIn) await reload();
    });
  },

  async changePassword(event) {
    event.preventDefault();
    const form = event.target;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const body = { currentPassword: form.elements.currentPassword.value, newPassword: form.elements.newPassword.value };
      const answer = await client.call("POST", "/api/auth/password", { body });
      showFaults(form, answer.errors);
      if (!client.signedIn) return;
      say(answer.message, answer.ok ? "good" : "bad");
      if (answer.ok) {
        form.reset();
        form.elements.newPassword.dispatchEvent(new Event("input"));
      }
      await reload();
    });
  },
};

/** The rest of the access token's life. */
function showLife() {
  const bar = place("life");
  if (!bar) return;
  const left = client.secondsLeft;
  life = Math.max(life, left);
  place("life-text").textContent = text(left > 0 ? "me.expires" : "me.expired");
  place("life-left").textContent = left > 0 ? countdown(left) : "";
  bar.value = left / life;
}

function speak(language) {
  chooseLanguage(language);
  client.language = language;
  translate(document);
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.setAttribute("aria-pressed", String(choice.dataset.language === language));
  }
  showAll();
}

function listen() {
  listenForDismissal();
  listenForSheet(place("exchange"), place("exchange-toggle"));
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.addEventListener("click", () => {
      if (place("email")) entrance.address = place("email").value;
      speak(choice.dataset.language);
      return render();
    });
  }
  setInterval(showLife, 1000);
}

async function start() {
  speak(currentLanguage());
  listen();
  const opened = takeLink();
  if (opened) [entrance.face, link] = [opened.face, opened.token];
  try {
    config = { ...config, ...(await (await fetch("/_local/config.json")).json()) };
    // After a clear no it is gone; a service that did not answer is asked again at the next load.
    if (localStorage.getItem(RESUMABLE)) {
      const { code, status } = await client.resume();
      if (status === 401 || code === "REFRESH_TOKEN_REQUIRED") localStorage.removeItem(RESUMABLE);
    }
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
  }
  await render();
}

await start();
