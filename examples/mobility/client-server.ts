/**
 * Client and server: the code stays where it is, and only questions and answers travel. Here the server is told to go to
 * another node between two questions, and the client, which stays, does not notice: it knows the server by its pid.
 *
 *     npx godwit up --detach --nodes 3
 *     PID=$(npx godwit run --detach --node n1 examples/mobility/client-server.ts n2 n3)
 *     npx godwit logs --follow $PID
 *
 * prints
 *
 *     n1: the 1st prime is 2
 *     n2: the 2nd prime is 3
 *     n3: the 3rd prime is 5
 *     asked from n1 all the time
 */

import { fork, kill, migrate, receive, self, send, wait } from "godwit";

interface Question {
  readonly nth: number;
  readonly from: number;
}

function nextPrime(after: number): number {
  for (let n = after + 1; ; n++) {
    let d = 2;
    while (d * d <= n && n % d !== 0) d++;
    if (d * d > n) return n;
  }
}

const server = fork();
if (server === 0) {
  const primes = [2];
  const places = [...self.arguments];
  for (;;) {
    const { nth, from } = receive().message as Question;
    while (primes.length < nth) primes.push(nextPrime(primes.at(-1) ?? 1));
    send(from, { node: self.node, prime: primes[nth - 1] });
    const next = places.shift();
    if (next !== undefined) migrate(next); // questions that arrive meanwhile are forwarded
  }
}

for (const [index, ordinal] of ["1st", "2nd", "3rd"].entries()) {
  send(server, { nth: index + 1, from: self.pid } satisfies Question);
  const { node, prime } = receive().message as { node: string; prime: number };
  console.log(`${node}: the ${ordinal} prime is ${prime}`);
}
console.log(`asked from ${self.node} all the time`);
kill(server);
wait(server);
