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

function clearFault(input) {
  input.removeAttribute("aria-invalid");
  const place = document.getElementById(`${input.id}-error`);
  if (place) place.textContent = "";
}

/** A labelled field with room for what is wrong with it, and for something `below` that describes it. */
export function field({ id, label, below, ...attributes }) {
  const described = [`${id}-error`, below?.id].filter(Boolean).join(" ");
  const input = el("input", { id, name: id, "aria-describedby": described, required: true, ...attributes });
  input.addEventListener("input", () => clearFault(input));
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    input,
    el("p", { id: `${id}-error`, class: "error" }),
    below,
  );
}

/** Shows the faults of a rejected body at their fields, and moves to the first. */
export function showFaults(form, errors = []) {
  for (const input of form.querySelectorAll("input")) clearFault(input);
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
}

/** Runs something while a button can't be pressed again. */
export async function busy(button, work) {
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    // A disabled button loses the focus. Who has not gone elsewhere meanwhile gets it back.
    if (hadFocus && document.activeElement === document.body) button.focus();
  }
}
