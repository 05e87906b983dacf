// Judges ceremonies as @simplewebauthn/server does, and says where we differ. Reads what `nova-auth-passkeys` writes.
import { readFileSync } from "node:fs";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";

const ceremonies = JSON.parse(readFileSync(0, "utf8"));
const expected = {
  expectedChallenge: Buffer.alloc(32, 7).toString("base64url"),
  expectedOrigin: "https://example.org",
  expectedRPID: "example.org",
  requireUserVerification: true,
};

async function judge({ kind, response, stored }) {
  try {
    if (kind === "registration") {
      const { verified } = await verifyRegistrationResponse({ ...expected, response, supportedAlgorithmIDs: [-7, -8, -257] });
      return verified ? "taken" : "not verified";
    }
    const credential = { ...stored, publicKey: new Uint8Array(Buffer.from(stored.publicKey, "base64url")) };
    const { verified } = await verifyAuthenticationResponse({ ...expected, response, credential });
    return verified ? "taken" : "not verified";
  } catch (error) {
    return error.message;
  }
}

// What we refuse and they take, since it is ours to be stricter about.
const stricter = new Set(["inside another page", "backup flags inconsistent"]);
const seen = {};
let wrong = 0;
for (const ceremony of ceremonies) {
  const theirs = await judge(ceremony);
  const ours = ceremony.ours;
  const both = `${ceremony.kind}: ours ${ours}; theirs ${theirs === "taken" ? "taken" : "refused"}`;
  seen[both] = (seen[both] ?? 0) + 1;
  if ((ours === "taken") !== (theirs === "taken") && !(theirs === "taken" && stricter.has(ours))) {
    wrong += 1;
    console.error(`${both} (${theirs})`);
  }
}
for (const [both, count] of Object.entries(seen).sort()) console.log(`${String(count).padStart(5)}  ${both}`);
console.log(`${ceremonies.length - wrong} passed, ${wrong} failed`);
process.exit(wrong === 0 && ceremonies.length > 0 ? 0 : 1);
