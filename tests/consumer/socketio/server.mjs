// A Socket.IO server of another team beside Nova Auth: docs/socketio.md.
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { createServer } from "node:http";
import { Server } from "socket.io";
import { ask } from "./authorizer.mjs";
import { Ended } from "./ended.mjs";
import { guard, listen, told } from "./guard.mjs";

const { AUTHORIZER_ARN, QUEUE_URL, API = "socketio", PORT = "3000", HOST = "127.0.0.1", MAX_CONNECTION_SECONDS = "900" } = process.env;
if (!AUTHORIZER_ARN || !QUEUE_URL) throw new Error("AUTHORIZER_ARN and QUEUE_URL are not set");

const lambda = new LambdaClient({ maxAttempts: 2 });
// The SDK would send to the host of the queue's URL, whatever AWS_ENDPOINT_URL_SQS says.
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });

const http = createServer();
// No connectionStateRecovery: by default, what it recovers is not asked about again.
const io = new Server(http);
const ended = new Ended();

guard(io, {
  ended,
  maxSeconds: Number(MAX_CONNECTION_SECONDS),
  // Behind a load balancer, `address` is the balancer's: take the last entry of X-Forwarded-For, which the balancer wrote.
  ask: ({ auth, address }) => ask(lambda, { authorizerArn: AUTHORIZER_ARN, api: API, auth, address }),
  connected(socket, caller) {
    socket.on("whoami", (answer) => typeof answer === "function" && answer({ userId: caller.userId, sessionId: caller.sessionId }));
  },
});

const stopping = new AbortController();
listen(sqs, QUEUE_URL, (event) => told(io, ended, event), stopping.signal);
http.listen(Number(PORT), HOST, () => console.log(`listening ${http.address().port}`));
process.on("SIGTERM", () => {
  stopping.abort();
  io.close(() => process.exit(0));
});
