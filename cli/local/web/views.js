// The two faces of the page. They build elements and report what a person wants; what that means is app.js's business.

import { el, field } from "./elements.js";
import { eventText, moment, text } from "./text.js";

const card = (id, lead, ...children) =>
  el(
    "section",
    { class: "card", id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, text(`${id}.title`)),
    lead ? el("p", { class: "hint" }, text(lead)) : null,
    ...children,
  );

const button = (id, key, attributes = {}) => el("button", { type: "button", id, ...attributes }, text(key));

export function signInView({ mode, onsubmit }) {
  const option = (value, checked) =>
    el(
      "label",
      { class: "option", for: `mode-${value}` },
      el("input", { type: "radio", name: "mode", id: `mode-${value}`, value, checked, "aria-describedby": `mode-${value}-hint` }),
      el("span", {}, text(`signIn.${value}`)),
      el("span", { class: "hint", id: `mode-${value}-hint` }, text(`signIn.${value}Hint`)),
    );
  return el(
    "section",
    { class: "card narrow", "aria-labelledby": "signIn-title" },
    el("h1", { id: "signIn-title", tabindex: "-1" }, text("signIn.title")),
    el("p", { class: "hint" }, text("signIn.lead")),
    el(
      "form",
      { id: "sign-in", novalidate: true, onsubmit },
      field({ id: "email", label: text("signIn.email"), type: "email", autocomplete: "username", dir: "ltr" }),
      field({ id: "password", label: text("signIn.password"), type: "password", autocomplete: "current-password", dir: "ltr" }),
      el("fieldset", {}, el("legend", {}, text("signIn.mode")), option("body", mode !== "cookie"), option("cookie", mode === "cookie")),
      el("button", { type: "submit", class: "primary" }, text("signIn.submit")),
    ),
    el(
      "details",
      { class: "help" },
      el("summary", {}, text("signIn.noUser")),
      el("p", {}, text("signIn.demo")),
      el("p", {}, text("signIn.create")),
      el(
        "pre",
        { dir: "ltr", tabindex: "0" },
        "printf '%s' 'Str0ng-enough!' | nova user create --local \\\n  --email sara@example.com --name Sara --permission notes:read",
      ),
    ),
  );
}

function meCard({ user, sessionId, mode, on }) {
  const row = (key, value, plain = true) => [el("dt", {}, text(key)), el("dd", {}, plain ? el("bdi", {}, value) : value)];
  return el(
    "section",
    { class: "card", id: "me", "aria-labelledby": "me-title" },
    el("h1", { id: "me-title", tabindex: "-1" }, text("me.title"), user.name ? el("span", { class: "name" }, el("bdi", {}, user.name)) : null),
    el(
      "dl",
      { class: "facts" },
      row("me.email", user.email),
      row("me.role", user.role),
      row("me.mode", el("span", { class: "chip", id: "mode" }, text(`me.mode.${mode}`)), false),
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
    el("div", { class: "api" }, el("h3", {}, el("bdi", { dir: "ltr" }, name)), el("div", { class: "actions" }, routes.map(route(name)))),
  );
  return card("apis", "apis.lead", groups, el("div", { id: "api-answer", role: "status", "aria-live": "polite" }));
}

/** What an API answered: its verdict, and its words. */
export function apiAnswer({ ok, status, data, message }) {
  return [
    el("p", {}, el("span", { class: `chip ${ok ? "good" : "bad"}` }, `${text(ok ? "apis.allowed" : "apis.denied")} · ${status}`), " ", message ?? ""),
    data ? el("pre", { dir: "ltr", tabindex: "0", "aria-label": text("exchange.response") }, JSON.stringify(data, null, 2)) : null,
  ].filter(Boolean);
}

/** Firefox on Linux: enough to know one's own devices again. */
function device(userAgent) {
  const first = (pairs) => pairs.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = first([
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/(Headless)?Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
    [/^curl/, "curl"],
  ]);
  const system = first([
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ]);
  if (browser && system) return `${browser} ${text("device.on")} ${system}`;
  return browser ?? (userAgent ? userAgent.slice(0, 40) : text("device.unknown"));
}

const time = (iso) => el("time", { datetime: iso }, moment(iso));

/** The sessions, each with a way to end it. */
export function sessionItems(sessions, onend) {
  return sessions.map(({ id, current, device: { userAgent, ip }, createdAt, lastSeenAt, expiresAt }) => {
    const name = device(userAgent);
    const fact = (key, value) => el("span", {}, `${text(key)} `, time(value));
    return el(
      "li",
      { class: "session", "data-session": id },
      el(
        "div",
        {},
        el("p", { class: "device" }, el("span", { title: userAgent }, name), current ? el("span", { class: "chip good" }, text("sessions.current")) : null),
        el("p", { class: "hint" }, `${text("sessions.from")} `, el("bdi", { dir: "ltr" }, ip)),
        el("p", { class: "hint times" }, fact("sessions.created", createdAt), fact("sessions.seen", lastSeenAt), fact("sessions.expires", expiresAt)),
      ),
      el("button", { type: "button", "data-session": id, "aria-label": `${text("sessions.endLabel")}${name}`, onclick: onend }, text("sessions.end")),
    );
  });
}

/** The entries of the security log. */
export function logRows(events) {
  return events.map(({ event, at, ip, userAgent }) =>
    el(
      "tr",
      {},
      el("td", {}, el("span", { class: `dot ${/success|created|change/.test(event) ? "good" : "bad"}`, "aria-hidden": "true" }), eventText(event)),
      el("td", {}, time(at)),
      el("td", { title: userAgent }, device(userAgent)),
      el("td", {}, el("bdi", { dir: "ltr" }, ip)),
    ),
  );
}

export function signedInView(state) {
  const { on } = state;
  const head = (key) => el("th", { scope: "col" }, text(key));
  return el(
    "div",
    { class: "cards" },
    meCard(state),
    apisCard(state),
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
        field({ id: "newPassword", label: text("password.new"), hint: text("password.hint"), type: "password", autocomplete: "new-password", dir: "ltr" }),
        el("button", { type: "submit", class: "primary" }, text("password.submit")),
      ),
    ),
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
