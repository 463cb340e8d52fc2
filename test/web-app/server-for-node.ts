/** The example's application under Node, as its users would run it: `node server-for-node.js BUNDLE`; prints where. */

import { serve } from "@hono/node-server";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file = ""] = process.argv.slice(2);
const { default: app } = (await import(pathToFileURL(resolve(file)).href)) as {
  default: { readonly fetch: (request: Request) => Promise<Response> };
};
// Node's own Request and Response, not that package's quicker ones, which write some headers otherwise than the standard.
const options = { fetch: app.fetch, hostname: "127.0.0.1", port: 0, overrideGlobalObjects: false };
serve(options, ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`));
