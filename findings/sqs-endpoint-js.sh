#!/bin/sh
# The AWS SDK for JavaScript v3 sends a call of SQS to the host of its QueueUrl although AWS_ENDPOINT_URL_SQS names another one. It
# warns, but it sends. The option `endpoint` counts, and with `useQueueUrlAsEndpoint: false` the variable does, too.
#
# Two servers on 127.0.0.1 stand for the two hosts, and no other is called: one is the endpoint, one the queue's host. Needs node and
# npm; installs a pinned public package in a temporary folder. Exits with 1 if it behaves otherwise than written here.
#
# Seen on 2026-11-29 with @aws-sdk/client-sqs 3.1164.0:
#   AWS_ENDPOINT_URL_SQS: the queue's host, with a warning
#   endpoint: the endpoint
#   AWS_ENDPOINT_URL_SQS, useQueueUrlAsEndpoint: false: the endpoint
#   endpoint, useQueueUrlAsEndpoint: false: the endpoint
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >npm.log
npm install --silent --no-audit --no-fund @aws-sdk/client-sqs@3.1164.0 >>npm.log

cat >calls.mjs <<'END'
import { createServer } from "node:http";
import { once } from "node:events";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

let called;
async function serve(name) {
  const server = createServer((request, response) => {
    called = name;
    request.resume();
    // No body, no checksum: what is asked is where the call goes.
    response.writeHead(200, { "Content-Type": "application/x-amz-json-1.0" }).end("{}");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}
const endpoint = await serve("the endpoint");
const queue = await serve("the queue's host");

async function call(name, options, variable) {
  if (variable) process.env.AWS_ENDPOINT_URL_SQS = variable;
  const warnings = [];
  const logger = { trace() {}, debug() {}, info() {}, error() {}, warn: (text) => warnings.push(text) };
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const sqs = new SQSClient({ region: "us-east-1", credentials, maxAttempts: 1, md5: false, logger, ...options });
  const QueueUrl = `${queue.url}/123456789012/jobs`;
  called = "nobody";
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "one" }));
  delete process.env.AWS_ENDPOINT_URL_SQS;
  sqs.destroy();
  console.log(`${name}: ${called}${warnings.some((text) => /QueueUrl/.test(text)) ? ", with a warning" : ""}`);
}
await call("AWS_ENDPOINT_URL_SQS", {}, endpoint.url);
await call("endpoint", { endpoint: endpoint.url });
await call("AWS_ENDPOINT_URL_SQS, useQueueUrlAsEndpoint: false", { useQueueUrlAsEndpoint: false }, endpoint.url);
await call("endpoint, useQueueUrlAsEndpoint: false", { useQueueUrlAsEndpoint: false, endpoint: endpoint.url });
for (const { server } of [endpoint, queue]) {
  server.close();
  server.closeAllConnections();
}
END

echo "@aws-sdk/client-sqs $(node -p 'require("@aws-sdk/client-sqs/package.json").version')"
node --no-warnings calls.mjs >seen
cat seen
cat >expected <<'END'
AWS_ENDPOINT_URL_SQS: the queue's host, with a warning
endpoint: the endpoint
AWS_ENDPOINT_URL_SQS, useQueueUrlAsEndpoint: false: the endpoint
endpoint, useQueueUrlAsEndpoint: false: the endpoint
END
diff expected seen
