/** Who can write in the directory may write anything there, and its store may be silent for a while: nothing is held up by that. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import type { ExposeOptions, Front, SpawnOptions } from "../../src/abi/control.ts";
import type { SignalName } from "../../src/abi/records.ts";
import type { Change, Subscription } from "../../src/cluster/engine.ts";
import type { Membership } from "../../src/cluster/membership.ts";
import { failure } from "../../src/errors.ts";
import { Entries } from "../../src/switch/entries.ts";
import {
  type Exposure,
  exposureKey,
  exposureOf,
  EXPOSURES,
  exposureValue,
  runOf,
  runValue,
  startValue,
} from "../../src/switch/exposure.ts";
import { type Ground, Holding } from "../../src/switch/holding.ts";
import { LoneDirectory } from "../../src/switch/lone-directory.ts";
import { Starts } from "../../src/switch/starts.ts";
import { LoneVault } from "../../src/switch/vault.ts";
import { until } from "../cluster/condition.ts";

const EXPOSED = { policy: "local", passOn: "auto", at: "all", secret: null, careOf: null } as const;
const ADDRESS = "http://127.0.0.1:8080";

test("what is no exposure is none, and those beside it are known", async () => {
  const directory = new LoneDirectory();
  const known = await Entries.open(directory, EXPOSURES, exposureOf, () => {});
  const value = exposureValue(EXPOSED);
  const keys = ["%", "%E0%A4%A", "", "http%3A%2F%2Fx", "nonsense", "gopher%3A%2F%2F127.0.0.1%3A70", ADDRESS];
  for (const key of keys) await directory.create(`${EXPOSURES}web/${key}`, value);
  const values = [{ policy: "worst" }, { policy: "hash:nothing" }, { at: 7 }, { passOn: "mail" }, { secret: 1 }];
  for (const [index, wrong] of values.entries())
    await directory.create(exposureKey("web", `http://127.0.0.1:${9000 + index}`), encode({ ...EXPOSED, ...wrong }));
  await directory.create(exposureKey("web", "http://127.0.0.1:9999"), new Uint8Array([255, 0]));
  await directory.create(exposureKey("web", ADDRESS), value);
  assert.deepEqual(
    known.all().map(({ service, address }) => [service, address]),
    [["web", ADDRESS]],
  );
});

/** Tells what the test says, when it says it. */
class LateDirectory extends LoneDirectory {
  tell: (change: Change) => void = () => {};

  override watch(_prefix: string, onChange: (change: Change) => void): Subscription {
    this.tell = onChange;
    onChange({ kind: "current" });
    return { stop: () => {} };
  }
}

test("what was written here and deleted elsewhere is gone, though only what was before it is told of", async () => {
  const directory = new LateDirectory();
  const changes: (Exposure | undefined)[] = [];
  const known = await Entries.open(directory, EXPOSURES, exposureOf, (_key, one) => void changes.push(one));
  const key = exposureKey("web", ADDRESS);
  const value = exposureValue(EXPOSED);
  const first = await known.create(key, value);
  const second = await known.replace(key, value, first);
  // Of the one that was replaced: it tells nothing as long as the other is there.
  directory.tell({ kind: "delete", key, revision: first });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(known.get(key)?.revision, second);
  await directory.delete(key, second);
  directory.tell({ kind: "delete", key, revision: first });
  await until("it is gone", () => known.get(key) === undefined);
  assert.deepEqual(
    changes.map((one) => one?.revision),
    [first, second, undefined],
  );
});

test("an address whose certificate is changed while it is being opened ends open, with the new one", async () => {
  const exposure = (secret: string, revision: number): Exposure => ({
    ...EXPOSED,
    service: "web",
    address: "https://127.0.0.1:8443",
    secret,
    revision,
  });
  const opened: (string | undefined)[] = [];
  let open = 0;
  let mayOpen: () => void = () => {};
  const allowed = new Promise<void>((resolve) => (mayOpen = resolve));
  const ground: Ground = {
    self: "a",
    open: async ({ certificate, service, address }: ExposeOptions): Promise<Front> => {
      await allowed;
      opened.push(certificate);
      open++;
      return { service, address, policy: "local", node: "a", passOn: "auto" };
    },
    close: () => void open--,
    retire: () => void open--,
    revise: () => {},
    credentials: async (secret) => ({ certificate: secret, key: secret }),
  };
  const holding = new Holding(exposure("old", 1), ground, false);
  const tries = [holding.try()];
  await new Promise((resolve) => setImmediate(resolve));
  // It is being opened; what is tried now comes after that, and before the change.
  tries.push(holding.try(), holding.become(exposure("new", 2)));
  mayOpen();
  await Promise.all(tries);
  assert.deepEqual([opened, open, holding.isOpen], [["old", "new"], 1, true]);
  holding.close();
  assert.equal(open, 0);
});

/** Forgets nothing until it was asked so often. */
class SlowDirectory extends LoneDirectory {
  refusals = 2;

  override async delete(key: string, revision: number): Promise<void> {
    if (this.refusals-- > 0) throw failure("ETIMEDOUT", "the store is silent");
    return super.delete(key, revision);
  }
}

const ALONE = { find: () => ({ token: 7 }), all: () => [], watch: () => () => {} } as unknown as Membership;

async function startsOf(
  directory: LoneDirectory,
  spawn: (options: SpawnOptions) => Promise<number>,
  signal: (pid: number, name: SignalName) => Promise<void> = async () => {},
) {
  const wanted = new Set(["web"]);
  const vault = new LoneVault();
  const processes = { spawn, signal, wait: () => new Promise<never>(() => {}) };
  const starts = await Starts.open({
    self: "a",
    directory,
    vault,
    membership: ALONE,
    links: undefined,
    processes: () => processes,
    isServed: () => false,
    isWanted: (service) => wanted.delete(service),
    retire: () => false,
  });
  return { starts, vault };
}

test("a start that failed leaves nothing behind, which others would wait for, also when the store is silent", async (t) => {
  const directory = new SlowDirectory();
  let spawned = 0;
  const { starts } = await startsOf(directory, async () => {
    spawned++;
    throw failure("EINVAL", "no such program");
  });
  t.after(() => starts.close());
  await starts.define("web", { program: { name: "web.js", source: "" }, idleMs: 1_000 });
  await until("it was tried", () => spawned === 1);
  await until("it is forgotten", async () => (await directory.list("runs/")).length === 0);
  assert.ok(directory.refusals < 0);
});

test("a program that is none is not started, and the node goes on", async (t) => {
  const directory = new LoneDirectory();
  let spawned = 0;
  const { starts, vault } = await startsOf(directory, async () => ++spawned);
  t.after(() => starts.close());
  const secret = await vault.put({ name: 5 });
  let tried = 0;
  directory.watch("runs/", ({ kind }) => void (tried += kind === "put" ? 1 : 0));
  await directory.create("starts/web", startValue({ program: "web.js", idleMs: 1_000, secret }));
  await until("it was tried", () => tried === 1);
  await until("it is forgotten", async () => (await directory.list("runs/")).length === 0);
  assert.equal(spawned, 0);
});

/** Writes what it is told to write, or does not, and says in both cases that it does not know. */
class UnsureDirectory extends LoneDirectory {
  /** Of the next writes below `runs/`: whether they are carried out. */
  readonly unsure: boolean[] = [];

  override create(key: string, value: Uint8Array): Promise<number> {
    return this.#unsurely(key, () => super.create(key, value));
  }

  override replace(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#unsurely(key, () => super.replace(key, value, revision));
  }

  async #unsurely(key: string, write: () => Promise<number>): Promise<number> {
    const isDone = key.startsWith("runs/") ? this.unsure.shift() : undefined;
    if (isDone !== false) {
      const revision = await write();
      if (isDone === undefined) return revision;
    }
    throw failure("ETIMEDOUT", "the store is silent");
  }
}

const PROGRAM = { program: { name: "web.js", source: "" }, idleMs: 1_000 };

test("an entry of which it was not heard that it was made is taken out, if nobody wants the process any more", async (t) => {
  const directory = new UnsureDirectory();
  directory.unsure.push(true);
  let spawned = 0;
  const { starts } = await startsOf(directory, async () => ++spawned);
  t.after(() => starts.close());
  await starts.define("web", PROGRAM);
  await until("it was made", async () => (await directory.list("runs/")).length === 1);
  await until("it is forgotten", async () => (await directory.list("runs/")).length === 0);
  assert.equal(spawned, 0);
});

for (const [what, unsure] of [
  ["was", [true]],
  ["was not", [false, false]],
] as const)
  test(`a process of which it is not heard whether it ${what} noted is noted`, async (t) => {
    const directory = new UnsureDirectory();
    const killed: number[] = [];
    const spawn = async () => {
      directory.unsure.push(...unsure);
      return 77;
    };
    const { starts } = await startsOf(directory, spawn, async (pid) => void killed.push(pid));
    t.after(() => starts.close());
    await starts.define("web", PROGRAM);
    await until("it is noted", () => starts.of("web")?.pid === 77);
    assert.deepEqual([killed, directory.unsure], [[], []]);
  });

test("a process whose start is over by the time that it runs is ended", async (t) => {
  const directory = new LoneDirectory();
  const killed: number[] = [];
  const spawn = async () => {
    const [entry] = await directory.list("runs/");
    const run = entry && runOf(entry);
    assert.ok(run !== undefined);
    // Others have taken the node that wanted it for dead, and one of them has it started now.
    await directory.replace("runs/web", runValue({ ...run, id: "another", starter: "b" }), run.revision);
    return 77;
  };
  const { starts } = await startsOf(directory, spawn, async (pid) => void killed.push(pid));
  t.after(() => starts.close());
  await starts.define("web", PROGRAM);
  await until("it is ended", () => killed.length === 1);
  assert.deepEqual(killed, [77]);
  assert.equal(starts.of("web")?.pid, undefined);
});
