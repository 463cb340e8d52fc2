/**
 * A concurrent server over raw connections, as the textbook has it: one thread accepts, and each client has a thread of its own,
 * which reads and writes as if it were alone. The client counts as connected for as long as it is, wherever this process and its
 * home are meanwhile.
 *
 *     godwit up --detach --nodes 2
 *     godwit run --detach examples/echo/echo.ts --listen service:echo
 *     godwit expose echo --on tcp://127.0.0.1:7007
 *     nc 127.0.0.1 7007
 *     godwit migrate 1 n2
 */

import { listen, Thread } from "godwit";

let clients = 0;

for (const connection of listen({ name: "echo" })) {
  const number = ++clients;
  Thread.create(() => {
    connection.write(`you are client ${number}\n`);
    for (const bytes of connection) connection.write(bytes);
    connection.close();
  });
}
