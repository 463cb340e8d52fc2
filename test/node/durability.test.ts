/**
 * Durable processes: the images of them, what they cost, and what becomes of faults.
 *
 * @alone: it measures how long a process stands still
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { failure } from "../../src/errors.ts";
import { DURABLE_DELTAS_MAX } from "../../src/limits.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "./bench-members.ts";

await withMembers(["a", "b"], (t) => {
  const durable = async (pid: number) => {
    const found = await t.get("a").view.directory.find(pid);
    assert.ok(found?.durable !== undefined, `process ${pid} has an entry`);
    return found.durable;
  };
  const stored = async (pid: number) =>
    (await t.get("a").view.engine.blobs.list(`image/${pid}/`)).map(({ name }) => name.split("/")[2]);

  test("the first image is there when the pid is known; an idle process has no others", async () => {
    const pid = await t.start("a", `console.log("up"); receive();`);
    const { chains } = await durable(pid);
    assert.deepEqual(
      chains.map(({ length }) => length),
      [1],
    );
    await t.test("a").watch(pid).printed("up");
    const { durability } = t.get("a").cluster;
    await until("an image of what it has done", async () => {
      const before = durability?.savedCount(pid)?.images;
      for (let n = 0; n < 3; n++) await durability?.save(pid);
      return before === durability?.savedCount(pid)?.images;
    });
    const rest = durability?.savedCount(pid)?.images;
    for (let n = 0; n < 5; n++) await durability?.save(pid);
    assert.equal(durability?.savedCount(pid)?.images, rest);
    await t.get("a").own.signal(pid, "SIGKILL");
    await until("its images' end", async () => (await stored(pid)).length === 0);
    await until("its entry's end", async () => (await t.get("a").view.directory.find(pid)) === undefined);
  });

  test("an image has what changed, chains are bounded, and nothing else is kept", async () => {
    const pid = await t.start(
      "a",
      `const big = new Uint8Array(1 << 20); for (let i = 0, x = 1; i < big.length; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; big[i] = x; } globalThis.big = big; console.log("up"); for (let n = 0;; n++) { big[n % 1000]++; sleep(1); }`,
      60_000,
    );
    const { durability } = t.get("a").cluster;
    await t.test("a").watch(pid).printed("up");
    for (let n = 0; n < 2; n++) await durability?.save(pid); // larger than the first base: a base of its own
    const count = () => durability?.savedCount(pid) ?? { images: 0, bytes: 0, pauseMs: 0 };
    const before = count().bytes;
    await durability?.save(pid);
    assert.ok(before > 2 ** 19, `the large one has ${before} bytes`);
    assert.ok(count().bytes - before < 2 ** 18, `the next has ${count().bytes - before}`);
    assert.ok(count().pauseMs < 200, `it stood still for ${count().pauseMs} ms`);
    for (let n = 0; n < 2 * DURABLE_DELTAS_MAX + 10; n++) {
      await durability?.save(pid);
      const { chains } = await durable(pid);
      assert.ok(chains.length <= 2 && chains.every(({ length }) => length <= DURABLE_DELTAS_MAX + 2));
      if (n % 20 === 0) assert.deepEqual(new Set(await stored(pid)), new Set(chains.flat()));
    }
    await t.get("a").own.signal(pid, "SIGKILL");
    await until("its images' end", async () => (await stored(pid)).length === 0);
  });

  test("images are sealed: who has the store has nothing of the process", async () => {
    const pid = await t.start(
      "a",
      `globalThis.secret = "correct horse battery " + "staple"; console.log("up"); receive();`,
    );
    await t.test("a").watch(pid).printed("up");
    await t.get("a").cluster.durability?.save(pid);
    const folder = join(t.folder, "state", "blobs", "image", String(pid));
    for (const file of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, file));
      assert.equal(bytes.subarray(4, 7).toString(), "GWS");
      assert.ok(!bytes.includes("correct horse"));
    }
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("a store that is full: the process goes on, its fault is told once, and what was not saved is saved later", async () => {
    const pid = await t.start("a", `for (let n = 0;; n++) { globalThis.n = n; sleep(2); }`, 60_000);
    const { durability, node } = t.get("a").cluster;
    const { blobs } = t.get("a").view.engine;
    const put = blobs.put.bind(blobs);
    Object.assign(blobs, {
      put: async () => {
        throw failure("ENOSPC", "the disk is full");
      },
    });
    const before = (await durable(pid)).chains;
    for (let n = 0; n < 3; n++) await durability?.save(pid);
    Object.assign(blobs, { put });
    assert.deepEqual((await durable(pid)).chains, before);
    assert.match((await t.event("unsaved", pid)).reason, /disk is full \(ENOSPC\)/);
    assert.equal(t.events.filter((event) => event.kind === "unsaved").length, 1);
    assert.equal(node.table.living(pid).exit, undefined);
    await durability?.save(pid);
    assert.equal((await durable(pid)).chains[0]?.length, 2);
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("who has lost a process to another node ends it", async () => {
    const pid = await t.start("a", `for (let n = 0;; n++) sleep(1);`, 60_000);
    const { directory } = t.get("b").view;
    assert.equal(await directory.claim(pid, { node: "a", epoch: 0 }, { node: "b", epoch: 1 }, "b", "test"), "won");
    const before = await stored(pid);
    await t.get("a").cluster.durability?.save(pid);
    const status = await t.get("a").own.wait(pid);
    assert.equal(status.code, 137);
    assert.match(status.reason ?? "", /superseded/);
    await t.event("superseded", pid);
    assert.deepEqual(await stored(pid), before, "the other's images stay, and this one left none");
    assert.equal((await directory.find(pid))?.node, "b", "the other's entry stays");
    await directory.forget(pid);
  });

  const LOOP = `for (let n = 0;; n++) { globalThis.n = n; sleep(1); }`;
  const promised = () => {
    let resolve = () => {};
    const promise = new Promise<void>((given) => (resolve = given));
    return { promise, resolve };
  };

  test("an image that is asked for while another is stored has what was done since", async () => {
    const pid = await t.start("a", LOOP, 60_000);
    const { durability } = t.get("a").cluster;
    const { blobs } = t.get("a").view.engine;
    const put = blobs.put.bind(blobs);
    const [reached, goOn] = [promised(), promised()];
    Object.assign(blobs, {
      put: async (...about: Parameters<typeof put>) => {
        reached.resolve();
        await goOn.promise;
        return put(...about);
      },
    });
    const before = durability?.savedCount(pid)?.images ?? 0;
    const first = durability?.save(pid);
    await reached.promise;
    const [second, third] = [durability?.save(pid), durability?.save(pid)];
    goOn.resolve();
    await first;
    Object.assign(blobs, { put });
    await Promise.all([second, third]);
    assert.equal(durability?.savedCount(pid)?.images, before + 2, "one for both that asked meanwhile");
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("an image of a process that has just come waits for what the directory has of its images", async () => {
    const pid = await t.start("a", LOOP, 60_000);
    const { cluster, view } = t.get("b");
    const find = view.directory.find.bind(view.directory);
    const goOn = promised();
    Object.assign(view.directory, {
      find: async (one: number) => {
        await goOn.promise;
        return find(one);
      },
    });
    assert.equal((await t.get("a").cluster.migrate(pid, "b")).outcome, "moved");
    await until("its coming", () => cluster.durability?.keeps(pid) === true);
    const before = (await durable(pid)).chains.flat();
    const saving = cluster.durability?.save(pid);
    Object.assign(view.directory, { find });
    goOn.resolve();
    await saving;
    assert.equal(cluster.durability?.savedCount(pid)?.images, 1);
    const { chains } = await durable(pid);
    assert.deepEqual([chains[0]?.length, chains[1]], [1, before]);
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("a base clears away what was there before it, and not what whoever comes next stores", async () => {
    const pid = await t.start("a", LOOP, 60_000);
    const { cluster, view } = t.get("b");
    await view.engine.blobs.put(`image/${pid}/left-behind`, new Uint8Array(10));
    const note = view.directory.note.bind(view.directory);
    Object.assign(view.directory, {
      note: async (...about: Parameters<typeof note>) => {
        const outcome = await note(...about);
        await view.engine.blobs.put(`image/${pid}/next`, new Uint8Array(10));
        return outcome;
      },
    });
    assert.equal((await t.get("a").cluster.migrate(pid, "b")).outcome, "moved");
    await cluster.durability?.save(pid);
    Object.assign(view.directory, { note });
    assert.deepEqual(new Set(await stored(pid)), new Set([...(await durable(pid)).chains.flat(), "next"]));
    await t.get("a").own.signal(pid, "SIGKILL");
    await until("its images' end", async () => (await stored(pid)).length === 0);
  });

  test("an image of an epoch that is over is dropped; its process, which is still this node's, goes on", async () => {
    const pid = await t.start("a", LOOP, 60_000);
    const { directory } = t.get("a").view;
    const before = await stored(pid);
    assert.equal(await directory.claim(pid, { node: "a", epoch: 0 }, { node: "a", epoch: 1 }, "a", "stayed"), "won");
    await t.get("a").cluster.durability?.save(pid);
    assert.deepEqual(await stored(pid), before);
    assert.equal(t.get("a").cluster.node.table.living(pid).exit, undefined);
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("its chain goes on where it moves, and back", async () => {
    const pid = await t.start(
      "a",
      `register("mover"); for (let n = 1; n <= 2500; n++) { console.log("n", n); sleep(1); }`,
      100,
    );
    const watched = t.test("a").watch(pid);
    for (const [to, at] of [
      ["b", 20],
      ["a", 150],
    ] as const) {
      await watched.printed(`n ${at}\n`);
      const { outcome, reason } = await t.get("a").cluster.migrate(pid, to);
      assert.equal(outcome, "moved", reason);
      await until(`an image made on ${to}`, () => (t.get(to).cluster.durability?.savedCount(pid)?.images ?? 0) > 0);
      assert.equal((await t.get("a").view.directory.find(pid))?.node, to);
    }
    const { stdout, status } = await watched.ended;
    assert.equal(status.code, 0);
    assert.equal(stdout, Array.from({ length: 2500 }, (_, n) => `n ${n + 1}\n`).join(""));
    await until("its images' end", async () => (await stored(pid)).length === 0);
  });

  test("an image that is damaged, cut short or gone: the one before it is as good as it was", async () => {
    const pid = await t.start("a", `globalThis.n = 0; for (;;) { globalThis.n++; sleep(1); }`, 60_000);
    const { durability } = t.get("a").cluster;
    for (let n = 0; n < 6; n++) await durability?.save(pid);
    const images = durability?.images;
    assert.ok(images !== undefined);
    const { chains } = await durable(pid);
    const chain = chains[0] ?? [];
    assert.ok(chain.length >= 5);
    const whole = await images.recover(pid, chains);
    assert.deepEqual([whole.image, whole.problems], [chain.at(-1), []]);
    const pathOf = (image = "") => join(t.folder, "state", "blobs", "image", String(pid), `${image}.blob`);
    const damaged = readFileSync(pathOf(chain.at(-1)));
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    writeFileSync(pathOf(chain.at(-1)), damaged);
    const second = await images.recover(pid, chains);
    assert.equal(second.image, chain.at(-2));
    assert.match(second.problems.join(), /cannot be read \(ECORRUPT/);
    truncateSync(pathOf(chain.at(-2)), Math.floor(statSync(pathOf(chain.at(-2))).size / 2));
    assert.equal((await images.recover(pid, chains)).image, chain.at(-3));
    await images.drop(pid, chain[1] ?? "");
    assert.equal((await images.recover(pid, chains)).image, chain[0]);
    await images.drop(pid, chain[0] ?? "");
    const rest = chains.slice(1);
    if (rest.length === 0) await assert.rejects(images.recover(pid, chains), { code: "ECORRUPT", message: /no image/ });
    else assert.equal((await images.recover(pid, chains)).image, rest[0]?.at(-1));
    await t.get("a").own.signal(pid, "SIGKILL");
  });
});
