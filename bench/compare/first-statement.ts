/** What `node-spawn.ts` starts, as a worker thread or as a process: says when its first statement ran. */

import { parentPort } from "node:worker_threads";

const at = process.hrtime.bigint();
if (parentPort === null) process.stdout.write(String(at));
else parentPort.postMessage(String(at));
