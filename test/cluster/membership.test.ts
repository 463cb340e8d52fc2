/** Members, blocks of pids, names and owners of processes, as several nodes of one cluster see them. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { encode } from "cborg";
import type { NodeLoad } from "../../src/abi/control.ts";
import { type EmbeddedServer, connectEmbedded, startEmbeddedServer } from "../../src/cluster/engines/embedded.ts";
import type { Engine } from "../../src/cluster/engine.ts";
import { type MemberChange, type MemberRecord, Membership } from "../../src/cluster/membership.ts";
import { type NameHolder, Names } from "../../src/cluster/names.ts";
import { PidBlocks } from "../../src/cluster/pid-blocks.ts";
import { type ProcessEntry, ProcessDirectory } from "../../src/cluster/process-directory.ts";
import { failure } from "../../src/errors.ts";
import { PID_BLOCK, PID_MAX } from "../../src/limits.ts";
import { until } from "./condition.ts";

const LOAD: NodeLoad = { processes: 3, cpuPercent: 50, memoryBytes: 2 ** 20, state: "up" };

function recordOf(name: string): MemberRecord {
  const place = { addresses: [`unix:/nowhere/${name}`], socket: "", hostname: "here", hostPid: 1 };
  return { name, ...place, engine: "e", version: "1", lwps: 2, startedMs: 5 };
}

describe("a cluster's members", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  const engines: Engine[] = [];
  let server: EmbeddedServer;
  const connected = async () => {
    const engine = await connectEmbedded({ socket: server.socket });
    engines.push(engine);
    return engine;
  };
  before(async () => {
    server = await startEmbeddedServer({ folder });
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Someone who looks on, and what it was told. */
  const looking = async () => {
    const membership = await Membership.open(await connected());
    const told: string[] = [];
    membership.watch(({ kind, member }: MemberChange) => told.push(`${member.name} ${kind}`));
    return { membership, told };
  };

  test("who joins is seen with its load, who leaves is not taken for dead, who falls silent is", async () => {
    const { membership: view, told } = await looking();
    const [a, b] = [await Membership.open(await connected()), await Membership.open(await connected())];
    await a.join(recordOf("a"), () => LOAD);
    await b.join(recordOf("b"), () => ({ ...LOAD, state: "draining" }));
    await until("their loads", () => view.find("b")?.load.state === "draining" && view.find("a")?.load.processes === 3);
    const { token: _, load: __, ...seen } = view.get("a");
    assert.deepEqual(seen, recordOf("a"));
    await a.leave();
    await until("a's leaving", () => view.find("a") === undefined);
    await engines[engines.length - 1]?.close(); // b's, without a word
    await until("b's death", () => view.find("b") === undefined);
    assert.deepEqual(told, ["a joined", "b joined", "a left", "b died"]);
    assert.throws(() => view.get("a"), { code: "ENONODE" });
  });

  test("a living node's name is refused at once, a dead one's is had when its lease is over", async () => {
    const first = await connected();
    const held = await Membership.open(first);
    const lease = await held.join(recordOf("same"), () => LOAD);
    const second = await Membership.open(await connected());
    await assert.rejects(
      second.join(recordOf("same"), () => LOAD),
      { code: "EEXIST", message: /has a node same already/ },
    );
    await first.close();
    const next = await second.join(recordOf("same"), () => LOAD);
    assert.ok(next.token > lease.token);
    await second.leave();
  });

  test("blocks of pids are one node's each, whoever is quicker", async () => {
    const each = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const blocks = await PidBlocks.open(await connected());
        return { blocks, name: `n${index}`, block: await blocks.take(`n${index}`) };
      }),
    );
    const first = each.map(({ block }) => block.firstPid).sort((a, b) => a - b);
    assert.deepEqual(
      first,
      Array.from({ length: 8 }, (_, index) => index * PID_BLOCK + 1),
    );
    const [one] = each;
    assert.ok(one !== undefined);
    for (const { name, block } of each) {
      await one.blocks.look(block.firstPid);
      assert.equal(one.blocks.nodeOf(block.firstPid), name);
      assert.equal(one.blocks.nodeOf(block.firstPid + PID_BLOCK - 1), name);
      assert.ok(block.has(block.firstPid) && !block.has(block.firstPid + PID_BLOCK));
    }
    const free = each.find(({ block }) => block.firstPid === 2 * PID_BLOCK + 1);
    await free?.block.release();
    await until("the block is free", () => one.blocks.nodeOf(2 * PID_BLOCK + 1) === undefined);
    // Somebody may remember pids of it: one that nobody ever had is taken before, by nodes too that come later.
    assert.equal((await one.blocks.take("late")).firstPid, 8 * PID_BLOCK + 1);
    const later = await PidBlocks.open(await connected());
    assert.equal((await later.take("later")).firstPid, 9 * PID_BLOCK + 1);
    const { directory } = await connected();
    const rest = Array.from({ length: Math.floor(PID_MAX / PID_BLOCK) - 10 }, (_, index) => `pids/${index + 10}`);
    await Promise.all(rest.map((key) => directory.create(key, encode("dead"))));
    await until("all blocks are known", () => later.nodeOf(PID_MAX - PID_BLOCK) === "dead");
    assert.equal((await later.take("last")).firstPid, 2 * PID_BLOCK + 1);
    await assert.rejects(later.take("none"), { code: "ENOSPC" });
  });

  test("a name has one holder; it is let go by none but it, and taken over from a dead node", async () => {
    const living = new Set(["a", "b"]);
    const isAlive = ({ node, token }: NameHolder) => token === 1 && living.has(node);
    const [a, b] = [await Names.open(await connected(), isAlive), await Names.open(await connected(), isAlive)];
    const outcomes = await Promise.allSettled([
      a.register("svc/ü", { pid: 1, node: "a", token: 1 }),
      b.register("svc/ü", { pid: 2, node: "b", token: 1 }),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const winner =
      outcomes[0].status === "fulfilled" ? { pid: 1, node: "a", token: 1 } : { pid: 2, node: "b", token: 1 };
    await until("both know", () => a.find("svc/ü")?.pid === winner.pid && b.find("svc/ü")?.pid === winner.pid);
    await b.register("svc/ü", winner); // again
    await a.release("svc/ü", 99);
    await assert.rejects(b.register("svc/ü", { pid: 3, node: "b", token: 1 }), { code: "EEXIST" });
    living.delete(winner.node);
    assert.equal(a.find("svc/ü"), undefined);
    const heir = { pid: 4, node: winner.node === "a" ? "b" : "a", token: 1 };
    await a.register("svc/ü", heir);
    await a.release("svc/ü", heir.pid);
    await until("it is free", () => b.find("svc/ü") === undefined);
    await b.register("svc/ü", { pid: 5, node: heir.node, token: 1 });
  });

  test("an owner is changed once; who did not hear the answer learns it by reading", async () => {
    const engine = await connected();
    const directory = new ProcessDirectory(engine);
    const seen = new Map<number, ProcessEntry | undefined>();
    await directory.watch((pid, entry) => seen.set(pid, entry));
    const [from, to] = [
      { node: "a", epoch: 0 },
      { node: "b", epoch: 1 },
    ];
    const back = { node: "a", epoch: 1 };
    assert.equal(await directory.claim(7, from, to, "a", "m0"), "superseded", "a process without an entry has ended");
    for (let time = 0; time < 2; time++)
      assert.equal(await directory.claim(7, from, from, "a", "m0"), "won", "its home makes the entry");
    // Source and target of one move at once: one of them wins.
    const both = await Promise.all([
      directory.claim(7, from, to, "a", "m1"),
      directory.claim(7, from, back, "a", "m1"),
    ]);
    const settled = [await directory.claim(7, from, to, "a", "m1"), await directory.claim(7, from, back, "a", "m1")];
    assert.deepEqual(settled.toSorted(), ["lost", "won"]);
    for (const [index, outcome] of both.entries()) assert.ok(outcome === settled[index] || outcome === "unknown");
    const owner = settled[0] === "won" ? to : back;
    assert.equal(await directory.claim(7, from, { node: "c", epoch: 1 }, "a", "m2"), "superseded");
    assert.equal(await directory.claim(7, owner, { node: "c", epoch: 2 }, "a", "m3"), "won");
    await until("it is told", () => seen.get(7)?.node === "c");
    assert.deepEqual(seen.get(7), { node: "c", epoch: 2, home: "a", cause: "m3" });

    // The write takes place, and its answer is lost.
    const deaf: Engine = {
      ...engine,
      directory: {
        get: (key: string) => engine.directory.get(key),
        replace: async (...change: Parameters<Engine["directory"]["replace"]>) => {
          await engine.directory.replace(...change);
          throw failure("ETIMEDOUT", "no answer");
        },
      } as unknown as Engine["directory"],
    };
    const lossy = new ProcessDirectory(deaf);
    const c = { node: "c", epoch: 2 };
    const d = { node: "d", epoch: 3 };
    assert.equal(await lossy.claim(7, c, d, "a", "m4"), "unknown");
    assert.equal(await lossy.claim(7, c, d, "a", "m4"), "won");
    assert.equal(await lossy.claim(7, c, { node: "c", epoch: 3 }, "a", "m4"), "lost");
    assert.deepEqual([...(await directory.list()).keys()], [7]);
    await directory.forget(7);
    await until("it is forgotten", () => seen.has(7) && seen.get(7) === undefined);
  });
});
