// What a front end does. `freshToken` gives an access token that has not run out, or null once somebody has to log in again. It may fail:
// whoever has lost their network has it to lose twice.
import { io } from "socket.io-client";

export function connect(url, freshToken, { restMs = () => 1000 + 4000 * Math.random(), ...options } = {}) {
  let isRefused = false;
  const later = () => setTimeout(again, restMs());
  // Socket.IO comes back by itself after a lost connection, and not after one that the server closed or refused.
  const again = () => freshToken().then((token) => token && socket.connect(), later);
  // Asked for at every connection, so that each shows the token of its time.
  const auth = (show) => freshToken().then((token) => show({ token }), () => socket.disconnect() && later());
  const socket = io(url, { ...options, auth });
  socket.on("connect", () => (isRefused = false));
  socket.on("disconnect", (reason) => reason === "io server disconnect" && again());
  socket.on("connect_error", ({ message }) => {
    if (message === "unavailable") later();
    // The token may have run out on its way: once more, and then somebody has to log in.
    if (message === "unauthorized" && !isRefused) again();
    isRefused ||= message === "unauthorized";
  });
  return socket;
}
