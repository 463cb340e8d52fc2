/** A process of its own that connects to an address many times and says nothing: `node idle-clients.js PORT COUNT`. */

import { once } from "node:events";
import { connect } from "node:net";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
/** Connections made at once; more would wait in the server's backlog, and be tried again a second later. */
const AT_ONCE = 100;

let closed = 0;
for (let made = 0; made < count; made += AT_ONCE) {
  const batch = Array.from({ length: Math.min(AT_ONCE, count - made) }, async () => {
    const socket = connect(port, "127.0.0.1");
    socket.resume().on("error", () => {});
    socket.on("close", () => {
      if (++closed === count) console.log("closed");
    });
    await once(socket, "connect");
  });
  await Promise.all(batch);
}
console.log("connected");
