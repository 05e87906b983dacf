// Passkeys: what the browser is asked, and what it answers.

/** The user said no, took too long, or the browser has no such passkey: browsers do not say which. */
export class Declined extends Error {}

/** Whether this browser can, on a page that was opened by the domain that passkeys are for. */
export function canUse(domain) {
  const can = typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
  return can && domain !== "" && (location.hostname === domain || location.hostname.endsWith(`.${domain}`));
}

async function ask(work) {
  try {
    return (await work()).toJSON();
  } catch (error) {
    throw new Declined(error.name, { cause: error });
  }
}

/** Makes one. */
export const make = (options) =>
  ask(() => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }));

/** Answers with one that there is. */
export const show = (options, more = {}) =>
  ask(() => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options), ...more }));

/** The login that the browser offers in the field of the address, until something else is done. */
export class Offer {
  #abort = null;

  /** Offers passkeys. `options` fetches what to ask; `use` is given the answer. */
  async begin(options, use) {
    this.end();
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const abort = (this.#abort = new AbortController());
    // A challenge lasts five minutes; before that the next one takes its place.
    const again = setTimeout(() => this.begin(options, use), 240_000);
    abort.signal.addEventListener("abort", () => clearTimeout(again));
    try {
      const asked = await options();
      if (!asked || abort.signal.aborted) return;
      const answer = await show(asked, { mediation: "conditional", signal: abort.signal });
      this.end();
      await use(answer);
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
    }
  }

  /** Takes the offer back: a browser does one thing at a time. */
  end() {
    this.#abort?.abort();
    this.#abort = null;
  }
}
