/** One of several processes that start a node at the same socket at once: says "up", or its error's code. */

import assert from "node:assert/strict";
import { GodwitError } from "../../src/errors.ts";
import { startDaemon } from "../../src/node/daemon.ts";
import { FakeNode } from "./fake-node.ts";

const socket = process.argv[2];
assert(socket !== undefined);
try {
  await startDaemon(new FakeNode(), { socket, version: "1", log: () => {} });
  console.log("up");
} catch (error) {
  console.log(error instanceof GodwitError ? error.code : String(error));
}
