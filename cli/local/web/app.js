// What happens when somebody does something.

import { Client, Unreachable } from "./client.js";
import { busy, showFaults } from "./elements.js";
import { record, showExchanges } from "./exchange.js";
import { chooseLanguage, countdown, currentLanguage, text, translate } from "./text.js";
import { apiAnswer, logRows, sessionItems, signInView, signedInView } from "./views.js";

/** That a session is in a cookie, so that a reload looks for it. It is no secret. */
const RESUMABLE = "nova-cookie-session";

const place = (id) => document.getElementById(id);
const client = new Client(currentLanguage());
let apis = [];
let lastMode = "body";

client.addEventListener("exchange", ({ detail }) => {
  record(detail);
  showExchanges(place("exchanges"));
});

function say(message, kind = "good") {
  const notice = place("notice");
  notice.className = `notice ${kind}`;
  notice.textContent = message;
}

/** Does something with the service; what goes wrong is told, and a session that is over leads to the login. */
async function attempt(target, work) {
  const before = client.signedIn;
  try {
    await busy(target, work);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    say(text("notice.unreachable"), "bad");
  }
  if (before && !client.signedIn && place("me")) render(text("notice.ended"), "bad");
}

function render(message = "", kind = "good") {
  const { user, mode } = client;
  const view = client.signedIn
    ? signedInView({ user, mode, sessionId: client.claims().sessionId, apis, on })
    : signInView({ mode: lastMode, onsubmit: on.signIn });
  place("view").replaceChildren(view);
  document.title = `${text(client.signedIn ? "me.title" : "signIn.title")} · Nova Auth`;
  say(message, kind);
  showLife();
  if (client.signedIn) return reload();
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
  if (sessions.ok) place("session-list")?.replaceChildren(...sessionItems(sessions.data.sessions, on.endSession));
  if (log.ok) place("log-rows")?.replaceChildren(...logRows(log.data.events));
}

function leave(message) {
  localStorage.removeItem(RESUMABLE);
  render(message);
  enter();
}

const on = {
  async signIn(event) {
    event.preventDefault();
    const form = event.target;
    const mode = form.elements.mode.value;
    lastMode = mode;
    await attempt(form.querySelector("[type=submit]"), async () => {
      const answer = await client.login(form.elements.email.value, form.elements.password.value, mode);
      showFaults(form, answer.errors);
      if (!answer.ok) return say(answer.message, "bad");
      if (mode === "cookie") localStorage.setItem(RESUMABLE, "yes");
      render(text("notice.signedIn"));
      enter();
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
  },

  cancelEverywhere() {
    place("everywhere").close();
  },

  confirmEverywhere({ currentTarget }) {
    return attempt(currentTarget, async () => {
      const answer = await client.logoutEverywhere();
      place("everywhere").close();
      if (answer.ok) leave(answer.message);
      else if (client.signedIn) say(answer.message, "bad");
    });
  },

  callApi({ currentTarget }) {
    const { api, path } = currentTarget.dataset;
    return attempt(currentTarget, async () => {
      const answer = await client.call("GET", `/_local/apis/${api}${path}`);
      place("api-answer")?.replaceChildren(...apiAnswer(answer));
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
      if (answer.ok) form.reset();
      await reload();
    });
  },
};

/** The rest of the access token's life. */
function showLife() {
  const bar = place("life");
  if (!bar) return;
  const left = client.expiresAt - Date.now();
  place("life-text").textContent = text(left > 0 ? "me.expires" : "me.expired");
  place("life-left").textContent = left > 0 ? countdown(left) : "";
  bar.value = left > 0 ? left / client.lifetime : 0;
}

function speak(language) {
  chooseLanguage(language);
  client.language = language;
  translate(document);
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.setAttribute("aria-pressed", String(choice.dataset.language === language));
  }
  showExchanges(place("exchanges"));
}

async function start() {
  speak(currentLanguage());
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.addEventListener("click", () => {
      speak(choice.dataset.language);
      return render();
    });
  }
  setInterval(showLife, 1000);
  try {
    apis = (await (await fetch("/_local/config.json")).json()).apis;
    // No mode is left after a clear no; a service that did not answer is asked again at the next load.
    if (localStorage.getItem(RESUMABLE) && !(await client.resume()) && !client.mode) localStorage.removeItem(RESUMABLE);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
  }
  await render();
}

await start();
