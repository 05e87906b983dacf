// Who is calling a function behind the authorizer of Nova Auth: copy this file and nova-caller.d.mts beside your handler.

const id = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const number = /^[0-9]{1,15}$/;
// All of the first four, or another authorizer wrote them. An older authorizer leaves out the others.
const needed = { userId: id, email: /^(?=.{3,254}$)[^\s@]+@[^\s@]+$/u, role: /^[a-z0-9_-]{1,32}$/, sessionId: id };
const more = { acr: /^[!-~]{1,64}$/, authTime: number, epoch: number };

/** The authorizer's context is not Nova Auth's, or not all of it. Answer 500, and do nothing else. */
export class NoCaller extends Error {}

/**
 * The caller, from the event of a REST, an HTTP (payload 1.0 or 2.0) or a WebSocket API; null where nobody said who they are. Throws
 * NoCaller for anything in between: its text names the part that is wrong, and no value.
 */
export function callerOf(event) {
  const authorizer = event?.requestContext?.authorizer;
  const said = event?.version === "2.0" ? authorizer?.lambda : authorizer;
  const has = (name) => typeof said === "object" && said !== null && Object.hasOwn(said, name);
  if (!Object.keys(needed).some(has)) return null;
  const caller = {};
  for (const [name, form] of Object.entries({ ...needed, ...more })) {
    if (name in more && !has(name)) caller[name] = null;
    else if (!has(name) || typeof said[name] !== "string" || !form.test(said[name])) {
      throw new NoCaller(`the authorizer's context has no valid ${name}`);
    } else caller[name] = form === number ? Number(said[name]) : said[name];
  }
  return caller;
}
