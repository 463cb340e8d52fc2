/** The example's application, served by one or the other, each in a process of its own. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const APPLICATION = "examples/hono/app.ts";
const COMMAND = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const NODE_SERVER = fileURLToPath(new URL("./server-for-node.js", import.meta.url));

export interface Site {
  readonly url: string;
}

/** What is called when a test is over. */
interface Context {
  after(clean: () => unknown): void;
}

/** `godwit run [flags] FILE --listen 0`. */
export function underGodwit(context: Context, ...flags: readonly string[]): Promise<Site> {
  return started(context, [COMMAND, "run", ...flags, APPLICATION, "--listen", "0"]);
}

/** Any command of godwit's that prints where it listens. */
export function underCommand(context: Context, args: readonly string[], environment = {}): Promise<Site> {
  return started(context, [COMMAND, ...args], environment);
}

/** The same file, for Node's own HTTP server. */
export async function underNode(context: Context): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-app-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "app.mjs");
  await build({ entryPoints: [APPLICATION], bundle: true, platform: "node", format: "esm", outfile });
  return started(context, [NODE_SERVER, outfile]);
}

async function started(context: Context, args: readonly string[], environment = {}): Promise<Site> {
  const child = spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...environment },
  });
  context.after(() => child.kill("SIGKILL"));
  let told = "";
  const url = await new Promise<string>((resolve, reject) => {
    const look = (text: Buffer) => {
      told += text.toString();
      const [, found] = /Listening on (http:\S+)\n/.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", () => reject(new Error(`it ended before it listened: ${args.join(" ")}\n${told}`)));
  });
  return { url };
}
