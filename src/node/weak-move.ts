/** Weak mobility: a program's code and the state that it declares go to another node, and are started there. */

import type { ClusterControl, SpawnOptions } from "../abi/control.ts";
import type { Entry } from "./process-table.ts";

/** What a process was started with. */
export async function programOf({ pid, lwp }: Entry): Promise<SpawnOptions> {
  const { start } = await lwp.ask(pid, { kind: "program" });
  const { program, ...rest } = start;
  return { ...program, ...rest };
}

/** Resolves to the new pid. What is kept is taken at the event loop; from then on the old process does nothing more. */
export async function restartAt(home: ClusterControl, target: ClusterControl, pid: number): Promise<number> {
  const program = await home.program(pid);
  const kept = await home.kept(pid);
  let anew: number;
  try {
    anew = await target.spawn({ ...program, kept, node: target.name });
  } catch (error) {
    await home.resume(pid);
    throw error;
  }
  await target.input(anew, null).catch(() => {}); // it may have ended already
  await home.signal(pid, "SIGKILL").catch(() => {}); // somebody was quicker
  return anew;
}
