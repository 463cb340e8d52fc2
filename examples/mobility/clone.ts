/**
 * Remote cloning: a copy of a running program goes on at another node, from the same point, and the original stays. The
 * program takes no part in it, and cannot tell but by its pid and its node.
 *
 *     npx godwit up --detach --nodes 3
 *     PID=$(npx godwit run --detach --node n1 examples/mobility/clone.ts)
 *     CLONE=$(npx godwit fork --node n2 $PID)
 *     npx godwit signal SIGUSR1 $CLONE
 *     npx godwit logs --follow $CLONE
 *
 * prints
 *
 *     on n2, with what n1 had counted
 */

import { exit, onSignal, self } from "godwit";

const began = { node: self.node, count: 0 };
onSignal("SIGUSR1", () => {
  console.log(`on ${self.node}, with what ${began.node} ${began.count > 0 ? "had counted" : "had not begun"}`);
  exit(0);
});
for (;;) began.count++;
