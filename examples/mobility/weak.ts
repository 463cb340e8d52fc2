/**
 * Weak mobility: the code goes, and the state that the program declares by `keep`; not its threads and its local variables.
 * It is started anew at the other node, under another pid, and finds there what it kept.
 *
 *     npx godwit up --detach --nodes 3
 *     PID=$(npx godwit run --detach --node n1 examples/mobility/weak.ts)
 *     PID=$(npx godwit migrate --weak $PID n2)
 *     PID=$(npx godwit migrate --weak $PID n3)
 *     npx godwit logs --follow $PID
 *
 * prints
 *
 *     started on n1 n2 n3
 *     known since the first start: 3, since this one: 1
 */

import { keep, self } from "godwit";

const kept = keep("starts", () => ({ nodes: [] as string[] }));
const local = { nodes: [] as string[] };

kept.nodes.push(self.node);
local.nodes.push(self.node);
console.log(`started on ${kept.nodes.join(" ")}`);
console.log(`known since the first start: ${kept.nodes.length}, since this one: ${local.nodes.length}`);
if (kept.nodes.length < 3) setInterval(() => {}, 1000); // what is kept is taken between two events
