// A file on its way: declared, sent with its form, judged.

import { el, field } from "./elements.js";
import { text } from "./text.js";

/** How often it is asked what became of a file, a second apart. */
const LOOKS = 60;

/** The form of a file, and where its way is shown. */
export function uploadForm({ on }) {
  return [
    el(
      "form",
      { id: "upload-form", novalidate: true, onsubmit: on.upload },
      field({ id: "purpose", label: text("uploads.purpose"), type: "text", value: "document", autocomplete: "off", dir: "ltr" }),
      field({ id: "file", label: text("uploads.file"), type: "file" }),
      el("button", { type: "submit", class: "primary" }, text("uploads.submit")),
    ),
    el("ol", { id: "upload-steps", "aria-live": "polite" }),
  ];
}

/** One more step of the way; `code` is what the service calls it. */
export function showStep(place, code, message, tone = "plain") {
  place.append(el("li", {}, el("span", { class: `chip ${tone}` }, el("bdi", { dir: "ltr" }, code)), " ", message));
}

/** What the service is told of a file before it gets it. */
export async function declare(purpose, file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const sha256 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return { purpose, fileName: file.name, contentType: file.type, size: file.size, sha256 };
}

/** Sends a file with its form. On this machine the bucket is reached through the page's own origin. */
export async function send({ url, fields }, file) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  const answer = await fetch(`/_local/objects${new URL(url).pathname}`, { method: "POST", body: form });
  return answer.ok;
}

/** Waits for the verdicts: the upload as it is in the end, or as it is when nobody waits any longer. */
export async function judged(look) {
  let upload = null;
  for (let looks = 0; looks < LOOKS; looks++) {
    const answer = await look();
    if (!answer.ok) return null;
    upload = answer.data;
    if (!["granted", "received"].includes(upload.state)) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return upload;
}
