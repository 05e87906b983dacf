// The page of somebody who is signed in. It builds elements and reports what a person wants; what that means is app.js's
// business.

import { el, field } from "./elements.js";
import { factorsCard } from "./factors.js";
import { newPasswordField } from "./password.js";
import { text } from "./text.js";
import { uploadForm } from "./uploads.js";

const card = (id, lead, ...children) =>
  el(
    "section",
    { class: "card", id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, text(`${id}.title`)),
    lead ? el("p", { class: "hint" }, text(lead)) : null,
    ...children,
  );

const button = (id, key, attributes = {}) => el("button", { type: "button", id, ...attributes }, text(key));

function meCard({ user, sessionId, mode, on }) {
  const row = (key, value, plain = true) => [el("dt", {}, text(key)), el("dd", {}, plain ? el("bdi", {}, value) : value)];
  return el(
    "section",
    { class: "card", id: "me", "aria-labelledby": "me-title" },
    el("h1", { id: "me-title", tabindex: "-1" }, `${text("me.title")} `, el("bdi", {}, user.name ?? user.email)),
    el(
      "dl",
      { class: "facts" },
      row("me.email", user.email),
      row("me.role", user.role),
      row("me.mode", el("span", { class: "chip", id: "mode" }, text(`mode.${mode}`)), false),
      row("me.session", el("code", { dir: "ltr" }, sessionId), false),
    ),
    el(
      "div",
      { class: "life" },
      el("p", {}, el("span", { id: "life-text" }), " ", el("b", { id: "life-left", dir: "ltr" })),
      el("progress", { id: "life", max: "1", value: "1", "aria-labelledby": "life-text" }),
    ),
    el(
      "div",
      { class: "actions" },
      button("refresh", "me.refresh", { class: "primary", onclick: on.refresh }),
      button("sign-out", "me.signOut", { onclick: on.signOut }),
      button("sign-out-everywhere", "me.everywhere", { class: "danger", onclick: on.signOutEverywhere }),
    ),
  );
}

function apisCard({ apis, on }) {
  if (apis.length === 0) return card("apis", "apis.lead", el("p", { class: "empty" }, text("apis.none")));
  const route = (name) => (path) =>
    el(
      "button",
      { type: "button", class: "route", "data-api": name, "data-path": path, onclick: on.callApi },
      el("bdi", { dir: "ltr" }, `GET ${path}`),
    );
  const groups = apis.map(({ name, routes }) =>
    el(
      "div",
      { class: "api" },
      el("h3", {}, el("bdi", { dir: "ltr" }, name)),
      el("div", { class: "actions" }, routes.map(route(name))),
      el("div", { class: "answer", id: `answer-${name}` }, el("p", { role: "status", "aria-live": "polite" }), el("div", {})),
    ),
  );
  return card("apis", "apis.lead", groups);
}

/** Below the buttons of an API: which call was answered how, and with what. The verdict alone is read out. */
export function showAnswer(place, call, { ok, status, data, message }) {
  const [verdict, body] = place.children;
  place.classList.add("filled");
  verdict.replaceChildren(
    el("bdi", { class: "line", dir: "ltr" }, call),
    " ",
    el("span", { class: `chip ${ok ? "good" : "bad"}` }, `${status} · ${text(ok ? "apis.allowed" : "apis.denied")}`),
    " ",
    el("span", { class: "hint" }, message ?? ""),
  );
  body.replaceChildren(
    ...(data ? [el("pre", { dir: "ltr", tabindex: "0", "aria-label": text("exchange.response") }, JSON.stringify(data, null, 2))] : []),
  );
}

function emailCard({ on }) {
  return card(
    "email",
    "email.lead",
    el(
      "form",
      { id: "email-form", novalidate: true, onsubmit: on.changeEmail },
      field({ id: "newEmail", label: text("email.new"), type: "email", autocomplete: "email", dir: "ltr" }),
      field({ id: "emailPassword", label: text("password.current"), type: "password", autocomplete: "current-password", dir: "ltr" }),
      el("button", { type: "submit", class: "primary" }, text("email.submit")),
    ),
    el("div", { class: "actions" }, button("confirm-email", "email.confirm", { onclick: on.confirmEmail })),
  );
}

export function signedInView(state) {
  const { on } = state;
  // Whoever has to enrol a factor first can do nothing else here.
  if (state.enrolling) return el("div", { class: "cards" }, meCard(state), factorsCard(state));
  const head = (key) => el("th", { scope: "col" }, text(key));
  return el(
    "div",
    { class: "cards" },
    meCard(state),
    apisCard(state),
    state.uploads ? card("uploads", "uploads.lead", ...uploadForm(state)) : null,
    card(
      "sessions",
      "sessions.lead",
      el("ul", { id: "session-list" }),
      el("div", { class: "actions" }, button("reload", "sessions.reload", { onclick: on.reload })),
    ),
    card(
      "password",
      "password.lead",
      el(
        "form",
        { id: "password-form", novalidate: true, onsubmit: on.changePassword },
        // For password managers: whose password it is.
        el("input", { type: "text", name: "username", autocomplete: "username", value: state.user.email, hidden: true }),
        field({ id: "currentPassword", label: text("password.current"), type: "password", autocomplete: "current-password", dir: "ltr" }),
        newPasswordField({ id: "newPassword", label: text("password.new"), profile: state.profile }),
        el("button", { type: "submit", class: "primary" }, text("password.submit")),
      ),
    ),
    state.hasFactors ? factorsCard(state) : null,
    state.hasMail ? emailCard(state) : null,
    card(
      "log",
      "log.lead",
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "log-title" },
        el(
          "table",
          {},
          el("thead", {}, el("tr", {}, head("log.event"), head("log.when"), head("log.device"), head("log.address"))),
          el("tbody", { id: "log-rows" }),
        ),
      ),
    ),
    el(
      "dialog",
      { id: "everywhere", "aria-labelledby": "everywhere-title" },
      el("h2", { id: "everywhere-title" }, text("me.everywhere")),
      el("p", {}, text("me.everywhereAsk")),
      el(
        "div",
        { class: "actions" },
        button("everywhere-yes", "me.everywhere", { class: "danger", onclick: on.confirmEverywhere }),
        button("everywhere-no", "me.cancel", { onclick: on.cancelEverywhere }),
      ),
    ),
  );
}
