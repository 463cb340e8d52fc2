/** Commands that do one thing to each of some processes. */

import { type NodeClient, connect } from "../client/node-client.ts";
import { EXIT, printError, printJson } from "./print.ts";
import { parsePid } from "./quantity.ts";

/**
 * Acts on each process in turn. One that fails does not keep the others from their turn; the exit code tells of it.
 * Prints nothing on success, as the system's own `kill`, unless JSON is asked for.
 */
export async function forEachPid(
  pids: readonly string[],
  flags: { readonly json?: true },
  act: (node: NodeClient, pid: number) => Promise<void>,
): Promise<void> {
  const numbers = pids.map(parsePid);
  const node = await connect();
  const done: number[] = [];
  for (const pid of numbers) {
    try {
      await act(node, pid);
      done.push(pid);
    } catch (error) {
      printError(error, flags.json === true);
      process.exitCode = EXIT.error;
    }
  }
  if (flags.json === true) printJson({ pids: done });
}
