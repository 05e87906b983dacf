// What everybody can fetch of a stack, on this machine: `node serve.mjs FOLDER`. A port for each stack; `issuers.json` says which.
// The stacks themselves come later, in `stacks.json`, since their tokens name their issuer.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const [folder] = process.argv.slice(2);
// Beside others: at an address with a path, as an API without a domain of its own has.
const below = (name) => (name.endsWith("others") ? "/v1" : "");
const names = ["HS256", ...["ES256", "EdDSA", "RS256"].flatMap((name) => [name, `${name} beside others`])];

function answer(name, path) {
  const { metadata, jwks } = JSON.parse(readFileSync(`${folder}/stacks.json`, "utf8"))[name];
  switch (path) {
    case "/.well-known/openid-configuration":
    case "/.well-known/oauth-authorization-server":
      return metadata;
    case "/.well-known/jwks.json":
      return jwks;
    default:
      return null;
  }
}

const issuers = {};
for (const name of names) {
  const server = createServer((request, response) => {
    const begin = below(name);
    const body = request.url.startsWith(begin) ? answer(name, request.url.slice(begin.length)) : null;
    response.writeHead(body ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { success: false, error: { code: "NOT_FOUND" } }));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  issuers[name] = `http://127.0.0.1:${server.address().port}${below(name)}`;
}
writeFileSync(`${folder}/issuers.tmp`, JSON.stringify(issuers));
renameSync(`${folder}/issuers.tmp`, `${folder}/issuers.json`);
