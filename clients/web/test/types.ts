// Compiled, and never run: what the types of the client allow, and what they refuse.

import { NovaAuth, type Answer, type Storage } from "../nova-auth.js";

const auth = new NovaAuth({ api: "https://auth.example.com", origins: ["https://api.example.com"], language: "en" });
const inMemory: Storage = new Map<string, string>();
const hybrid = new NovaAuth({ mode: "body", storage: { get: async () => null, set: async () => {}, delete: async () => {} } });
new NovaAuth({ mode: "body", storage: inMemory });
// @ts-expect-error: no such mode
new NovaAuth({ mode: "header" });

auth.addEventListener("signedout", ({ detail }) => detail.reason === "elsewhere");
auth.addEventListener("stepup", ({ detail }) => detail.acr?.endsWith("2"));
// @ts-expect-error: no such reason
auth.addEventListener("signedout", ({ detail }) => detail.reason === "bored");

const listener = ({ detail }: CustomEvent<{ url: string }>) => console.log(detail.url);
auth.addEventListener("enrolment", listener, { once: true });
auth.removeEventListener("enrolment", listener);

const login = await auth.login({ email: "sara@example.com", password: "x" });
if (login.data?.challenge) {
  const { token, methods } = login.data.challenge;
  if (methods.includes("totp")) await auth.login({ token, code: "123456" });
} else if (login.ok) {
  const name: string | undefined = login.data?.user?.name;
  console.log(name);
}
// @ts-expect-error: a password is missing
await auth.login({ email: "sara@example.com" });
await auth.stepUp({ password: "x" });

const sessions = await auth.call("GET /api/auth/sessions");
const first: string | undefined = sessions.data?.sessions[0]?.id;
await auth.call(`DELETE /api/auth/sessions/${first}`);
await auth.call("POST /api/auth/recovery", { email: "sara@example.com" });
const confirmed: Answer = await auth.call("POST /api/auth/recovery/confirm", { token: "t", newPassword: "x" });
// @ts-expect-error: no path
await auth.call("api/auth/sessions");
const { data } = await hybrid.call("POST /api/auth/tickets", { api: "a1b2c3" });
const ticket: string | undefined = data?.ticket;
const response: Response = await auth.fetch("https://api.example.com/notes", { method: "POST", body: "{}" });
const token: string | null = await auth.token();
// @ts-expect-error: it is read
auth.user = null;
console.log(confirmed, ticket, response.status, token, auth.secondsLeft);
