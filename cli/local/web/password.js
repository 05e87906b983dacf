// The requirements of a new password, ticked off while it is typed. Whether it may be set is the service's decision.

import { el, field } from "./elements.js";
import { text } from "./text.js";

const characters = (value) => [...value].length;

/** What each profile asks for (`shared/domain/src/password.rs`), as far as a page can tell. */
const PROFILES = {
  crm: {
    length8: (value) => characters(value) >= 8,
    mixedCase: (value) => /\p{Uppercase}/u.test(value) && /\p{Lowercase}/u.test(value),
    digit: (value) => /\p{N}/u.test(value),
    symbol: (value) => /[^\p{Alphabetic}\p{N}]/u.test(value),
  },
  nist: { length15: (value) => characters(value) >= 15 },
};

/** A field for a new password, with its requirements below it. */
export function newPasswordField({ id, label, profile }) {
  const rules = Object.entries(PROFILES[profile] ?? {}).map(([name, isMet]) => {
    const state = el("span", { class: "unseen" });
    return { isMet, state, item: el("li", { "data-rule": name }, text(`rule.${name}`), " ", state) };
  });
  const list = el("ul", { class: "rules", id: `${id}-rules`, "aria-label": text("rule.title") }, rules.map(({ item }) => item));
  const tick = (value) => {
    for (const { isMet, state, item } of rules) {
      const met = isMet(value);
      item.classList.toggle("met", met);
      state.textContent = text(met ? "rule.met" : "rule.unmet");
    }
  };
  tick("");
  return field({
    id,
    label,
    below: list,
    type: "password",
    autocomplete: "new-password",
    dir: "ltr",
    oninput: ({ target }) => tick(target.value),
  });
}
