/**
 * Serves the example's Hono application, under godwit or under Node, in an OS process of its own; tells over IPC where, and
 * on each message what processor time this OS process has used, in microseconds.
 *
 *     node dist/bench/web-server.js godwit|node BUNDLE
 */

import { readFileSync } from "node:fs";
import { BenchNode, PRELUDE } from "./bench-node.ts";

/** What it tells. */
export interface WebServerNews {
  readonly url?: string;
  readonly cpuUs?: number;
}

const [where = "", bundle = ""] = process.argv.slice(2);
const url = where === "godwit" ? await underGodwit() : await underNode();
const tell = (news: WebServerNews): void => void process.send?.(news);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  tell({ cpuUs: user + system });
});
process.once("disconnect", () => process.exit());
tell({ url });

async function underGodwit(): Promise<string> {
  const bench = await BenchNode.start({ lwps: 1 });
  const serving = `${PRELUDE}const server = godwit.serve(__application.default, { address: "127.0.0.1:0" });
    console.log(server.address);`;
  const source = `${readFileSync(bundle, "utf8")}\n${serving}`;
  const program = await bench.spawn(source, { capabilities: { listen: "all" } });
  return `http://${await program.line()}`;
}

async function underNode(): Promise<string> {
  const { serve } = await import("@hono/node-server");
  const source = `${readFileSync(bundle, "utf8")}\nexport default __application.default;`;
  const module = `data:text/javascript;base64,${Buffer.from(source).toString("base64")}`;
  const { default: app } = (await import(module)) as {
    default: { readonly fetch: (request: Request) => Promise<Response> };
  };
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => resolve(`http://127.0.0.1:${port}`));
  });
}
