// Elements are made here and nowhere from markup: what a server or a person wrote is text, whatever it looks like.

/** An element with attributes (`onclick` and the like are listeners) and children; `null` children are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A labelled field with room for what is wrong with it. */
export function field({ id, label, hint, ...attributes }) {
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    el("input", { id, name: id, "aria-describedby": described, required: true, ...attributes }),
    hint ? el("p", { id: `${id}-hint`, class: "hint" }, hint) : null,
    el("p", { id: `${id}-error`, class: "error" }),
  );
}

/** Shows the faults of a rejected body at their fields, and moves to the first. Whether any field was found. */
export function showFaults(form, errors = []) {
  for (const input of form.querySelectorAll("input")) {
    input.removeAttribute("aria-invalid");
    const place = form.querySelector(`#${input.id}-error`);
    if (place) place.textContent = "";
  }
  let first = null;
  for (const { field: name, message } of errors) {
    const input = form.elements.namedItem(name);
    const place = form.querySelector(`#${name}-error`);
    if (!input || !place) continue;
    input.setAttribute("aria-invalid", "true");
    place.textContent = place.textContent ? `${place.textContent} · ${message}` : message;
    first ??= input;
  }
  first?.focus();
  return first !== null;
}

/** Runs something while a button can't be pressed again. */
export async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
