/** The kernel of an LWP in this thread, without a node around it: for what a step costs without the way there and back. */

import { getRandomValues } from "node:crypto";
import type { StressMode } from "../src/abi/control.ts";
import { NO_CAPABILITIES } from "../src/kernel/capability.ts";
import type { Host } from "../src/kernel/host.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import { receive } from "../src/kernel/lwp.ts";
import type { Process } from "../src/kernel/process.ts";
import type { FromLwp } from "../src/kernel/protocol.ts";
import { quotasOf } from "../src/kernel/quota.ts";
import type { Engine } from "../src/machine/engine.ts";
import * as codec from "../src/resources/codec.ts";
import { hostCrypto } from "../src/resources/crypto.ts";
import { hostFiles } from "../src/resources/file.ts";

const RUN_MS = 1000;

export class LocalKernel extends Kernel {
  /** How often a guest was asked whether to stop. */
  polls = 0;
  /** Called with every message for the node. */
  onPost: (message: FromLwp) => void = () => {};
  #lastPid = 0;

  constructor(engine: Engine) {
    const host: Host = {
      nodeName: "bench",
      monotonicMs: () => performance.now(),
      wallClockMs: () => Date.now(),
      randomBytes: (into) => void getRandomValues(into),
      attention: () => false,
      post: (message) => this.onPost(message),
      files: hostFiles,
      askNode: () => Promise.reject(new Error("there is no other node")),
      codec,
      crypto: hostCrypto(),
    };
    super(engine, host, Infinity);
  }

  override poll(process: Process): boolean {
    this.polls++;
    return super.poll(process);
  }

  spawn(source: string, stress?: StressMode): number {
    const pid = ++this.#lastPid;
    const program = { name: "program.js", source, sourceMap: "" };
    receive(this, {
      op: "spawn",
      birth: {
        pid,
        parent: 0,
        program,
        arguments: [],
        environment: {},
        quotas: quotasOf({}),
        capabilities: NO_CAPABILITIES,
        workingDirectory: "/",
        stress,
      },
    });
    return pid;
  }

  /** Runs guests until all have ended or wait for something. */
  settle(): void {
    while (this.scheduler.readyCount > 0) this.run(RUN_MS);
  }

  kill(pid: number): void {
    receive(this, { op: "signal", pid, signal: "SIGKILL" });
  }
}
