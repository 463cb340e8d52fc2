/** `listen`: connections and datagrams that come in, for threads that wait for them and for `await`. */

export { Connection } from "./connection.ts";
export { DatagramSocket } from "./datagram.ts";
export { listen, Listener } from "./listen.ts";
