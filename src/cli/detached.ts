/** `godwit up --detach`: the same command once more, as a process that goes on when this one has ended, and its terminal. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT } from "./print.ts";

/** One that is up. */
export interface Detached {
  readonly hostPid: number;
  /** The file that it writes what it has to say to. */
  readonly log: string;
}

/** Starts it, and resolves once it is up; to undefined if it could not, after saying what that said. */
export async function startDetached(socket: string): Promise<Detached | undefined> {
  const { makeFolder } = await import("../node/socket-file.ts");
  makeFolder(dirname(socket));
  // Who does not want to wait for it does not want it.
  const stop = () => void child.kill();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const log = `${socket}.log`;
  const file = openSync(log, "w", 0o600);
  const [main = "", ...args] = process.argv.slice(1);
  const same = args.filter((word) => word !== "--detach" && word !== "-d");
  const child = spawn(process.execPath, [...process.execArgv, main, ...same], {
    detached: true,
    stdio: ["ignore", "ignore", file, "ipc"],
  });
  closeSync(file);
  const isUp = await Promise.race([once(child, "message").then(() => true), once(child, "exit").then(() => false)]);
  process.off("SIGINT", stop).off("SIGTERM", stop);
  if (isUp && child.pid !== undefined) {
    child.disconnect();
    child.unref();
    return { hostPid: child.pid, log };
  }
  process.stderr.write(readFileSync(log));
  process.exitCode = child.exitCode ?? EXIT.error;
  return undefined;
}

/** In the process that was started: it is up. */
export function tellUp(): void {
  // Whoever started it may have gone.
  process.send?.("up", undefined, undefined, () => {});
}
