// Who may connect, and when a connection ends. For every namespace of a server: `io.use` is asked for its own namespace alone.
import { DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { setTimeout as rest } from "node:timers/promises";
import { Refused, UNAVAILABLE } from "./authorizer.mjs";
import { endedBy } from "./ended.mjs";

// `ask` gives the caller of a handshake, or throws. `connected` gets every socket that may stay.
export function guard(namespace, { ask, ended, maxSeconds, connected }) {
  namespace.use(async (socket, next) => {
    try {
      socket.data.mark = ended.mark();
      socket.data.caller = await ask(socket.handshake);
      next();
    } catch (error) {
      if (!(error instanceof Refused)) console.error("no decision:", error.name);
      next(new Error(error instanceof Refused ? error.message : UNAVAILABLE));
    }
  });
  namespace.on("connection", (socket) => {
    const { caller, mark } = socket.data;
    // The bound where nothing is heard of the end of a session.
    const age = setTimeout(() => socket.disconnect(true), maxSeconds * 1000);
    socket.on("disconnect", () => clearTimeout(age));
    // First the rooms, then the look at what has ended: whoever ends sessions does the two in the other order, so that one of both
    // sees the other. In `use` it would be too early: a socket is found by its rooms only once it is connected.
    socket.join([`user:${caller.userId}`, `session:${caller.sessionId}`]);
    if (ended.covers(caller, mark)) return socket.disconnect(true);
    connected(socket, caller);
  });
}

// Acts on one event of the bus. Acting on it twice changes nothing more.
export async function told(namespace, ended, event) {
  const { detail } = event;
  switch (event["detail-type"]) {
    case "Session Ended":
      ended.session(detail.sessionId);
      namespace.in(`session:${detail.sessionId}`).disconnectSockets(true);
      return;
    case "User Changed":
      ended.user(detail);
      for (const socket of await namespace.in(`user:${detail.userId}`).fetchSockets()) {
        if (!detail.active || endedBy(detail, socket.data.caller)) socket.disconnect(true);
      }
      return;
    default:
      throw new Error(`no event that this server knows: ${event["detail-type"]}`);
  }
}

// Reads the queue until `signal` says stop. A message is deleted once it took effect; any other comes again. The SDK itself would wait for
// ever for an answer that is lost on its way, and this server would hear of nothing any more.
export async function listen(sqs, queueUrl, take, signal, { patienceMs = 30_000, restMs = 1000 } = {}) {
  const send = (command) => sqs.send(command, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) });
  while (!signal.aborted) {
    try {
      const wait = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 };
      const { Messages = [] } = await send(new ReceiveMessageCommand(wait));
      const all = Messages.map(async ({ Body, ReceiptHandle }) => {
        await take(JSON.parse(Body));
        await send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      });
      const failed = (await Promise.allSettled(all)).find(({ status }) => status === "rejected");
      if (failed) throw failed.reason;
    } catch (error) {
      if (signal.aborted) return;
      console.error("the queue:", error.message);
      await rest(restMs, undefined, { signal }).catch(() => {});
    }
  }
}
