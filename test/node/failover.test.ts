/**
 * Nodes that die: their durable processes go on elsewhere, from their last image, and only there.
 *
 * @alone: it measures how soon a process is back
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { failure } from "../../src/errors.ts";
import { until } from "../cluster/condition.ts";
import { withMembers } from "./bench-members.ts";

/** The numbers that a program printed. */
function numbers(text: string): number[] {
  return [...text.matchAll(/^n (\d+)$/gm)].map(([, n]) => Number(n));
}

/** Ascending by one: nothing is left out, and nothing is done twice in one life. */
function assertContiguous(counted: readonly number[]): void {
  counted.forEach((n, index) => assert.equal(n, (counted[0] ?? 0) + index));
}

const COUNTER = `for (let n = 1;; n++) { console.log("n " + n); sleep(10); }`;

await withMembers(["a", "b", "c"], (t) => {
  /** The node that has a process now, which is none of `not`. */
  const ownerOf = async (pid: number, not: readonly string[], from = "a") => {
    let node = "";
    await until(
      `process ${pid} on another node`,
      async () => {
        node = (await t.get(from).view.directory.find(pid))?.node ?? "";
        return node !== "" && !not.includes(node);
      },
      20_000,
    );
    return node;
  };

  test("home and host die: another node goes on from the last image, within seconds", async () => {
    await t.add("d");
    const pid = await t.start("d", `register("counter"); ${COUNTER}`);
    const watched = t.test("d").watch(pid);
    let before = "";
    t.get("d").own.output(pid, true, (_, bytes) => void (before += Buffer.from(bytes).toString()));
    watched.ended.catch(() => {});
    await watched.printed("n 60\n");
    const killedMs = performance.now();
    await t.kill("d");
    const to = await ownerOf(pid, ["d"]);
    const event = await t.event("restored", pid);
    const after = t.test(to).watch(pid);
    const [, first] = await after.match(/n (\d+)\n/);
    const tookMs = performance.now() - killedMs;
    assert.deepEqual([event.from, event.node, event.problems], ["d", to, []]);
    const last = numbers(before).at(-1) ?? 0;
    assert.ok(
      Number(first) <= last + 1 && Number(first) > last - 60,
      `it goes on at ${first}, and had reached ${last}`,
    );
    assert.ok(tookMs < 12_000, `it took ${tookMs} ms`);
    await after.printed(`n ${Number(first) + 50}\n`);
    assert.equal(t.get(to).cluster.node.table.named("counter")?.pid, pid, "it has its name again");
    await t.get(to).own.signal(pid, "SIGKILL");
    assertContiguous(numbers((await after.ended).stdout));
    await until("its entry's end", async () => (await t.get("a").view.directory.find(pid)) === undefined);
  });

  test("the host dies, the home lives: it goes on with its home, and what was sent meanwhile reaches it", async () => {
    await t.add("e");
    const pid = await t.start(
      "a",
      `register("home"); ${COUNTER.replace("sleep(10)", "sleep(10); if (n === 2000) break")}`,
    );
    const watched = t.test("a").watch(pid);
    await watched.printed("n 20\n");
    assert.equal((await t.get("a").cluster.migrate(pid, "e")).outcome, "moved");
    await watched.printed("n 60\n");
    await until("an image made there", () => (t.get("e").cluster.durability?.savedCount(pid)?.images ?? 0) > 1);
    await t.kill("e");
    const to = await ownerOf(pid, ["e"]);
    await t.event("restored", pid);
    await watched.printed("n 150\n");
    assert.equal(t.get("a").cluster.node.table.living(pid).lwp.nodeName, to);
    assert.equal((await t.get("a").view.directory.find(pid))?.home, "a");
    await t.get("a").own.signal(pid, "SIGKILL");
    const { stdout, status } = await watched.ended;
    assert.equal(status.signal, "SIGKILL");
    const counted = numbers(stdout);
    const cut = counted.findIndex((n, index) => index > 0 && n <= (counted[index - 1] ?? 0));
    if (cut >= 0) {
      assertContiguous(counted.slice(0, cut));
      assertContiguous(counted.slice(cut));
    } else assertContiguous(counted);
  });

  test("the host dies, the home lives: what it is given before it is restored reaches it", async () => {
    await t.add("o");
    const lines = "const { stdin } = globalThis.__godwit.exports; for (const line of stdin.lines()) console.log(line);";
    const pid = await t.start("a", lines);
    const { cluster, own } = t.get("a");
    assert.equal((await cluster.migrate(pid, "o")).outcome, "moved");
    await until("its chain there", () => t.get("o").cluster.durability?.savedCount(pid) !== undefined);
    const watched = t.test("a").watch(pid);
    await t.kill("o");
    await until("it is awaited", () => cluster.node.table.living(pid).held !== undefined, 20_000);
    await own.input(pid, Buffer.from("given\n"));
    await own.input(pid, null);
    assert.equal((await watched.ended).stdout, "given\n");
  });

  test("calls that are made again after a restore are answered, as those before were", async () => {
    await t.add("l");
    const pid = await t.start(
      "a",
      `register("again"); console.log("up"); receive(); for (let n = 0; n < 3; n++) { const child = fork(); if (child === 0) exit(7 + n); console.log("code", wait(child).code); }
       console.log("done"); receive(); console.log("end");`,
      60_000,
    );
    const watched = t.test("a").watch(pid);
    await watched.printed("up");
    assert.equal((await t.get("a").cluster.migrate(pid, "l")).outcome, "moved");
    await until("its chain there", () => t.get("l").cluster.durability?.savedCount(pid) !== undefined);
    await t.get("l").cluster.durability?.save(pid);
    const sender = `send("again", 1);`;
    assert.equal((await t.test("a").run(sender)).stderr, "");
    await watched.printed("done");
    await t.kill("l");
    await t.event("restored", pid);
    assert.equal((await t.test("a").run(sender)).stderr, "");
    await watched.match(/done[^]*done/);
    assert.equal((await t.test("a").run(sender)).stderr, "");
    const { stdout } = await watched.ended;
    const round = "code 7\ncode 8\ncode 9\ndone\n";
    assert.equal(stdout, `up\n${round}${round}end\n`);
  });

  test("the home dies, the host lives: the host adopts it where it stands", async () => {
    await t.add("f");
    const pid = await t.start("f", COUNTER);
    await t.test("f").watch(pid).printed("n 20\n");
    assert.equal((await t.get("f").cluster.migrate(pid, "b")).outcome, "moved");
    let reached = 0;
    t.get("f").own.output(
      pid,
      true,
      (_, bytes) => void (reached = numbers(Buffer.from(bytes).toString()).at(-1) ?? reached),
    );
    await until("some more", () => reached > 50);
    await t.kill("f");
    await t.event("adopted", pid);
    const watched = t.test("b").watch(pid);
    const [, first] = await watched.match(/n (\d+)\n/);
    assert.ok(Number(first) > reached, `it goes on at ${first} after ${reached}: nothing is done again`);
    assert.deepEqual([(await t.get("a").view.directory.find(pid))?.home], ["b"]);
    await watched.printed(`n ${Number(first) + 20}\n`);
    await t.get("b").own.signal(pid, "SIGKILL");
    assertContiguous(numbers((await watched.ended).stdout));
  });

  test("a node that is cut off stands still, another goes on; when it is back it goes on with what is its own", async () => {
    await t.add("g");
    const pid = await t.start("g", COUNTER);
    const counters = new Map<number, number>();
    const count = (name: string, of: number) =>
      t.get(name).own.output(of, true, (_, bytes) => {
        for (const n of numbers(Buffer.from(bytes).toString())) {
          assert.equal(n, (counters.get(of) ?? 0) + 1, "nothing is left out, and nothing is done twice");
          counters.set(of, n);
        }
      });
    const reached = (of: number) => counters.get(of) ?? 0;
    count("g", pid);
    const local = await t.start("g", `register("local"); ${COUNTER}`, 0);
    count("g", local);
    const away = await t.start("g", COUNTER, 0);
    await t.test("g").watch(away).printed("n 5\n");
    assert.equal((await t.get("g").cluster.migrate(away, "b")).outcome, "moved");
    const guest = await t.start("a", COUNTER, 0);
    await t.test("a").watch(guest).printed("n 5\n");
    assert.equal((await t.get("a").cluster.migrate(guest, "g")).outcome, "moved");
    await until("a few", () => reached(pid) > 20 && reached(local) > 20);
    t.cut("g");
    const to = await ownerOf(pid, ["g"]);
    const [atClaim, localAtClaim] = [reached(pid), reached(local)];
    await t.event("restored", pid);
    await t.event("adopted", away);
    const { view, cluster } = t.get(to);
    const watched = t.test(to).watch(pid);
    const [, first] = await watched.match(/n (\d+)\n/);
    assert.ok(Number(first) <= atClaim + 1);
    await watched.printed(`n ${Number(first) + 100}\n`);
    assert.deepEqual(
      [reached(pid), reached(local)],
      [atClaim, localAtClaim],
      "it did nothing from before the new one began",
    );
    t.mend("g");
    await until("its being a member again", () => t.get("a").view.membership.find("g") !== undefined);
    await until("its going on", () => reached(local) > localAtClaim + 20);
    assert.equal(reached(pid), atClaim);
    assert.equal((await view.directory.find(pid))?.node, to);
    const back = t.get("g").cluster;
    await until("its old copy's end", () => back.node.table.find(pid)?.exit?.code === 137);
    await until("its letting go of what is at home elsewhere", () => back.node.table.find(away) === undefined);
    assert.equal(back.hosting.find(guest), undefined, "what it had of a living home is over, as that home says");
    await until("the guest's end", () => t.get("a").cluster.node.table.find(guest)?.exit !== undefined);
    // It is a node as any other: its name is known, and its processes move.
    await until("its name", () => t.get("a").cluster.node.table.far?.find("local") === local);
    assert.equal((await t.get("g").own.migrate(local, "a")).outcome, "moved");
    const atMove = reached(local);
    await until("its going on there", () => reached(local) > atMove + 20);
    await t.get("g").own.signal(local, "SIGKILL");
    await t.get("b").own.signal(away, "SIGKILL");
    await cluster.node.signal(pid, "SIGKILL");
    await t.get("g").stop();
  });

  test("when nobody reaches anyone all stand still; and go on where they stood, under the same epoch", async () => {
    const names = ["a", "b", "c"];
    const pids = await Promise.all(names.map((name) => t.start(name, COUNTER)));
    const watched = pids.map((pid, index) => t.test(names[index] ?? "").watch(pid));
    const lengths = pids.map(() => 0);
    for (const [index, pid] of pids.entries())
      t.get(names[index] ?? "").own.output(
        pid,
        true,
        (_, bytes) => void (lengths[index] = (lengths[index] ?? 0) + bytes.length),
      );
    for (const each of watched) await each.printed("n 20\n");
    for (const name of names) t.cut(name);
    await until("their standing still", () => names.every((name) => t.get(name).cluster.homing.isCutOff()));
    const still = [...lengths];
    for (const name of names) t.mend(name);
    await until("their going on", () => lengths.every((length, index) => length > (still[index] ?? 0) + 200));
    for (const [index, pid] of pids.entries()) {
      const { node, epoch } = (await t.get("a").view.directory.find(pid)) ?? {};
      assert.deepEqual([node, epoch], [names[index], 0]);
      await t.get("a").control.signal(pid, "SIGKILL");
    }
    for (const each of watched) assertContiguous(numbers((await each.ended).stdout));
  });

  test("a node that is stopped hands its durable processes on, without a step lost", async () => {
    const stopping = await t.add("h");
    const pid = await t.start("h", COUNTER, 60_000);
    let reached = 0;
    t.get("h").own.output(
      pid,
      true,
      (_, bytes) => void (reached = numbers(Buffer.from(bytes).toString()).at(-1) ?? reached),
    );
    await until("a few", () => reached > 20);
    await stopping.stop();
    const to = await ownerOf(pid, ["h"]);
    await t.event("restored", pid);
    const watched = t.test(to).watch(pid);
    const [, first] = await watched.match(/n (\d+)\n/);
    assert.equal(Number(first), reached + 1);
    await t.get(to).own.signal(pid, "SIGKILL");
  });

  test("a node that is stopped hands on what has only just come to it as well", async () => {
    const stopping = await t.add("m");
    const pid = await t.start("a", COUNTER, 60_000);
    const watched = t.test("a").watch(pid);
    await watched.printed("n 50\n");
    assert.equal((await t.get("a").cluster.migrate(pid, "m")).outcome, "moved");
    await stopping.stop();
    const to = await ownerOf(pid, ["m"]);
    await t.event("restored", pid);
    await watched.printed("n 120\n");
    assert.equal(t.get("a").cluster.node.table.living(pid).lwp.nodeName, to);
    await t.get("a").own.signal(pid, "SIGKILL");
    const counted = numbers((await watched.ended).stdout);
    assert.equal(counted[0], 1);
    assertContiguous(counted);
  });

  test("of many at once each goes on at one node", async () => {
    await t.add("i");
    const pids: number[] = [];
    for (let n = 0; n < 12; n++) pids.push(await t.start("i", COUNTER, 200));
    await t.kill("i");
    for (const pid of pids) await t.event("restored", pid);
    const nodes = ["a", "b", "c"];
    const owners = new Set<string>();
    for (const pid of pids) {
      const found = nodes.filter(
        (name) =>
          t.get(name).cluster.node.table.find(pid)?.exit === undefined &&
          t.get(name).cluster.node.table.find(pid) !== undefined,
      );
      assert.equal(found.length, 1, `process ${pid} is on ${found.join()}`);
      assert.equal((await t.get("a").view.directory.find(pid))?.node, found[0]);
      owners.add(found[0] ?? "");
    }
    assert.ok(owners.size > 1, "they are spread");
    assert.equal(t.events.filter((event) => event.kind === "restored" && pids.includes(event.pid)).length, 12);
    for (const pid of pids) await t.get("a").control.signal(pid, "SIGKILL");
  });

  test("a last image that is damaged: the one before it, said so; none at all: it is lost, said so", async () => {
    await t.add("j");
    const [pid, gone] = [await t.start("j", COUNTER, 60_000), await t.start("j", COUNTER, 60_000)];
    const { durability } = t.get("j").cluster;
    for (let n = 0; n < 3; n++) await durability?.save(pid);
    const chain = (await t.get("a").view.directory.find(pid))?.durable?.chains[0] ?? [];
    await t.kill("j");
    const folder = join(t.folder, "state", "blobs", "image");
    truncateSync(join(folder, String(pid), `${chain.at(-1)}.blob`), 200);
    for (const file of readdirSync(join(folder, String(gone)))) truncateSync(join(folder, String(gone), file), 10);
    const event = await t.event("restored", pid);
    assert.equal(event.image, chain.at(-2));
    assert.match(event.problems.join(), /cannot be read/);
    assert.match((await t.event("lost", gone)).reason, /no image that can be read/);
    await until("its entry's end", async () => (await t.get("a").view.directory.find(gone)) === undefined);
    await t.get("a").control.signal(pid, "SIGKILL");
  });

  test("a winner without room lets another have it", async () => {
    await t.add("k");
    const pids: number[] = [];
    for (let n = 0; n < 4; n++) pids.push(await t.start("k", COUNTER, 60_000));
    for (const name of ["a", "b"]) {
      const { table } = t.get(name).cluster.node;
      table.checkRoom = () => {
        throw failure("EPROCLIM", "the test has it full");
      };
    }
    await t.kill("k");
    for (const pid of pids) assert.equal((await t.event("restored", pid)).node, "c");
    for (const name of ["a", "b"]) Reflect.deleteProperty(t.get(name).cluster.node.table, "checkRoom");
    for (const pid of pids) await t.get("a").control.signal(pid, "SIGKILL");
  });

  test("two who claim at once: one has it", async () => {
    const { directory } = t.get("a").view;
    for (let round = 0; round < 20; round++) {
      const pid = 2 ** 30 + round;
      await directory.begin(pid, "dead", randomUUID(), { intervalMs: 1000, chains: [], savedMs: 0, names: [] });
      const outcomes = await Promise.all(
        ["a", "b", "c"].map((name) =>
          t
            .get(name)
            .view.directory.claim(pid, { node: "dead", epoch: 0 }, { node: name, epoch: 1 }, name, randomUUID()),
        ),
      );
      assert.equal(outcomes.filter((outcome) => outcome === "won").length, 1, outcomes.join());
      await directory.forget(pid);
    }
  });
});
