/** Writes half of a blob, says so, and waits to be killed. */

import { connectEmbedded } from "../../src/cluster/engines/embedded.ts";

const { socket, name } = JSON.parse(process.argv[2] ?? "") as { socket: string; name: string };
const engine = await connectEmbedded({ socket });
const half = async function* () {
  yield new Uint8Array(2 ** 20);
  console.log("half");
  await new Promise(() => setInterval(() => {}, 1_000));
};
await engine.blobs.put(name, half());
