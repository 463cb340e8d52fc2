/** State that outlives the code: the program declares it, and a reload hands it from the old process to the new one. */

import { KEPT_NAME_MAX_CHARS } from "../../limits.ts";
import { coded, part, syscall } from "../core.ts";

/** What this program has declared. */
const declared = new Map<string, object>();
/** What the process was started with and nobody has declared yet: it is kept on, so that no edit loses it. */
let brought: Map<string, object> | undefined;

function broughtState(): Map<string, object> {
  if (brought === undefined) {
    const bytes = syscall("keptTake");
    brought =
      bytes.length === 0 ? new Map<string, object>() : (part("clone").decodeMessage(bytes) as Map<string, object>);
  }
  return brought;
}

/**
 * Declares state that is kept when the program's code is replaced (`godwit dev --keep`): the value that the earlier code
 * had under this name, or what `initial` makes when there is none.
 *
 * It is copied as `structuredClone` copies, when the program is at its event loop, so the value must be an object (its
 * changes are what is kept), and everything in it cloneable. Values that share objects go on sharing them.
 *
 * @throws `EINVAL` for a name that is empty or too long, and for a value that is no object; `EEXIST` for a name that is
 * declared already.
 * @example
 * const visits = keep("visits", () => new Map<string, number>());
 */
export function keep<T extends object>(name: string, initial: () => T): T {
  if (typeof name !== "string" || name === "" || name.length > KEPT_NAME_MAX_CHARS)
    throw coded("EINVAL", `a name for what is kept has 1 to ${KEPT_NAME_MAX_CHARS} characters`);
  if (declared.has(name)) throw coded("EEXIST", `"${name}" is kept already: declare it once, and import it elsewhere`);
  const value = (broughtState().get(name) as T | undefined) ?? initial();
  if (typeof value !== "object" || value === null)
    throw coded("EINVAL", `what is kept as "${name}" is no object: put it into one, whose changes can be seen`);
  declared.set(name, value);
  broughtState().delete(name);
  return value;
}

/** The first value that cannot be copied, by its name, and why. */
function obstacle(state: ReadonlyMap<string, object>, error: unknown): string {
  for (const [name, value] of state) {
    try {
      part("clone").encodeMessage(value, []);
    } catch (cause) {
      return `"${name}": ${String(cause)}`;
    }
  }
  return String(error);
}

/** Gives the state, or tells why not. Throws nothing: a program is not ended for being asked. */
export function giveKept(): void {
  let state: Map<string, object> | undefined;
  try {
    state = new Map([...broughtState(), ...declared]);
    syscall("keptGive", "", part("clone").encodeMessage(state, []));
  } catch (error) {
    syscall("keptGive", obstacle(state ?? new Map(), error), new Uint8Array());
  }
}
