// Judges ceremonies as @simplewebauthn/server does, and says where we differ. Reads what `nova-auth-passkeys` writes.
import { createInterface } from "node:readline";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";

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

// Where our verdicts differ, by name: ours, theirs, and one of the edits that has to have been made to the ceremony.
const attestations = ["attestation of its own", "attestation that is not right", "attestation of no format", "statement of nothing", "byte of the authenticator"];
const keys = ["a member less", "a member more", "another algorithm", "another type", "another byte", "a coordinate that is shorter"];
const differences = [
  // We refuse and they take: they leave it to their caller, or don't look.
  ["a page inside another page", /inside another page/, /taken/, ["crossOrigin", "topOrigin"]],
  ["a backup flag that is not as registered", /backup flags/, /taken/, ["flags", "backup flags"]],
  ["a member of the client data twice, or bytes that are no text", /client data/, /taken/, ["a member twice", "escapes", "byte of the client data"]],
  ["a byte order mark", /client data/, /taken/, ["byte order mark"]],
  ["an id that is not the passkey's", /another passkey/, /taken/, ["both ids", "attested id", "length of the id", "byte of the authenticator"]],
  ["somebody else's user handle, or none", /another user/, /taken/, ["user handle"]],
  ["an id or a user handle of a length that none has", /unreadable|authenticator data/, /taken/, ["length of the id", "user handle"]],
  ["a key in an assertion", /authenticator data|not a key/, /taken/, ["flags", "attested key"]],
  ["extensions that are no map of names", /authenticator data/, /taken/, ["extensions that are none"]],
  ["an attestation statement that is no map, or a name that is no text", /attestation object/, /taken/, ["statement that is none", "byte of the authenticator"]],
  ["a key that nothing can be verified with", /not a key/, /taken/, [...keys.map((edit) => `key: ${edit}`), "byte of the authenticator"]],
  ["an ECDSA signature in another form than DER's", /signature/, /taken/, ["signature", "byte of the signature"]],
  ["base64url with padding", /unreadable/, /taken/, ["padding"]],
  // We take and they refuse.
  ["an attestation that is not right: we ask for none, and judge none", /taken/, /attest|Unsupported|Unexpected ver |Zero buffer|not verified/i, attestations],
  ["a token binding of no kind: Level 3 has none", /taken/, /token ?binding/i, ["token binding of no kind", "byte of the client data"]],
  ["an extension with a half-precision number", /taken/, /Float16/, ["extension with a half-precision number"]],
  ["a number in a longer form: the row has the shortest", /taken/, /not well formed/, ["key: a number in a longer form"]],
];

const counts = new Map(differences.map(([name]) => [name, 0]));
const both = { taken: 0, refused: 0 };
let [total, unexplained] = [0, 0];
for await (const line of createInterface({ input: process.stdin })) {
  const { ours, edits, ...ceremony } = JSON.parse(line);
  const theirs = await judge(ceremony);
  total += 1;
  if ((ours === "taken") === (theirs === "taken")) {
    both[ours === "taken" ? "taken" : "refused"] += 1;
    continue;
  }
  const known = differences.find(([, our, their, some]) => our.test(ours) && their.test(theirs) && some.some((edit) => edits.includes(edit)));
  if (known) {
    counts.set(known[0], counts.get(known[0]) + 1);
  } else {
    unexplained += 1;
    console.error(`${ceremony.kind} of ${ceremony.key} [${edits.join(", ")}]: ours ${ours}; theirs ${theirs}`);
  }
}
const row = (count, what) => console.log(`${String(count).padStart(6)}  ${what}`);
row(both.taken, "taken by both");
row(both.refused, "refused by both");
for (const [name, count] of counts) row(count, name);
// A difference that is gone is to be taken off the list.
const gone = [...counts].filter(([, count]) => count === 0).map(([name]) => name);
for (const name of gone) console.error(`no difference any more: ${name}`);
console.log(`${total - unexplained} of ${total} as expected`);
process.exit(unexplained === 0 && gone.length === 0 && both.taken > 0 ? 0 : 1);
