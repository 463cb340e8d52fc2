/** Who can write in the directory may write anything there, and its store may be silent for a while: nothing is held up by that. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "cborg";
import type { ExposeOptions, Front, SpawnOptions } from "../../src/abi/control.ts";
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

async function startsOf(directory: LoneDirectory, spawn: (options: SpawnOptions) => Promise<number>) {
  const wanted = new Set(["web"]);
  const vault = new LoneVault();
  const processes = { spawn, signal: async () => {}, wait: () => new Promise<never>(() => {}) };
  const starts = await Starts.open({
    self: "a",
    directory,
    vault,
    membership: ALONE,
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
