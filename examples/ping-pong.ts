/**
 * Two processes and their mailboxes. They share no memory: what is sent is copied, and answers go to whoever sent.
 *
 *     npx godwit run examples/ping-pong.ts
 *
 * prints
 *
 *     ping 1, pong 1
 *     ping 2, pong 2
 *     ping 3, pong 3
 *     the partner ended with code 0
 */

import { exit, fork, receive, send, wait } from "godwit";

type Ball = { readonly kind: "ping" | "pong"; readonly round: number } | { readonly kind: "stop" };

function answer(): never {
  for (;;) {
    const { from, message } = receive<Ball>();
    if (message.kind === "stop") exit(0);
    send(from, { kind: "pong", round: message.round } satisfies Ball);
  }
}

const partner = fork();
if (partner === 0) answer();

for (let round = 1; round <= 3; round++) {
  send(partner, { kind: "ping", round } satisfies Ball);
  const { message } = receive<Ball>({ timeoutMs: 5000 }) ?? { message: { kind: "stop" } };
  if (message.kind !== "pong") throw new Error(`round ${round}: no pong`);
  console.log(`ping ${round}, pong ${message.round}`);
}
send(partner, { kind: "stop" } satisfies Ball);
console.log(`the partner ended with code ${wait(partner).code}`);
