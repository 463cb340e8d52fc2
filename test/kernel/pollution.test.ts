/** What a guest gives as JSON may have the names that objects have of their own: nothing of the host's changes by it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalKernel } from "../../bench/local-kernel.ts";
import { type ArgumentKind, type Syscall, SYSCALLS, type SyscallName } from "../../src/abi/syscalls.ts";
import { isErrorCode } from "../../src/errors.ts";
import type { Thread } from "../../src/kernel/thread.ts";
import { loadEngine } from "../../src/machine/load.ts";

const EVIL = `"__proto__": { "polluted": 1, "toString": 1 }, "constructor": { "prototype": { "polluted": 1 } }, "prototype": { "polluted": 1 }`;
/** Takes calls as if this thread made them. */
class AskedKernel extends LocalKernel {
  caller: Thread | undefined;

  override get current(): Thread | undefined {
    return this.caller ?? super.current;
  }
}

/** As the arguments come: parsed from text, so that the names are the object's own. */
const ARGUMENTS = [
  `{ ${EVIL} }`,
  `{ "environment": { ${EVIL}, "A": "b" }, "quotas": { ${EVIL} }, "capabilities": { ${EVIL} }, "arguments": { ${EVIL} }, ${EVIL} }`,
  `{ "kind": "listener", "address": "127.0.0.1:0", ${EVIL} }`,
  `{ "kind": "fetch", "method": "GET", "url": "http://x/", "headers": [["__proto__", "polluted"]], "body": "none", ${EVIL} }`,
  `{ "kind": "__proto__", "operation": "__proto__", "name": "constructor", "algorithm": { ${EVIL} }, ${EVIL} }`,
  `{ "to": "__proto__", "mode": "constructor", "threads": "__proto__", "encoding": "__proto__", ${EVIL} }`,
  `[{ ${EVIL} }, ["__proto__", "polluted"]]`,
];
const OTHERS: Readonly<Record<Exclude<ArgumentKind, "json">, unknown>> = {
  number: 1,
  string: "__proto__",
  bytes: new Uint8Array(8),
  cell: 0,
};

test("no call with a JSON argument lets the guest's names into the host", { timeout: 60_000 }, async () => {
  const clean = Object.getOwnPropertyNames(Object.prototype).toSorted();
  const kernel = new AskedKernel(await loadEngine());
  const pid = kernel.spawn("setTimeout(() => {}, 1e9);");
  kernel.settle();
  const process = kernel.processes.get(pid);
  assert.ok(process !== undefined);
  const calls = (Object.entries(SYSCALLS) as [SyscallName, Syscall][]).filter(([, call]) =>
    call.arguments.includes("json"),
  );
  assert.ok(calls.length >= 10);
  kernel.caller = process.main;
  let callId = 1_000_000;
  for (const [name, call] of calls)
    for (const text of ARGUMENTS) {
      const args = call.arguments.map((kind): unknown => (kind === "json" ? JSON.parse(text) : OTHERS[kind]));
      kernel.call(process, name, args, ++callId);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined, name);
    }
  kernel.caller = undefined;
  // Nonsense is refused, and with codes; no handler trips over it.
  const codes = process.events.flatMap((event) =>
    event.kind === "completion" && !event.outcome.ok ? [event.outcome.code] : [],
  );
  assert.ok(codes.length > calls.length, `${codes.length} refused`);
  for (const code of codes) assert.ok(isErrorCode(code) && code !== "EIO", code);
  kernel.settle();
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).toSorted(), clean);
  assert.equal(typeof {}.toString, "function");
  assert.ok(kernel.processes.has(pid), "the process goes on");
});
