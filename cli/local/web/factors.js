// Second factors: the second step of a login, and the card on which they are enrolled and removed.

import { el, field } from "./elements.js";
import { moment, text } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

/** What a phone shows, or what was printed for the day without it. */
const codeField = (recovery) =>
  field({
    id: recovery ? "recoveryCode" : "code",
    label: text(recovery ? "factor.recoveryCode" : "factor.code"),
    type: "text",
    inputmode: recovery ? "text" : "numeric",
    autocomplete: recovery ? "off" : "one-time-code",
    dir: "ltr",
  });

const passkeyButton = (onclick, attributes) =>
  el("button", { type: "button", id: "use-passkey", onclick, ...attributes }, text("factors.usePasskey"));

/** After the right password of somebody who has a second factor. `methods`: what they may show. */
export function secondStepView({ recovery, methods, on }) {
  const hasCode = recovery || methods.includes("totp");
  return el(
    "section",
    { class: "card narrow", "aria-labelledby": "second-title" },
    el("h1", { id: "second-title", tabindex: "-1" }, text("second.title")),
    el("p", { class: "hint" }, text(recovery ? "second.leadRecovery" : hasCode ? "second.lead" : "second.leadPasskey")),
    hasCode
      ? el(
          "form",
          { id: "second-step", novalidate: true, onsubmit: on.secondStep },
          codeField(recovery),
          el("button", { type: "submit", class: "primary" }, text("signIn.submit")),
        )
      : null,
    !recovery && methods.includes("passkey") ? passkeyButton(on.secondStepByPasskey, { class: hasCode ? "tonal" : "primary" }) : null,
    el("p", { class: "change" }, el("button", { type: "button", class: "link", id: "to-recovery", onclick: on.toRecovery }, text(recovery ? (methods.includes("totp") ? "second.useCode" : "second.usePasskey") : "second.useRecovery"))),
    el("p", { class: "change" }, el("button", { type: "button", class: "link", id: "to-sign-in", onclick: on.toSignIn }, text("second.back"))),
  );
}

/** The card of somebody who is signed in. `enrolling`: nothing else is open to them yet. */
export function factorsCard({ enrolling, passkeys, on }) {
  const button = (id, key, onclick, attributes = {}) => el("button", { type: "button", id, onclick, ...attributes }, text(key));
  return el(
    "section",
    { class: "card", id: "factors", "aria-labelledby": "factors-title" },
    el("h2", { id: "factors-title" }, text("factors.title")),
    el("p", { class: "hint" }, text(enrolling ? "factors.leadEnrolling" : "factors.lead")),
    el("ul", { id: "factor-list" }),
    el("p", { class: "hint", id: "codes-left" }),
    el("div", { id: "factor-work" }),
    el(
      "div",
      { class: "actions" },
      button("add-app", "factors.add", on.addApp, { class: "primary" }),
      passkeys === "here" ? button("add-passkey", "factors.addPasskey", on.addPasskey, { class: "primary" }) : null,
      button("new-codes", "factors.newCodes", on.newCodes, { hidden: enrolling }),
    ),
  );
}

/** The factors, each with a way to remove it. */
export function factorItems(factors, onremove) {
  return factors.map(({ id, kind, name, createdAt, lastUsedAt }) => {
    const called = name ?? text(kind === "passkey" ? "factors.passkey" : "factors.app");
    return el(
      "li",
      { class: "session", "data-factor": id },
      el(
        "div",
        {},
        el("p", { class: "device" }, el("bdi", {}, called)),
        el("p", { class: "hint times" }, `${text("factors.added")} ${moment(createdAt)}`, lastUsedAt ? ` · ${text("factors.used")} ${moment(lastUsedAt)}` : ""),
      ),
      el("button", { type: "button", "data-factor": id, "aria-label": `${text("factors.remove")}: ${called}`, onclick: onremove }, text("factors.remove")),
    );
  });
}

function picture({ size, path }) {
  const svg = document.createElementNS(SVG, "svg");
  const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(svg, { id: "qr", class: "qr", viewBox: `-4 -4 ${size + 8} ${size + 8}`, role: "img", "aria-label": text("factors.qr") });
  const ground = document.createElementNS(SVG, "rect");
  set(ground, { x: -4, y: -4, width: size + 8, height: size + 8, fill: "#fff" });
  const dark = document.createElementNS(SVG, "path");
  set(dark, { d: path, fill: "#000" });
  svg.append(ground, dark);
  return svg;
}

/** An app that is to be scanned, and to show its first code. */
export function enrolment({ id, secret, qr, on }) {
  return el(
    "form",
    { id: "confirm-app", novalidate: true, onsubmit: on.confirmApp, "data-factor": id },
    el("p", {}, text("factors.scan")),
    picture(qr),
    el("p", { class: "hint" }, `${text("factors.type")} `, el("code", { dir: "ltr", id: "secret" }, secret)),
    codeField(false),
    el("button", { type: "submit", class: "primary" }, text("factors.confirm")),
  );
}

/** Recovery codes, this once. */
export function recoveryCodes(codes) {
  return el(
    "div",
    { id: "recovery-codes" },
    el("p", {}, text("factors.keep")),
    el("pre", { dir: "ltr", tabindex: "0", "aria-label": text("factors.codes") }, codes.join("\n")),
  );
}

/** Whoever changes something shows once more who they are: by one of their factors, or by the password where they have none. */
export function stepUpForm({ kinds, on }) {
  const submit = () => el("button", { type: "submit", class: "primary" }, text("factors.confirm"));
  const parts = [];
  if (kinds.size === 0) {
    parts.push(field({ id: "password", label: text("signIn.password"), type: "password", autocomplete: "current-password", dir: "ltr" }), submit());
  }
  if (kinds.has("totp")) parts.push(codeField(false), submit());
  if (kinds.has("passkey")) parts.push(passkeyButton(on.stepUpByPasskey, { class: kinds.has("totp") ? "tonal" : "primary" }));
  const lead = kinds.size === 0 ? "factors.stepUpPassword" : kinds.has("totp") ? "factors.stepUp" : "factors.stepUpPasskey";
  return el("form", { id: "step-up", novalidate: true, onsubmit: on.stepUp }, el("p", {}, text(lead)), ...parts);
}
