/** Weak mobility when nodes die in the middle of it: of the old process and the new one, one goes on, and never both. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { ProcessDirectory } from "../../src/cluster/process-directory.ts";
import { until } from "../cluster/condition.ts";
import { type TestMembers, withMembers } from "./bench-members.ts";

const PROGRAM = `const { keep } = globalThis.__godwit.exports;
const state = keep("state", () => ({ n: 0 }));
setInterval(() => console.log(++state.n), 5);
`;

await withMembers(["observer"], (t) => {
  let names: readonly [home: string, host: string, target: string] = ["", "", ""];
  let run = 0;
  /** A home, a host and a target that are new, and a process; home and host may be one. */
  const setting = async (hostIsHome: boolean): Promise<number> => {
    run++;
    const home = `home${run}`;
    names = [home, hostIsHome ? home : `host${run}`, `target${run}`];
    for (const name of new Set(names)) await t.add(name);
    const members = [...new Set(names), "observer"].map((name) => t.get(name).view.membership);
    await until("they know each other", () => members.every((one) => names.every((name) => one.find(name))));
    const pid = await t.get(home).own.spawn({ name: "program.js", source: PROGRAM });
    await printsMore(t, pid, home);
    if (!hostIsHome) assert.equal((await t.get(home).own.migrate(pid, names[1])).outcome, "moved");
    return pid;
  };
  afterEach(async () => {
    for (const name of new Set(names)) if (t.names.includes(name)) await t.remove(name);
  });

  /** The new process's pid, if there is one. */
  const newAt = (name: string, old: number) =>
    t
      .get(name)
      .cluster.node.table.all()
      .find(({ pid, exit }) => pid !== old && exit === undefined)?.pid;

  for (const hostIsHome of [true, false]) {
    const where = hostIsHome ? "at its home" : "at a host";

    test(`nobody dies: the old one, ${where}, ends once the new one has its place`, async () => {
      const pid = await setting(hostIsHome);
      const [home, , target] = names;
      const anew = await t.get("observer").control.restartAt(pid, target);
      await printsMore(t, anew, target);
      assert.equal((await t.get(home).own.wait(pid)).signal, "SIGKILL");
      await until("its entry is gone", async () => (await t.get(home).view.directory.find(pid)) === undefined);
    });

    test(`the target dies before the new one has taken its place: the old one, ${where}, goes on`, async () => {
      const pid = await setting(hostIsHome);
      const [home, , target] = names;
      instead(t.get(target).view.directory, () => t.kill(target));
      t.get("observer")
        .control.restartAt(pid, target)
        .catch(() => {}); // who is asked dies
      await until("the target is gone", () => !t.names.includes(target));
      await printsMore(t, pid, home);
    });

    test(`the target dies as soon as the new one has taken its place: the old one, ${where}, does not go on`, async () => {
      const pid = await setting(hostIsHome);
      const [home, , target] = names;
      instead(t.get(target).view.directory, async (retire) => {
        assert.equal(await retire(), "retired");
        await t.kill(target);
      });
      t.get("observer")
        .control.restartAt(pid, target)
        .catch(() => {}); // who is asked dies
      const before = printed(t, pid, home);
      assert.equal((await t.get(home).own.wait(pid)).signal, "SIGKILL");
      assert.ok(printed(t, pid, home).length >= before.length);
    });

    test(`the link breaks before the new one has taken its place: only the old one, ${where}, goes on`, async () => {
      const pid = await setting(hostIsHome);
      const [home, , target] = names;
      instead(t.get(target).view.directory, async (retire) => {
        t.get(home).view.links.drop(target);
        await until("the old one goes on", () => !t.get(home).cluster.isUnsettled(pid));
        assert.equal(await retire(), "superseded");
        return "superseded";
      });
      await assert.rejects(t.get("observer").control.restartAt(pid, target), { code: "EAGAIN" });
      await until("the new one is given up", () => newAt(target, pid) === undefined);
      await printsMore(t, pid, home);
    });

    test(`the home dies before the new one has taken its place, the old one ${where}: one goes on`, async () => {
      const pid = await setting(hostIsHome);
      const [home, host, target] = names;
      instead(t.get(target).view.directory, async (retire) => {
        await t.kill(home);
        if (!hostIsHome) await until("it is adopted", () => isHome(t, host, pid));
        return retire();
      });
      const anew = t.get("observer").control.restartAt(pid, target);
      if (hostIsHome) return printsMore(t, await anew, target);
      await assert.rejects(anew, { code: "EAGAIN" });
      await until("the new one is given up", () => newAt(target, pid) === undefined);
      await printsMore(t, pid, host);
    });
  }

  test("the home dies as soon as the new one has taken its place: the host lets the old one go", async () => {
    const pid = await setting(false);
    const [home, host, target] = names;
    instead(t.get(target).view.directory, async (retire) => {
      const outcome = await retire();
      await t.kill(home);
      return outcome;
    });
    const anew = await t.get("observer").control.restartAt(pid, target);
    await printsMore(t, anew, target);
    await until("the host has let go of it", () => t.get(host).cluster.hosting.find(pid) === undefined);
    assert.equal(isHome(t, host, pid), false);
  });

  test("the host dies: the new one goes on, or there is none and the old one has ended", async () => {
    const pid = await setting(false);
    const [home, host, target] = names;
    instead(t.get(target).view.directory, async (retire) => {
      await t.kill(host);
      return retire();
    });
    const anew = await t.get("observer").control.restartAt(pid, target);
    await printsMore(t, anew, target);
    assert.equal((await t.get(home).own.wait(pid)).code, 137);
  });

  test("what is not settled is neither resumed, nor started twice, nor given another home", async () => {
    const pid = await setting(true);
    const [home, , target] = names;
    const { own } = t.get(home);
    instead(t.get(target).view.directory, async (retire) => {
      await assert.rejects(own.resume(pid), { code: "EAGAIN" });
      await assert.rejects(t.get("observer").control.restartAt(pid, "observer"), { code: "EAGAIN" });
      const anew = newAt(target, pid);
      assert.ok(anew !== undefined);
      await assert.rejects(t.get(target).own.resume(anew), { code: "EAGAIN" });
      await own.signal(pid, "SIGCONT");
      for (const one of [pid, anew]) {
        const info = (await t.get("observer").control.list()).find((each) => each.pid === one);
        assert.equal(info?.state, "paused");
      }
      return retire();
    });
    const anew = await t.get("observer").control.restartAt(pid, target);
    await printsMore(t, anew, target);
    assert.equal((await own.wait(pid)).signal, "SIGKILL");
  });

  test("a target that gives up lets the old one go on; one that is refused starts nothing", async () => {
    const pid = await setting(true);
    const [home, , target] = names;
    t.get(target).cluster.node.table.checkRoom = () => {
      throw new Error("no room, says the test");
    };
    await assert.rejects(t.get(target).own.restartAt(pid, target));
    await printsMore(t, pid, home);
    await assert.rejects(t.get("observer").control.restartAt(9_999_999, "observer"), { code: "ESRCH" });
    const link = await t.get("observer").view.links.to(home);
    for (const body of [null, {}, { pid: "x" }, { pid: -1 }])
      await assert.rejects(link.request("weak/give", body), { code: "EPROTO" });
  });
});

/** Has something done in place of what takes the old one's entry away. What it does not answer is not answered. */
function instead(
  directory: ProcessDirectory,
  act: (
    retire: () => ReturnType<ProcessDirectory["retire"]>,
  ) => Promise<Awaited<ReturnType<ProcessDirectory["retire"]>> | void>,
): void {
  const retire = directory.retire.bind(directory);
  directory.retire = async (...about) => {
    const outcome = await act(() => retire(...about));
    return outcome ?? new Promise(() => {});
  };
}

function isHome(t: TestMembers, name: string, pid: number): boolean {
  const entry = t.get(name).cluster.node.table.find(pid);
  return entry !== undefined && entry.exit === undefined && entry.lwp.nodeName === name;
}

function printed(t: TestMembers, pid: number, home: string): string {
  let text = "";
  t.get(home).cluster.node.output(pid, true, (_, bytes) => void (text += Buffer.from(bytes).toString()))();
  return text;
}

/** It runs: it prints what it had not printed before. */
async function printsMore(t: TestMembers, pid: number, home: string): Promise<void> {
  const last = () => Number(printed(t, pid, home).trimEnd().split("\n").at(-1));
  const before = last();
  await until(`process ${pid} prints`, () => last() > before + 2, 20_000);
}
