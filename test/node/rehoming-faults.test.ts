/** Homes that move while something fails: it is one node's or the other's in the end, and whatever it is, the process goes on. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link } from "../../src/cluster/link.ts";
import { failure } from "../../src/errors.ts";
import type { ClusterMember } from "../../src/node/cluster-member.ts";
import { until } from "../cluster/condition.ts";
import { type TestMembers, withMembers } from "./bench-members.ts";

const COUNTER = `for (let n = 1;; n++) { console.log("n " + n); sleep(2); }`;
const LIMIT = { timeout: 60_000 };
const noAnswer = () => failure("ETIMEDOUT", "the test does not let it answer");

/** A process at home at a node, which runs at another. */
async function hosted(t: TestMembers, home: string, host: string, source = COUNTER): Promise<number> {
  const pid = await t.start(home, source, 0);
  assert.equal((await t.get(home).cluster.migrate(pid, host)).outcome, "moved");
  return pid;
}

function rehome({ cluster }: ClusterMember, pids: readonly number[], to: string): Promise<void> {
  return cluster.handHome(
    pids.map((pid) => cluster.node.table.living(pid)),
    to,
  );
}

/** It says something more, heard at its home; and is at home nowhere else. */
async function goesOn(t: TestMembers, home: string, pid: number): Promise<void> {
  await until(`it is at home at node ${home}`, () => t.get(home).cluster.node.table.find(pid) !== undefined, 20_000);
  let said = "";
  const stop = t.get(home).own.output(pid, false, (_, bytes) => void (said += Buffer.from(bytes).toString()));
  await until(`process ${pid} goes on with its home ${home}`, () => said.split("\n").length > 10, 20_000);
  stop();
  const homes = t.names.filter((name) => t.get(name).cluster.node.table.find(pid)?.exit === undefined);
  assert.deepEqual(
    homes.filter((name) => t.get(name).cluster.node.table.find(pid) !== undefined),
    [home],
  );
  await until("the directory says so", async () => (await t.get(home).view.directory.find(pid))?.home === home);
}

/** Puts something in the place of a method until it is undone. */
function instead<T extends object, K extends keyof T>(of: T, name: K, act: (real: T[K]) => T[K]): () => void {
  const own = Object.getOwnPropertyDescriptor(of, name);
  const real = of[name];
  Object.assign(of, { [name]: act((typeof real === "function" ? real.bind(of) : real) as T[K]) });
  return () => {
    if (own === undefined) Reflect.deleteProperty(of, name);
    else Object.defineProperty(of, name, own);
  };
}

/** What a node is asked by its peers is carried out, and then something else is done. */
function after(member: ClusterMember, kind: string, act: () => unknown): () => void {
  const { cluster } = member;
  return instead(cluster, "asked", (real) => async (link: Link, what: string, body: unknown) => {
    const answer = await real(link, what, body);
    if (what === kind) await act();
    return answer;
  });
}

/** Its home wants to leave for node b, and does not wait until the host holds it still: that comes to it when it is told to `freeze`. */
async function heldLate(home: ClusterMember, host: ClusterMember, pid: number) {
  let freeze = () => {};
  const mayFreeze = new Promise<void>((resolve) => (freeze = resolve));
  let isFrozen = false;
  const { lwp } = host.cluster.hosting.get(pid);
  const slow = instead(lwp, "ask", (real) => async (one, question) => {
    if (question.kind !== "freeze") return real(one, question);
    await mayFreeze;
    const answer = await real(one, question);
    isFrozen = true;
    return answer;
  });
  const link = await home.view.links.to(host.cluster.node.name);
  const soon = instead(
    link,
    "request",
    (real) => (kind, body, options) => real(kind, body, kind === "host/still" ? { timeoutMs: 100 } : options),
  );
  await assert.rejects(rehome(home, [pid], "b"), { code: "ETIMEDOUT" });
  const undo = () => {
    for (const each of [slow, soon]) each();
  };
  return { freeze, isFrozen: () => isFrozen, undo };
}

await withMembers(["a", "b", "c", "d"], (t) => {
  test("a new home that refuses: the old one goes on, and can hand it over later", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    const undo = instead(t.get("b").view.directory, "takeHome", () => async () => "superseded");
    await assert.rejects(rehome(t.get("a"), [pid], "b"), { code: "EAGAIN" });
    undo();
    await goesOn(t, "a", pid);
    await rehome(t.get("a"), [pid], "b");
    await goesOn(t, "b", pid);
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("a new home that the directory does not answer asks it again", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    let asked = 0;
    const undo = instead(t.get("b").view.engine.directory, "replace", (real) => async (...about) => {
      // Carried out, and not: who asks does not know which.
      if (++asked === 1) throw noAnswer();
      const revision = await real(...about);
      if (asked === 2) throw noAnswer();
      return revision;
    });
    await rehome(t.get("a"), [pid], "b");
    undo();
    assert.ok(asked >= 2);
    await goesOn(t, "b", pid);
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("a new home that has it, whose answer is lost", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    const undo = after(t.get("b"), "home/take", () => {
      throw noAnswer();
    });
    await rehome(t.get("a"), [pid], "b");
    undo();
    await goesOn(t, "b", pid);
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("a new home that has it, whose answer is lost, and that has moved and handed it on", LIMIT, async () => {
    const b = t.get("b");
    const pid = await hosted(t, "a", "b");
    const undo = after(b, "home/take", async () => {
      assert.equal((await b.cluster.migrate(pid, "c")).outcome, "moved");
      await rehome(b, [pid], "d");
      throw noAnswer();
    });
    await rehome(t.get("a"), [pid], "b");
    undo();
    await goesOn(t, "d", pid);
    await t.get("d").own.signal(pid, "SIGKILL");
  });

  test("a new home that has it, whose answer is lost, and where it has ended since", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const parent = await hosted(t, "a", "b", `while (self.node === "a") sleep(2); fork(); ${COUNTER}`);
    const childOf = async () => (await a.own.list()).find((info) => info.parent === parent)?.pid;
    await until("there is a child", async () => (await childOf()) !== undefined);
    const child = (await childOf()) ?? 0;
    const undo = after(b, "home/take", async () => {
      await b.own.signal(parent, "SIGKILL");
      await until("its entry's end", async () => (await b.view.directory.find(parent)) === undefined);
      throw noAnswer();
    });
    await rehome(a, [parent, child], "b");
    undo();
    assert.equal(a.cluster.node.table.find(parent), undefined);
    await goesOn(t, "b", child);
    await b.own.signal(child, "SIGKILL");
  });

  for (const [what, isDone] of [
    ["has it", true],
    ["does not have it", false],
  ] as const)
    test(
      `nothing is known of a new home that ${what}: it stands still, and is told of, until it is`,
      LIMIT,
      async () => {
        const [a, b] = [t.get("a"), t.get("b")];
        const pid = await hosted(t, "a", "c");
        const lines: string[] = [];
        const said = instead(a.cluster, "log", () => (line) => void lines.push(line));
        const lost = after(b, "home/take", () => {
          throw noAnswer();
        });
        const refused = isDone ? () => {} : instead(b.view.directory, "takeHome", () => async () => "superseded");
        let isOut = true;
        let asked = 0;
        const out = instead(a.view.directory, "promiseHome", (real) => async (...about) => {
          // The first is that it may have it at all.
          if (asked++ > 0 && isOut) throw noAnswer();
          return real(...about);
        });
        const over = rehome(a, [pid], "b").then(
          () => true,
          () => false,
        );
        await until("it is told of", () => lines.length > 0);
        assert.match(
          lines[0] ?? "",
          /it is not known whether node b is the home of process \d+ now, which stands still/,
        );
        await until("it is asked again", () => asked > 3);
        const shown = (await a.own.list()).find((info) => info.pid === pid);
        assert.equal(shown?.state, "rehoming");
        isOut = false;
        assert.equal(await over, isDone);
        assert.equal(lines.length, 2);
        for (const undo of [said, lost, refused, out]) undo();
        await goesOn(t, isDone ? "b" : "a", pid);
        await t.get(isDone ? "b" : "a").own.signal(pid, "SIGKILL");
      },
    );

  test("a late claim of a new home that was given up comes to nothing", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const pid = await hosted(t, "a", "c");
    let goOn = () => {};
    const released = new Promise<void>((resolve) => (goOn = resolve));
    const late = instead(b.view.directory, "takeHome", (real) => async (...about) => {
      await released;
      return real(...about);
    });
    const toB = await a.view.links.to("b");
    const soon = instead(
      toB,
      "request",
      (real) => (kind, body, options) => real(kind, body, kind === "home/take" ? { timeoutMs: 100 } : options),
    );
    await assert.rejects(rehome(a, [pid], "b"), { code: "ETIMEDOUT" });
    goOn();
    for (const undo of [late, soon]) undo();
    await goesOn(t, "a", pid);
    await rehome(a, [pid], "b");
    await goesOn(t, "b", pid);
    await b.own.signal(pid, "SIGKILL");
  });

  test("of a family all have the new home, or none", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    // The child is born where its parent runs.
    const parent = await hosted(t, "a", "c", `while (self.node === "a") sleep(2); fork(); ${COUNTER}`);
    const childOf = async () => (await a.own.list()).find((info) => info.parent === parent)?.pid;
    await until("there is a child", async () => (await childOf()) !== undefined);
    const child = (await childOf()) ?? 0;
    let taken = 0;
    const undo = instead(
      b.view.directory,
      "takeHome",
      (real) =>
        async (...about) =>
          ++taken === 1 ? real(...about) : "superseded",
    );
    await assert.rejects(rehome(a, [parent, child], "b"), { code: "EAGAIN" });
    undo();
    assert.equal(taken, 2);
    for (const pid of [parent, child]) await goesOn(t, "a", pid);
    await rehome(a, [parent, child], "b");
    for (const pid of [parent, child]) await goesOn(t, "b", pid);
    for (const pid of [child, parent]) await b.own.signal(pid, "SIGKILL");
  });

  test("a child that is born while its parent is being held still is not left behind", LIMIT, async () => {
    const [a, c] = [t.get("a"), t.get("c")];
    let bear: (() => void) | undefined;
    const late = instead(
      a.cluster.node,
      "forkFor",
      (real) =>
        (...about) =>
          void (bear = () => real(...about)),
    );
    const parent = await hosted(t, "a", "c", `while (self.node === "a") sleep(2); fork(); ${COUNTER}`);
    await until("it wants a child", () => bear !== undefined);
    late();
    const over = assert.rejects(rehome(a, [parent], "b"), { code: "EAGAIN", message: /has just had a child/ });
    await until("it is to stand still", () => c.cluster.hosting.get(parent).isStill === true);
    bear?.();
    await over;
    const child = (await a.own.list()).find((info) => info.parent === parent)?.pid ?? 0;
    await goesOn(t, "a", parent);
    await rehome(a, [parent, child], "b");
    for (const pid of [parent, child]) await goesOn(t, "b", pid);
    for (const pid of [child, parent]) await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("one of a family that ends just when its home is taken holds up none of the others", LIMIT, async () => {
    const [a, b] = [t.get("a"), t.get("b")];
    const parent = await hosted(t, "a", "b", `while (self.node === "a") sleep(2); fork(); ${COUNTER}`);
    const childOf = async () => (await a.own.list()).find((info) => info.parent === parent)?.pid;
    await until("there is a child", async () => (await childOf()) !== undefined);
    const child = (await childOf()) ?? 0;
    const undo = instead(b.view.directory, "takeHome", (real) => async (...about) => {
      const outcome = await real(...about);
      b.cluster.hosting.find(child)?.lwp.tell({ op: "end", pid: child, code: 1, reason: "the test ends it" });
      await until("it has ended", () => b.cluster.hosting.find(child) === undefined);
      return outcome;
    });
    await rehome(a, [parent, child], "b");
    undo();
    await goesOn(t, "b", parent);
    await b.own.signal(parent, "SIGKILL");
  });

  test("a node that is being drained takes no home", LIMIT, async () => {
    const b = t.get("b");
    const pid = await hosted(t, "a", "c");
    b.cluster.takesIn = false;
    await assert.rejects(rehome(t.get("a"), [pid], "b"), { code: "EAGAIN", message: /is being drained/ });
    b.cluster.takesIn = true;
    await goesOn(t, "a", pid);
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("a host that has it stand still, and whose answer is lost, has it go on", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    const undo = after(t.get("c"), "host/still", () => {
      throw noAnswer();
    });
    await assert.rejects(rehome(t.get("a"), [pid], "b"), { code: "ETIMEDOUT" });
    undo();
    await goesOn(t, "a", pid);
    await t.get("a").own.signal(pid, "SIGKILL");
  });

  test("a host that is told to go on before it could hold it still", LIMIT, async () => {
    const [a, c] = [t.get("a"), t.get("c")];
    const pid = await hosted(t, "a", "c");
    const late = await heldLate(a, c, pid);
    late.undo();
    // It is wanted again while the first is still under way.
    const again = rehome(a, [pid], "b");
    late.freeze();
    await again;
    assert.ok(late.isFrozen());
    await goesOn(t, "b", pid);
    await t.get("b").own.signal(pid, "SIGKILL");
  });

  test("a process that could be held still only when nobody waits for that any more goes on", LIMIT, async () => {
    const [a, c] = [t.get("a"), t.get("c")];
    const pid = await hosted(t, "a", "c");
    const late = await heldLate(a, c, pid);
    late.freeze();
    await until("it is frozen", late.isFrozen);
    late.undo();
    await goesOn(t, "a", pid);
    await a.own.signal(pid, "SIGKILL");
  });

  test("a reader that does not read does not hold a process up for good", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    const { own } = t.get("a");
    const stop = own.output(pid, false, () => new Promise(() => {}));
    await assert.rejects(rehome(t.get("a"), [pid], "b"), { code: "ETIMEDOUT", message: /was not read within/ });
    assert.notEqual((await own.list()).find((info) => info.pid === pid)?.state, "rehoming");
    stop();
    await own.signal(pid, "SIGKILL");
  });

  test("a new home that dies when it has it: the host adopts it", LIMIT, async () => {
    const pid = await hosted(t, "a", "c");
    let dying: Promise<void> | undefined;
    after(t.get("d"), "home/take", () => {
      dying = t.kill("d");
      return new Promise(() => {});
    });
    await rehome(t.get("a"), [pid], "d").catch(() => {}); // it may be known to be gone, and where it is at home
    await dying;
    await goesOn(t, "c", pid);
    await t.get("c").own.signal(pid, "SIGKILL");
    await t.add("d");
  });

  test("an old home that dies when the new one has it: the host hears it all the same", LIMIT, async () => {
    const pid = await hosted(t, "d", "c");
    let dying: Promise<void> | undefined;
    const undo = after(t.get("b"), "home/take", () => {
      dying = t.kill("d");
      return dying;
    });
    const over = rehome(t.get("d"), [pid], "b");
    over.catch(() => {}); // it is dead
    await Promise.race([until("it dies", () => dying !== undefined), over]);
    await dying;
    undo();
    await goesOn(t, "b", pid);
    await t.get("b").own.signal(pid, "SIGKILL");
    await t.add("d");
  });
});
