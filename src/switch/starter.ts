/**
 * Starts a service's process at this node, for whichever node has made the entry `runs/SERVICE`, and notes it there itself. A node
 * that asked for it may be gone by then, and what it asked for be somebody else's: then what was started here is ended. So there
 * is no process of a service that nobody knows of.
 */

import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";

import type { SpawnOptions } from "../abi/control.ts";
import type { ExitStatus, SignalName } from "../abi/records.ts";
import type { Directory } from "../cluster/engine.ts";
import { failure, GodwitError } from "../errors.ts";
import { SERVICE_NOTE_MAX_MS, SERVICE_NOTE_MS } from "../limits.ts";
import type { Entries } from "./entries.ts";
import { type Run, RUNS, runOf, runValue, type Start, startOf, STARTS } from "./exposure.ts";
import type { Vault } from "./vault.ts";

/** Processes of the whole cluster. */
export interface Processes {
  spawn(options: SpawnOptions): Promise<number>;
  signal(pid: number, signal: SignalName): Promise<void>;
  /** Wherever its home is meanwhile. @throws GodwitError ESRCH when it is gone for good. */
  wait(pid: number): Promise<ExitStatus>;
}

export interface StarterOptions {
  readonly self: string;
  readonly directory: Directory;
  readonly vault: Vault;
  readonly runs: Entries<Run>;
  readonly processes: () => Processes | undefined;
}

const PROGRAM = v.looseObject({ name: v.string(), source: v.string() });
const ASKED = v.object({ service: v.string(), id: v.string() });

export class Starter {
  readonly #options: StarterOptions;
  /** Programs as the vault had them, by their names there. */
  readonly #programs = new Map<string, SpawnOptions>();
  #isOver = false;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** Another node wants one to be started here. @throws GodwitError ESTALE when that is over; as `start`, EPROTO. */
  async asked(body: unknown): Promise<void> {
    const checked = v.safeParse(ASKED, body);
    if (!checked.success) throw failure("EPROTO", `a start is malformed: ${checked.issues[0].message}`);
    const { service, id } = checked.output;
    const { directory } = this.#options;
    const [start, run] = await Promise.all([directory.get(STARTS + service), directory.get(RUNS + service)]);
    const [definition, wanted] = [start && startOf(start), run && runOf(run)];
    if (definition === undefined || wanted?.id !== id || wanted.pid !== null) throw stale(service);
    await this.start(definition, wanted);
  }

  /**
   * Resolves when the process runs here and its entry says so.
   * @throws GodwitError ESTALE when it was started elsewhere meanwhile; ECORRUPT, ENOSYS; EAGAIN, EPROCLIM when this node takes no more.
   */
  async start(start: Start, run: Run): Promise<void> {
    const program = await this.program(start);
    const processes = this.#options.processes();
    if (processes === undefined) throw failure("ENOSYS", "this switch cannot start processes");
    const pid = await processes.spawn({ ...program, node: this.#options.self });
    if (await this.#note(run, pid)) return;
    processes.signal(pid, "SIGKILL").catch(() => {}); // it may have ended
    throw stale(run.service);
  }

  /** The entry is asked for until it is known what it says. False when it is another start's by now, or this node stops. */
  async #note(wanted: Run, pid: number): Promise<boolean> {
    const { directory, runs } = this.#options;
    const key = RUNS + wanted.service;
    let run = wanted;
    for (let pauseMs = SERVICE_NOTE_MS; !this.#isOver; pauseMs = Math.min(2 * pauseMs, SERVICE_NOTE_MAX_MS)) {
      try {
        await runs.replace(key, runValue({ ...run, pid }), run.revision);
        return true;
      } catch (error) {
        if (!(error instanceof GodwitError)) throw error;
      }
      // Somebody else has written it, or the answer was lost, or the store stands still.
      const entry = await directory.get(key).catch(noAnswer);
      if (entry !== "no answer") {
        const now = entry && runOf(entry);
        if (now?.id !== wanted.id) return false;
        if (now.pid !== null) return now.pid === pid;
        run = now;
      }
      await delay(pauseMs, undefined, { ref: false });
    }
    return false;
  }

  /** @throws GodwitError ECORRUPT, or as the vault. */
  async program({ secret }: Start): Promise<SpawnOptions> {
    const known = this.#programs.get(secret);
    if (known !== undefined) return known;
    const kept = v.safeParse(PROGRAM, await this.#options.vault.get(secret));
    if (!kept.success) throw failure("ECORRUPT", `what is kept as ${secret} is no program`);
    this.#programs.set(secret, kept.output);
    return kept.output;
  }

  /** Of what is not defined any more nothing is kept. */
  keepOnly(secrets: ReadonlySet<string>): void {
    for (const name of this.#programs.keys()) if (!secrets.has(name)) this.#programs.delete(name);
  }

  /** What is not noted yet is ended with its node. */
  close(): void {
    this.#isOver = true;
  }
}

function noAnswer(error: unknown): "no answer" {
  if (error instanceof GodwitError) return "no answer";
  throw error;
}

function stale(service: string): GodwitError {
  return failure("ESTALE", `service ${service} is not to be started here any more`);
}
