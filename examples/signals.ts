/**
 * Signals. A handler runs on a thread of its own, so it gets through to a program that is busy in a loop without a
 * single call; the loop only sees the variable change. SIGTERM is a request: the program may tidy up before it goes.
 *
 *     npx godwit run examples/signals.ts
 *
 * prints
 *
 *     busy
 *     SIGUSR1, number 1
 *     SIGUSR1, number 2
 *     SIGUSR1, number 3
 *     done spinning
 *     SIGTERM: tidying up
 */

import { exit, kill, onSignal, self, sleep, Thread } from "godwit";

let caught = 0;
onSignal("SIGUSR1", (signal) => {
  caught++;
  console.log(`${signal}, number ${caught}`);
});
onSignal("SIGTERM", (signal) => {
  console.log(`${signal}: tidying up`);
  exit(0);
});

// Someone who sends signals: `godwit signal SIGUSR1 PID` in another terminal would do as well.
Thread.create(() => {
  for (let i = 1; i <= 3; i++) {
    kill(self.pid, "SIGUSR1");
    while (caught < i) sleep(1);
  }
});

console.log("busy");
let spins = 0;
while (caught < 3) spins++;
console.log("done spinning");
kill(self.pid, "SIGTERM");
for (;;) spins++;
