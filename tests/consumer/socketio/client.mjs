// What a front end does. `freshToken` gives an access token that has not run out, or null once somebody has to log in again.
import { io } from "socket.io-client";

export function connect(url, freshToken, options = {}) {
  // Asked for at every connection, so that each shows the token of its time.
  const auth = (show) => freshToken().then((token) => show({ token }));
  const socket = io(url, { ...options, auth });
  // Socket.IO comes back by itself after a lost connection, and not after one that the server closed or refused.
  const again = async () => (await freshToken()) && socket.connect();
  socket.on("disconnect", (reason) => reason === "io server disconnect" && again());
  socket.on("connect_error", ({ message }) => message === "unavailable" && setTimeout(again, 1000 + 4000 * Math.random()));
  return socket;
}
