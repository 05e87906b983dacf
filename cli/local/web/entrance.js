// The page of somebody who is not signed in: the login and, where strangers may register, the registration.

import { el, field } from "./elements.js";
import { newPasswordField } from "./password.js";
import { text } from "./text.js";

/** In lines that fit a phone. */
const COMMAND = `printf '%s' 'Str0ng-enough!' |
  nova user create --local \\
    --email sara@example.com \\
    --name Sara \\
    --permission notes:read`;

const email = (value, autocomplete = "username") =>
  field({ id: "email", label: text("signIn.email"), type: "email", autocomplete, dir: "ltr", value });

function demoBox({ demo, on }) {
  return el(
    "div",
    { class: "demo" },
    el(
      "button",
      { type: "button", id: "demo", class: "tonal", onclick: on.signInAsDemo },
      `${text("signIn.demo")} `,
      el("bdi", { dir: "ltr" }, demo.email),
    ),
    el("p", { class: "hint" }, `${text("signIn.demoHint")} `, el("code", { dir: "ltr" }, demo.password)),
  );
}

function modes(chosen) {
  const option = (value) =>
    el(
      "label",
      { class: "option", for: `mode-${value}` },
      el("input", { type: "radio", name: "mode", id: `mode-${value}`, value, checked: value === chosen, "aria-describedby": `mode-${value}-hint` }),
      el("span", {}, text(`mode.${value}`)),
      el("span", { class: "hint", id: `mode-${value}-hint` }, text(`mode.${value}Hint`)),
    );
  return el("fieldset", {}, el("legend", {}, text("signIn.mode")), option("body"), option("cookie"));
}

const change = (question, id, key, onclick) =>
  el("p", { class: "change" }, `${text(question)} `, el("button", { type: "button", class: "link", id, onclick }, text(key)));

/** Without a password; where the page was opened by another name, how to. */
function passkeyPart({ passkeys, on }) {
  if (passkeys === "here") {
    return el("button", { type: "button", id: "passkey", class: "tonal", onclick: on.signInByPasskey }, text("signIn.passkey"));
  }
  const there = `http://localhost:${location.port}/`;
  return el("p", { class: "hint" }, `${text("signIn.passkeyElsewhere")} `, el("a", { href: there, dir: "ltr" }, there));
}

export function signInView({ mode, address, demo, isOpen, hasMail, passkeys, on }) {
  return el(
    "section",
    { class: "card narrow", "aria-labelledby": "signIn-title" },
    el("h1", { id: "signIn-title", tabindex: "-1" }, text("signIn.title")),
    el("p", { class: "hint" }, text("signIn.lead")),
    demo ? demoBox({ demo, on }) : null,
    el(
      "form",
      { id: "sign-in", novalidate: true, onsubmit: on.signIn },
      // The browser offers passkeys here, beside the addresses that it knows.
      email(address, passkeys === "here" ? "username webauthn" : "username"),
      field({ id: "password", label: text("signIn.password"), type: "password", autocomplete: "current-password", dir: "ltr" }),
      modes(mode),
      el("button", { type: "submit", class: "primary" }, text("signIn.submit")),
      passkeys ? passkeyPart({ passkeys, on }) : null,
    ),
    hasMail ? change("signIn.forgot", "to-forgot", "forgot.title", on.toForgot) : null,
    isOpen ? change("signIn.noAccount", "to-register", "register.title", on.toRegister) : null,
    el(
      "details",
      { class: "help" },
      el("summary", {}, text("signIn.create")),
      el("p", { class: "hint" }, text("signIn.createHint")),
      el("pre", { dir: "ltr", tabindex: "0", "aria-label": text("signIn.create") }, COMMAND),
    ),
  );
}

export function registerView({ address, profile, on }) {
  return el(
    "section",
    { class: "card narrow", "aria-labelledby": "register-title" },
    el("h1", { id: "register-title", tabindex: "-1" }, text("register.title")),
    el("p", { class: "hint" }, text("register.lead")),
    el(
      "form",
      { id: "register", novalidate: true, onsubmit: on.register },
      field({ id: "name", label: text("register.name"), type: "text", autocomplete: "name", dir: "auto" }),
      email(address),
      newPasswordField({ id: "password", label: text("signIn.password"), profile }),
      el("button", { type: "submit", class: "primary" }, text("register.submit")),
    ),
    change("register.haveAccount", "to-sign-in", "signIn.title", on.toSignIn),
  );
}
