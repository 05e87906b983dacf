// What the links of mails open, and what asks for such a mail. A link does nothing by being opened: programs that look mail over open links too.

import { el, field } from "./elements.js";
import { newPasswordField } from "./password.js";
import { text } from "./text.js";

/** The kinds of links, by the number that their token names. */
const FACES = { 1: "reset", 2: "verify", 3: "change", 4: "invitation", 5: "revert", 7: "deny" };

/** What the address bar has of a mail's link. It is taken out at once, so that neither history nor a screenshot keeps it. */
export function takeLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  if (!token) return null;
  history.replaceState(null, "", "/");
  const kind = atob(token.slice(0, 4).replaceAll("-", "+").replaceAll("_", "/")).charCodeAt(1);
  return FACES[kind] ? { face: FACES[kind], token } : null;
}

const submit = (key) => el("button", { type: "submit", class: "primary" }, text(key));
const back = (on) => el("p", { class: "change" }, el("button", { type: "button", class: "link", id: "to-sign-in", onclick: on.toSignIn }, text("signIn.title")));
const email = (value) => field({ id: "email", label: text("signIn.email"), type: "email", autocomplete: "username", dir: "ltr", value });

function card(face, on, ...children) {
  return el(
    "section",
    { class: "card narrow", "aria-labelledby": `${face}-title` },
    el("h1", { id: `${face}-title`, tabindex: "-1" }, text(`${face}.title`)),
    el("p", { class: "hint" }, text(`${face}.lead`)),
    ...children,
    back(on),
  );
}

const form = (id, onsubmit, ...children) => el("form", { id, novalidate: true, onsubmit }, ...children);

const VIEWS = {
  forgot: ({ address, on }) => card("forgot", on, form("forgot", on.forgot, email(address), submit("forgot.submit"))),
  code: ({ address, profile, on }) =>
    card(
      "code",
      on,
      form(
        "code-form",
        on.reset,
        email(address),
        field({ id: "code", label: text("code.code"), type: "text", inputmode: "numeric", autocomplete: "one-time-code", dir: "ltr" }),
        newPasswordField({ id: "newPassword", label: text("password.new"), profile }),
        submit("reset.submit"),
      ),
    ),
  reset: ({ profile, on }) =>
    card("reset", on, form("reset-form", on.reset, newPasswordField({ id: "newPassword", label: text("password.new"), profile }), submit("reset.submit"))),
  invitation: ({ profile, on }) =>
    card(
      "invitation",
      on,
      form("invitation-form", on.accept, newPasswordField({ id: "password", label: text("signIn.password"), profile }), submit("invitation.submit")),
    ),
  verify: ({ on }) => card("verify", on, form("verify-form", on.confirmLink, submit("verify.submit"))),
  change: ({ on }) => card("change", on, form("change-form", on.confirmLink, submit("change.submit"))),
  revert: ({ on }) => card("revert", on, form("revert-form", on.confirmLink, submit("revert.submit"))),
  deny: ({ on }) => card("deny", on, form("deny-form", on.confirmLink, submit("deny.submit"))),
};

/** The page of a face, if it is one of these. */
export const mailedView = (face, state) => VIEWS[face]?.(state) ?? null;

/** Where a link that needs nothing but a click is sent. */
export const CONFIRMS = { verify: "/api/auth/verify", change: "/api/auth/email/confirm", revert: "/api/auth/email/revert", deny: "/api/auth/login/deny" };
