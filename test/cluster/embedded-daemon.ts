/** An embedded engine's server in an OS process of its own, to be killed. */

import { startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";

const { folder } = JSON.parse(process.argv[2] ?? "") as { folder: string };
const { socket } = await startEmbeddedServer({ folder });
console.log(`ready ${socket}`);
