// What is said to the person: one line over the page, in sight wherever they have scrolled to, and read out.

/** A success stays in sight this long. An error stays until it is dismissed, or something else is done. */
const IN_SIGHT_MS = 6000;

let settling = 0;

const place = (id) => document.getElementById(id);

/** Says something in the place of what was said before. */
export function say(message, kind = "good") {
  clearTimeout(settling);
  place("notice-bar").className = `notice ${kind}`;
  place("notice").textContent = message;
  if (kind === "good") settling = setTimeout(() => place("notice-bar").classList.add("settled"), IN_SIGHT_MS);
}

/** Takes an error back, once somebody goes on. */
export function takeBack() {
  if (place("notice-bar").classList.contains("bad")) say("");
}

export function listenForDismissal() {
  place("dismiss").addEventListener("click", () => {
    say("");
    place("main").focus();
  });
}
