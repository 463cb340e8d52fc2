/**
 * A client that knows how: it asks a lookup where the service is, and goes to the node that has the process.
 *
 *     node examples/route/client.mjs http://127.0.0.1:5380
 *
 * It prints `directly, at 127.0.0.1:8081`. After `godwit unexpose where --on http://127.0.0.1:8081` it prints
 * `relayed by the stable address`.
 */

import { openService } from "godwit/client";

const where = await openService("where", { lookup: process.argv[2] ?? "http://127.0.0.1:5380" });
process.stdout.write(await (await where.fetch("/")).text());
await where.close();
