// What the service keeps of an account, as rows to read.

import { el } from "./elements.js";
import { eventText, moment, text } from "./text.js";

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

/** Good news, bad news, or neither. */
function tone(event) {
  if (/success|created|change|mfa_added|step_up/.test(event)) return "good";
  return /revoked|updated|mfa_removed|mfa_recovery/.test(event) ? "plain" : "bad";
}

/** The entries of the security log. */
export function logRows(events) {
  return events.map(({ event, at, ip, userAgent }) =>
    el(
      "tr",
      {},
      el("td", {}, el("span", { class: `dot ${tone(event)}`, "aria-hidden": "true" }), eventText(event)),
      el("td", {}, time(at)),
      el("td", { title: userAgent }, device(userAgent)),
      el("td", {}, el("bdi", { dir: "ltr" }, ip)),
    ),
  );
}
