// The verdicts of npm's libraries on every token of every stack: `node judge.mjs FOLDER`, a line of JSON for each library and stack.
import { readFileSync } from "node:fs";
import { JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import { auth } from "express-oauth2-jwt-bearer";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";

const [folder] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} at ${new URL(address).pathname}`);
  return answer;
}

// Each is given what a service knows: the issuer's address and its own name. It returns the claims, or throws.
const libraries = {
  // Over http by its option `allowInsecureRequests`.
  oauth4webapi: async ({ issuer, audience }, token) => {
    const here = { [oauth.allowInsecureRequests]: true };
    const address = new URL(issuer);
    const found = await oauth.discoveryRequest(address, here);
    const server = await oauth.processDiscoveryResponse(address, found);
    const request = new Request("https://api.example.com/", { headers: { authorization: `Bearer ${token}` } });
    return oauth.validateJwtAccessToken(server, request, audience, here);
  },
  // A middleware of Express, which gets by without Express.
  "express-oauth2-jwt-bearer": ({ issuer, audience }, token) =>
    new Promise((taken, refused) => {
      const headers = { host: "api.example.com", authorization: `Bearer ${token}` };
      const request = {
        method: "GET", protocol: "https", url: "/", query: {}, headers,
        get: (name) => headers[name.toLowerCase()],
        is: () => false,
      };
      const middleware = auth({ issuerBaseURL: issuer, audience, strict: true });
      middleware(request, {}, (error) => {
        if (error) refused(Object.assign(error, { answered: error.status ?? 500 }));
        else taken(request.auth.payload);
      });
    }),
  jose: async ({ issuer, audience }, token) => {
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
    return (await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" })).payload;
  },
  // Its own fetcher speaks https alone; this is the place for another.
  "aws-jwt-verify": ({ issuer, audience }, token) => {
    const fetcher = { fetch: async (address) => (await fetched(address)).arrayBuffer() };
    const options = { issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json` };
    return JwtVerifier.create(options, { jwksCache: new SimpleJwksCache({ fetcher }) }).verify(token);
  },
};

async function verdict(library, stack, token) {
  try {
    return { claims: await library(stack, token) };
  } catch (error) {
    const said = error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
    return { refused: `${error.answered ? `${error.answered} ` : ""}${error.constructor.name}: ${said}` };
  }
}

for (const [library, verify] of Object.entries(libraries)) {
  const { version } = read(`${folder}/node_modules/${library}/package.json`);
  for (const [name, stack] of Object.entries(read(`${folder}/stacks.json`))) {
    const wrong = {};
    for (const [what, token] of Object.entries(stack.wrong)) wrong[what] = await verdict(verify, stack, token);
    const right = await verdict(verify, stack, stack.right);
    console.log(JSON.stringify({ library: `${library} ${version}`, stack: name, right, wrong }));
  }
}
