/** A program of the host that serves a client: descriptors 0, 1 and 2 are the socket itself. */

import { type StdioOptions, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Account } from "./account.ts";

export interface HostCommand {
  readonly path: string;
  readonly argv: readonly string[];
  readonly account: Account;
}

/** What a program is given of our environment, besides a PATH of the system's own. */
const VARIABLES = ["TZ", "LANG"];

function environment(): NodeJS.ProcessEnv {
  const variables = VARIABLES.map((name) => [name, process.env[name]] as const);
  return { PATH: "/usr/bin:/bin", ...Object.fromEntries(variables.filter(([, value]) => value !== undefined)) };
}

/**
 * Starts it, in a session of its own: it goes on when we end. Resolves at its end.
 * @param socket a connection, which we then have no more, or the descriptor of a socket
 * @throws Error of the system's when it cannot be started
 */
export async function runCommand({ path, argv, account }: HostCommand, socket: Socket | number): Promise<void> {
  const [argv0 = path, ...args] = argv;
  const stdio: StdioOptions = [socket, socket, socket];
  try {
    const child = spawn(path, args, { argv0, stdio, detached: true, cwd: "/", env: environment(), ...account });
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject).once("exit", () => resolve());
      if (typeof socket !== "number") socket.destroy(); // its own now
    });
  } finally {
    if (typeof socket !== "number") socket.destroy();
  }
}
