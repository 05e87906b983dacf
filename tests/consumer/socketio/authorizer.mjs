// Asks Nova Auth's token authorizer who is connecting, as API Gateway would for a WebSocket API of its own.
import { InvokeCommand } from "@aws-sdk/client-lambda";

// Why a connection is refused; the client finds `message` in `connect_error`.
export class Refused extends Error {}
export const UNAUTHORIZED = "unauthorized"; // no valid token or ticket: refresh, and try once more
export const FORBIDDEN = "forbidden"; // the rules say no
export const UNAVAILABLE = "unavailable"; // nobody could say: try later

// The event of `$connect`. `api` is no API of API Gateway's, only the name under which the rules are stored and tickets are made.
// Nothing of the client's own request is in it but its address: a header of the client's would be a second place for a token.
export function connectEvent({ authorizerArn, api, auth, address }) {
  const [, partition, , region, account] = authorizerArn.split(":");
  const text = (value) => (typeof value === "string" ? value : "");
  const query = auth?.ticket === undefined ? {} : { ticket: text(auth.ticket) };
  return {
    type: "REQUEST",
    methodArn: `arn:${partition}:execute-api:${region}:${account}:${api}/socketio/$connect`,
    headers: auth?.token === undefined ? {} : { Authorization: `Bearer ${text(auth.token)}` },
    queryStringParameters: query,
    requestContext: { routeKey: "$connect", eventType: "CONNECT", apiId: api, stage: "socketio", identity: { sourceIp: address } },
  };
}

// Who it is, if an Allow covers the method, no Deny does, and the context names a user and a session. Everything else throws.
export function callerOf(answer, methodArn) {
  const statements = answer?.policyDocument?.Statement;
  const known = ["Sid", "Effect", "Action", "Resource"];
  const isPlain = (one) => Object.keys(one).every((key) => known.includes(key));
  if (!Array.isArray(statements) || !statements.every(isPlain)) throw new Refused(UNAVAILABLE);
  const says = (effect) =>
    statements.some((one) => one.Effect === effect && covers(one.Action, "execute-api:Invoke") && covers(one.Resource, methodArn));
  const isCounted = answer.context?.code === "API_RATE_LIMITED";
  if (!says("Allow") || says("Deny")) throw new Refused(isCounted ? UNAVAILABLE : FORBIDDEN);
  const { userId, sessionId, epoch } = answer.context ?? {};
  // A public rule lets in whoever has no token: this server has no room for them.
  if (![userId, sessionId].every((id) => typeof id === "string" && id !== "")) throw new Refused(UNAUTHORIZED);
  // An older authorizer says no epoch. NaN is older than every epoch.
  return { userId, sessionId, epoch: epoch === undefined ? NaN : Number(epoch) };
}

// IAM's wildcards: `*` is any text, `?` is one character.
function covers(patterns, text) {
  const literal = (part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const expression = (pattern) => pattern.split("*").map((part) => part.split("?").map(literal).join(".")).join(".*");
  return [patterns].flat().some((pattern) => typeof pattern === "string" && new RegExp(`^${expression(pattern)}$`, "su").test(text));
}

// The caller, or a refusal. No answer in time, and an error of the function, are refusals.
export async function ask(lambda, options, timeoutMs = 5000) {
  const event = connectEvent(options);
  const command = new InvokeCommand({ FunctionName: options.authorizerArn, Payload: JSON.stringify(event) });
  const answer = await lambda.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) });
  const said = JSON.parse(Buffer.from(answer.Payload ?? []).toString() || "null");
  if (answer.FunctionError !== undefined) throw new Refused(said?.errorMessage === "Unauthorized" ? UNAUTHORIZED : UNAVAILABLE);
  return callerOf(said, event.methodArn);
}
