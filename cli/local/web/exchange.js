// The teaching part: what went over the wire, with every secret shortened beyond use.

import { el } from "./elements.js";
import { text } from "./text.js";

/** How many exchanges stay on the page. */
const KEPT = 6;
/** Headers of an answer that say something to a reader. */
const TOLD = ["content-language", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"];

const exchanges = [];

/** A token's beginning tells its kind, its end tells it from the next one. */
const shortened = (token) => `${token.slice(0, 3)}…${token.slice(-6)}`;

function redacted(value, name = "") {
  if (typeof value === "string") {
    if (/password|secret|recoveryCode|otpauth/i.test(name)) return "••••••••";
    // A code of digits opens something; the code of an answer is a word.
    if (name === "code" && /\p{Nd}/u.test(value)) return "••••••";
    if (/token/i.test(name) && name !== "tokenDelivery") return shortened(value);
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => redacted(item, name));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redacted(item, key)]));
  }
  return value;
}

function redactedHeader(name, value) {
  if (name === "Authorization") return `Bearer ${shortened(value.slice("Bearer ".length))}`;
  if (name === "X-CSRF-Token") return shortened(value);
  return value;
}

/** Takes an exchange in; nothing of it is kept but what may be shown. */
export function record({ request, response, cookie }) {
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${redactedHeader(name, value)}`);
  const sent = cookie && /^\/api\/(auth\/(login|login\/factor|passkey|refresh|logout)|csrf-token)$/.test(request.path);
  const answered = TOLD.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`);
  exchanges.unshift({
    line: `${request.method} ${request.path.replace(/^\/_local\/apis\/(\w+)/, "$1 ")}`,
    headers,
    body: request.body && redacted(request.body),
    status: response.status,
    answered,
    answer: redacted(response.body),
    cookie: sent,
  });
  exchanges.length = Math.min(exchanges.length, KEPT);
}

function block(title, headers, body, note) {
  const parts = [headers.join("\n"), body && JSON.stringify(body, null, 2)];
  return [
    el("h4", {}, title),
    // A tall block scrolls, and so the keyboard has to reach it.
    el("pre", { dir: "ltr", tabindex: "0", "aria-label": title }, parts.filter(Boolean).join("\n\n")),
    note ? el("p", { class: "hint" }, note) : null,
  ];
}

const lineOf = ({ line, status }) => [
  el("bdi", { class: "line", dir: "ltr" }, line),
  el("span", { class: `chip ${status < 300 ? "good" : "bad"}` }, String(status)),
];

function shown(exchange, open) {
  const { headers, body, answered, answer, cookie } = exchange;
  return el(
    "details",
    { open },
    el("summary", {}, lineOf(exchange)),
    block(text("exchange.request"), headers, body, cookie && text("exchange.cookie")),
    block(text("exchange.response"), answered, answer),
  );
}

/** Shows them, the last one open. */
export function showExchanges(place) {
  place.replaceChildren(
    ...(exchanges.length > 0
      ? exchanges.map((exchange, index) => shown(exchange, index === 0))
      : [el("p", { class: "empty" }, text("exchange.none"))]),
  );
}

/** Shows the last one in a line, for where there is no room for all of it. */
export function showLast(place) {
  const [last] = exchanges;
  place.replaceChildren(...(last ? lineOf(last) : [text("exchange.none")]));
}

/** On a narrow page they are in a sheet at the bottom, which opens and closes. */
export function listenForSheet(sheet, toggle) {
  const turn = (isOpen) => {
    sheet.classList.toggle("open", isOpen);
    toggle.setAttribute("aria-expanded", String(isOpen));
  };
  toggle.addEventListener("click", () => turn(!sheet.classList.contains("open")));
  sheet.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !sheet.classList.contains("open")) return;
    turn(false);
    toggle.focus();
  });
}
