// What the event bus has told lately: a connection that was being made while its session ended is found by it.
const KEPT_MS = 10 * 60 * 1000;

// Whether a change of a user ended the session of this caller. A deleted user has no epoch.
export function endedBy(change, caller) {
  const isOlder = !(caller.epoch >= (change.epoch ?? Infinity));
  return isOlder && caller.sessionId !== change.keptSession;
}

export class Ended {
  #count = 0;
  #sessions = new Map();
  #users = new Map();
  #now;

  constructor(now = Date.now) {
    this.#now = now;
  }

  // Before the authorizer is asked: what was told until now is older than its answer, which knows of it.
  mark() {
    return this.#count;
  }

  session(sessionId) {
    this.#keep(this.#sessions, sessionId, {});
  }

  // Events come twice and out of order: the latest epoch counts.
  user(change) {
    const known = this.#users.get(change.userId)?.change;
    const isOlder = known !== undefined && (known.epoch ?? Infinity) > (change.epoch ?? Infinity);
    this.#keep(this.#users, change.userId, { change: isOlder ? known : change });
  }

  // Whether what was told since `mark` ended the session of this caller.
  covers(caller, mark) {
    const [session, user] = [this.#sessions.get(caller.sessionId), this.#users.get(caller.userId)];
    return session?.count > mark || (user?.count > mark && endedBy(user.change, caller));
  }

  // A Map keeps its keys in the order in which they came.
  #keep(map, id, value) {
    const now = this.#now();
    for (const [oldest, { until }] of map) {
      if (until > now) break;
      map.delete(oldest);
    }
    map.delete(id);
    map.set(id, { ...value, count: ++this.#count, until: now + KEPT_MS });
  }
}
