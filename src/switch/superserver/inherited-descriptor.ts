/** Descriptors that we were started with, beside the standard ones. */

import { closeSync, readFileSync, readdirSync } from "node:fs";

const CLOSE_ON_EXEC = 0o2000000;
const STANDARD_MAX = 2;

/** Those of ours that programs would get from us: Node.js keeps all that it opens itself to itself. Known on Linux only. */
function inheritable(): number[] {
  const told = readdirSync("/proc/self/fdinfo").map(Number);
  return told.filter((descriptor) => {
    if (descriptor <= STANDARD_MAX) return false;
    try {
      const [, flags = ""] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")) ?? [];
      return flags !== "" && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
    } catch {
      return false; // that of the list itself
    }
  });
}

/** Closes them, so that no program that is started has them: what a server needs is its socket. */
export function closeInherited(): void {
  if (process.platform !== "linux") return;
  for (const descriptor of inheritable()) closeSync(descriptor);
}
