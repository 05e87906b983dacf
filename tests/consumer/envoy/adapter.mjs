// An authorization service for Envoy's filter ext_authz (HTTP): each request is asked about before Envoy passes it on.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { introspector } from "./introspect.mjs";

// What the service behind Envoy finds out about the caller. All of them are always set, so that a client's own are overwritten.
const caller = (told) => ({
  "x-nova-user-id": told.sub,
  "x-nova-session-id": told.sid,
  "x-nova-role": told.role,
  "x-nova-permissions": told.permissions.join(","),
});

// `ask` is an introspector, `api` the name that the rules are stored under.
export const adapter = (ask, api) =>
  createServer(async (request, response) => {
    const end = (status, headers = {}, body) => {
      response.writeHead(status, { "cache-control": "no-store", "content-type": "application/json", ...headers });
      response.end(body && JSON.stringify({ success: false, ...body }));
    };
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    if (!token) return end(401, { "www-authenticate": "Bearer" }, { code: "AUTH_TOKEN_MISSING" });
    // Envoy adds its peer at the end; what stands before it, the peer says.
    const address = request.headers["x-forwarded-for"]?.split(",").at(-1)?.trim();
    const [path] = request.url.split("?");
    try {
      const question = { token, api, call: `${request.method} ${path}`, ...(address && { address }) };
      const told = await ask(question, request.headers["accept-language"]);
      if (told.active !== true) return end(401, { "www-authenticate": "Bearer" }, { code: "UNAUTHORIZED" });
      if (told.allowed !== true) {
        const challenge = told.challenge && { "www-authenticate": told.challenge };
        return end(403, challenge, { code: told.code, message: told.message });
      }
      end(200, caller(told));
    } catch {
      // Nobody can tell: no.
      end(503, { "retry-after": "1" }, { code: "SERVICE_UNAVAILABLE" });
    }
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { API_URL, AWS_REGION, RULES, PORT = "9000" } = process.env;
  adapter(introspector({ url: API_URL, region: AWS_REGION }), RULES).listen(Number(PORT), "127.0.0.1");
}
