/** Who is calling, as the authorizer found out at its decision. */
export interface Caller {
  /** The user, a UUID. */
  readonly userId: string;
  readonly email: string;
  readonly role: string;
  /** The session, a UUID. */
  readonly sessionId: string;
  /** `urn:nova:1` a password, `urn:nova:2` a second factor, too; null: an older authorizer did not say it. */
  readonly acr: string | null;
  /** When the user last showed who they are, in seconds since 1970. */
  readonly authTime: number | null;
  /** An event of a higher one ends the session. */
  readonly epoch: number | null;
}

/** The authorizer's context is not Nova Auth's, or not all of it. Answer 500, and do nothing else. */
export class NoCaller extends Error {}

/**
 * The caller, from the event of a REST, an HTTP (payload 1.0 or 2.0) or a WebSocket API; null where nobody said who they are.
 * @throws {NoCaller} for anything in between.
 */
export function callerOf(event: unknown): Caller | null;
