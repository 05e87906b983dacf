/** What every method but `fetch` and `token` resolves to. None of them rejects for what the network or the service does. */
export interface Answer<Data = unknown> {
  ok: boolean;
  /** The HTTP status; 0 if no answer came, or none of the service's. */
  status: number;
  /** Why not: a code of docs/api.md, `UNREACHABLE`, or `USER_CHANGED` (nothing was sent: the session is somebody else's now). */
  code?: string;
  /** For people, in `language`. */
  message?: string;
  errors?: { field: string; code: string; message: string }[];
  data?: Data;
  /** Seconds, of a 429 or 503. */
  retryAfter?: number;
  /** Of `STEP_UP_REQUIRED`: a second factor is asked for; without it, the password does too. */
  acr?: string;
  /** Of `STEP_UP_REQUIRED`: how many seconds ago it may be. */
  maxAge?: number;
  /** What `fetch` or the storage threw, with the status 0. */
  cause?: unknown;
}

/** For display: decisions are the service's. */
export interface User {
  id: string;
  email: string;
  role: string;
  sessionId: string;
  /** Known after a login, and not after a reload. */
  name?: string;
}

/** Body mode: where the refresh token is kept. A `Map` is one; so is anything whose methods return promises. */
export interface Storage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

export interface Options {
  /** The authentication API, with its path if it has one. Default: the page's own origin. */
  api?: string;
  /** `cookie` (the default): no script sees the refresh token. `body`: for apps whose origin the cookie does not reach. */
  mode?: "cookie" | "body";
  /** Further origins that `fetch` sends the access token to. The origin of `api` is one. */
  origins?: string[];
  /** Body mode. Default: in memory, until the page is left. */
  storage?: Storage;
  deviceInfo?: { fingerprint?: string; userAgent?: string; ip?: string };
  /** `ar` or `en`, of messages. */
  language?: string;
  /** In place of the browser's. */
  fetch?: typeof globalThis.fetch;
}

export interface Tokens {
  accessToken: string;
  expiresIn: number;
  /** Body mode. It is stored already. */
  refreshToken?: string;
}

export type Method = "totp" | "passkey" | "recovery";

export interface LoggedIn extends Tokens {
  user: { id: string; name: string; email: string; role: string };
  /** The session can do nothing but enrol a second factor. */
  enrolmentRequired?: true;
  /** The password was leaked elsewhere: ask for another. */
  passwordChangeAdvised?: true;
  challenge?: undefined;
}

/** The password was right. Ask for a second factor, and call `login` with the token and the answer. */
export interface Challenge {
  challenge: { token: string; methods: Method[]; expiresIn: number };
  user?: undefined;
}

/** `navigator.credentials.get` and `create` give one: `credential.toJSON()`. */
export type Passkey = object;

export type Factor = { code: string } | { recoveryCode: string } | { passkey: Passkey };

export type Proof = { email: string; password: string } | { passkey: Passkey } | ({ token: string } & Factor);

export interface Session {
  id: string;
  current: boolean;
  device: { userAgent: string; ip: string };
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
}

type Mailed = { token: string } | { email: string; code: string };
type Account = { user: { id: string; name: string; email: string; role: string } };

/** What `call` knows: the body, and the data of the answer. */
export interface Endpoints {
  "POST /api/auth/register": [{ name: string; email: string; password: string }, Account | undefined];
  "POST /api/auth/password": [{ currentPassword: string; newPassword: string }, undefined];
  "GET /api/auth/sessions": [null, { sessions: Session[]; nextCursor?: string }];
  "POST /api/auth/recovery": [{ email: string }, undefined];
  "POST /api/auth/recovery/confirm": [Mailed & { newPassword: string }, undefined];
  "POST /api/auth/verify": [Mailed, Account];
  "POST /api/auth/verify/resend": [null, undefined];
  "POST /api/auth/email": [{ newEmail: string; currentPassword: string }, undefined];
  "POST /api/auth/email/confirm": [{ token: string }, undefined];
  "POST /api/auth/email/revert": [{ token: string }, undefined];
  "POST /api/auth/login/deny": [{ token: string }, undefined];
  "POST /api/auth/invitation/accept": [{ token: string; password: string; name?: string }, Account];
  "GET /api/auth/factors": [
    null,
    {
      factors: { id: string; kind: "totp" | "passkey"; name: string | null; createdAt: string; lastUsedAt: string | null }[];
      recoveryCodesLeft: number;
    },
  ];
  "POST /api/auth/factors/totp": [{ name?: string }, { id: string; secret: string; otpauthUri: string }];
  "POST /api/auth/factors/recovery": [null, { recoveryCodes: string[] }];
  "POST /api/auth/factors/passkeys": [{ passkey: Passkey; name?: string }, { recoveryCodes?: string[] }];
  /** For `PublicKeyCredential.parseCreationOptionsFromJSON`. */
  "POST /api/auth/factors/passkeys/options": [null, any];
  /** These three for `PublicKeyCredential.parseRequestOptionsFromJSON`. */
  "POST /api/auth/passkey/options": [null, any];
  "POST /api/auth/login/factor/options": [{ token: string }, any];
  "POST /api/auth/step-up/options": [null, any];
  "POST /api/auth/tickets": [{ api: string }, { ticket: string; expiresIn: number }];
}

export interface Events {
  /** A session began, here or in another tab, or was found when the page loaded. */
  signedin: { user: User };
  /** Once in every tab. `logout`: here; `ended`: the service said so; `elsewhere`: another tab did. */
  signedout: { user: User; reason: "logout" | "ended" | "elsewhere" };
  /** The browser's session is another user's now. Load the page again. */
  userchanged: { user: User; before: User };
  /** An API answered `STEP_UP_REQUIRED`. Call `stepUp`, and repeat the call. */
  stepup: { acr?: string; maxAge?: number; url: string };
  /** `MFA_ENROLMENT_REQUIRED`: the session can do nothing else. */
  enrolment: { url: string };
}

type Listener<Type extends keyof Events> = (event: CustomEvent<Events[Type]>) => void;

export interface CallOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export class NovaAuth extends EventTarget {
  constructor(options?: Options);

  /** Whether there is an access token. Whether it opens anything is the service's business. */
  readonly signedIn: boolean;
  readonly user: User | null;
  /** What the access token has left, by a clock that nobody sets. */
  readonly secondsLeft: number;
  language?: string;

  /** Gets the next tokens, or finds out whether there is a session: call it when the page loads. One at a time in all tabs. */
  refresh(): Promise<Answer>;
  /** By password, by passkey, or by the second factor that a challenge asks for. */
  login(proof: Proof): Promise<Answer<LoggedIn | Challenge>>;
  /** Makes the same session fresh, and with a second factor `urn:nova:2`. */
  stepUp(proof: Factor | { password: string }): Promise<Answer>;
  /** Unless the answer is `ok`, the outcome is unknown and the page stays signed in: say so, and offer it again. */
  logout(options?: { everywhere?: boolean; forgetDevice?: boolean }): Promise<Answer>;

  /** Calls the authentication API, with the access token if there is one. While `refresh` looks for a session, it waits. */
  call<Route extends keyof Endpoints>(
    route: Route,
    body?: Endpoints[Route][0],
    options?: CallOptions,
  ): Promise<Answer<Endpoints[Route][1]>>;
  call<Data = any>(route: `${"GET" | "POST" | "DELETE"} /${string}`, body?: object | null, options?: CallOptions): Promise<Answer<Data>>;

  /**
   * `fetch` with the access token, for the origins on the list; others get none. It follows no redirect with it. A 401 is repeated
   * once with the next token, unless the body is a stream. It rejects, as without a network, where that can't be had for now.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** A token for other clients than `fetch`; null if nobody is signed in. */
  token(): Promise<string | null>;
  /** Stops listening to other tabs. */
  close(): void;

  addEventListener<Type extends keyof Events>(type: Type, listener: Listener<Type>, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof Events>(type: Type, listener: Listener<Type>, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}
