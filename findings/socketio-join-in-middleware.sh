#!/bin/sh
# Socket.IO: a socket that joins a room in a middleware (`io.use`) is in the room, and `io.in(room).disconnectSockets()` does not find it
# until it is connected. `socket.disconnect()` does nothing until then either. Neither says so: no error, no warning. A
# server that learns in that time that somebody has to go, must remember it and look after `connection`.
#
# Needs node and npm; installs pinned public packages in a temporary folder, and serves on 127.0.0.1. Exits with 1 if it behaves
# otherwise than written here.
#
# Seen on 2026-11-29 with socket.io 4.8.4 and socket.io-client 4.8.4:
#   while the middleware waits: io.in(room).disconnectSockets(true): stays
#   while the middleware waits: socket.disconnect(true): stays
#   after connection: io.in(room).disconnectSockets(true): is disconnected
#   after connection: socket.disconnect(true): is disconnected
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >npm.log
npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4 >>npm.log

cat >rooms.mjs <<'END'
import { createServer } from "node:http";
import { once } from "node:events";
import { Server } from "socket.io";
import { io as client } from "socket.io-client";

const ROOM = "user:sara";

async function attempt(when, name, end) {
  const http = createServer();
  const io = new Server(http);
  io.use(async (socket, next) => {
    await socket.join(ROOM);
    if (when === "while the middleware waits") end(io, socket);
    next();
  });
  io.on("connection", (socket) => {
    if (when === "after connection") end(io, socket);
    socket.on("ping", (answer) => answer(socket.rooms.has(ROOM)));
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const socket = client(`http://127.0.0.1:${http.address().port}`, { transports: ["websocket"], reconnection: false });
  const gone = new Promise((is) => socket.on("disconnect", () => is("is disconnected")));
  // It answers, long after the end was asked for, and is in the room.
  const answers = socket.timeout(5000).emitWithAck("ping").then((isIn) => (isIn ? "stays" : "stays, outside the room"));
  answers.catch(() => {});
  console.log(`${when}: ${name}: ${await Promise.race([gone, answers])}`);
  socket.close();
  await io.close();
}

for (const when of ["while the middleware waits", "after connection"]) {
  await attempt(when, "io.in(room).disconnectSockets(true)", (io) => io.in(ROOM).disconnectSockets(true));
  await attempt(when, "socket.disconnect(true)", (_, socket) => socket.disconnect(true));
}
END

echo "socket.io $(node -p 'require("socket.io/package.json").version')"
node rooms.mjs >seen
cat seen
cat >expected <<'END'
while the middleware waits: io.in(room).disconnectSockets(true): stays
while the middleware waits: socket.disconnect(true): stays
after connection: io.in(room).disconnectSockets(true): is disconnected
after connection: socket.disconnect(true): is disconnected
END
diff expected seen
