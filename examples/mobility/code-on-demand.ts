/**
 * Code on demand: a program fetches code that it does not have, and runs it. A server process has functions as text, by
 * name; the client asks for one when it needs it, and once.
 *
 *     npx godwit run examples/mobility/code-on-demand.ts
 *
 * prints
 *
 *     median of 5 1 4: 4
 *     range of 5 1 4: 4
 *     median of 9 8 7: 8
 *     mode: there is no code for it
 *     2 functions were fetched
 */

import { exit, fork, kill, receive, self, send, wait } from "godwit";

type Statistic = (numbers: readonly number[]) => number;
interface Request {
  readonly name: string;
  readonly to: number;
}

const library = new Map([
  ["median", "return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];"],
  ["range", "return Math.max(...numbers) - Math.min(...numbers);"],
]);

const server = fork();
if (server === 0) {
  for (;;) {
    const { name, to } = receive().message as Request;
    send(to, library.get(name) ?? null);
  }
}

// From here on the client, which uses nothing of the library but what it is sent.
const fetched = new Map<string, Statistic>();

function statistic(name: string): Statistic | undefined {
  const known = fetched.get(name);
  if (known !== undefined) return known;
  send(server, { name, to: self.pid } satisfies Request);
  const code = receive().message as string | null;
  if (code === null) return undefined;
  // oxlint-disable-next-line typescript/no-implied-eval -- running fetched code is what this example is about
  const made = new Function("numbers", code) as Statistic;
  fetched.set(name, made);
  return made;
}

for (const [name, ...numbers] of [
  ["median", 5, 1, 4],
  ["range", 5, 1, 4],
  ["median", 9, 8, 7],
  ["mode", 1, 1, 2],
] as const) {
  const apply = statistic(name);
  console.log(
    apply === undefined ? `${name}: there is no code for it` : `${name} of ${numbers.join(" ")}: ${apply(numbers)}`,
  );
}
console.log(`${fetched.size} functions were fetched`);
kill(server);
wait(server);
exit(0);
