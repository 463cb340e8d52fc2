/**
 * Remote evaluation: code is sent to where it is to run. The client has the program; the node that runs it has never seen
 * it. It is bundled at the client's side, and what it prints comes back to the client.
 *
 *     npx godwit up --detach --nodes 3
 *     PID=$(npx godwit run --detach --node n2 examples/mobility/remote-evaluation.ts 3 1 2)
 *     npx godwit logs --follow $PID
 *
 * prints
 *
 *     on n2: 1 2 3
 */

import { self } from "godwit";

const sorted = self.arguments.map(Number).toSorted((one, other) => one - other);
console.log(`on ${self.node}: ${sorted.join(" ")}`);
