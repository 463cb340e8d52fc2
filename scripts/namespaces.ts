/**
 * `godwit demo` on three machines in miniature: network namespaces with addresses of their own, a NATS cluster of three
 * servers, and a node in each, joined by token, with links over TLS. Sets all of it up and takes it down again:
 *
 *     npm run namespaces [-- --limit N]     the demo, as root
 *     npm run namespaces -- --hold          only sets up, says how the nodes are reached, and waits for Ctrl-C
 */

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { show } from "../src/cli/demo.ts";
import { compileProgram, guestExports } from "../src/node/program.ts";
import { MACHINES, NamespaceWorld, findMeans } from "../test/cluster/namespace-world.ts";

const PROGRAM = fileURLToPath(new URL("../../demo/primes.ts", import.meta.url));

const { values } = parseArgs({
  options: { limit: { type: "string", default: "1000000" }, hold: { type: "boolean", default: false } },
});
const means = await findMeans();
if ("missing" in means) {
  console.error(`not possible here: ${means.missing}`);
  process.exit(1);
}
const startMs = performance.now();
const world = await NamespaceWorld.start(means.nats);
const interrupted = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
try {
  await Promise.race([values.hold ? hold() : demo(), interrupted]);
} finally {
  await world.stop();
}
process.exit();

async function demo(): Promise<void> {
  const program = await compileProgram(PROGRAM, { guestExports: await guestExports() });
  const control = await world.control("a");
  await show({ control, nodes: MACHINES, through: "a" }, program, {
    limit: Number(values.limit),
    json: false,
    startMs,
  });
}

async function hold(): Promise<void> {
  for (const machine of MACHINES)
    console.log(
      `node ${machine} at ${world.address(machine)}: GODWIT_SOCKET=${world.socket(machine)} npx godwit nodes`,
    );
  await interrupted;
}
