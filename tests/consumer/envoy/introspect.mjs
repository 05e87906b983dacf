// Asks Nova Auth what an access token is worth, and whether the rules allow a call with it: docs/introspection.md.
import { Sha256 } from "@aws-crypto/sha256-js";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";

// `url` is the stack's output ApiUrl. Credentials come from where the AWS SDK finds them, and are renewed by it.
export function introspector({ url, region, credentials = defaultProvider(), timeoutMs = 3000 }) {
  const endpoint = new URL(`${url}/api/auth/introspect`);
  const signer = new SignatureV4({ service: "execute-api", region, credentials, sha256: Sha256 });
  // What is said of the token. Throws unless the answer is a 200: that is a no, too.
  return async (question, language = "en") => {
    const { headers, body } = await signer.sign({
      method: "POST",
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      path: endpoint.pathname,
      headers: { host: endpoint.host, "content-type": "application/json", "accept-language": language },
      body: JSON.stringify(question),
    });
    const { host: _, ...sent } = headers;
    const answer = await fetch(endpoint, { method: "POST", headers: sent, body, signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200) throw new Error(`introspection: ${answer.status}`);
    return answer.json();
  };
}
