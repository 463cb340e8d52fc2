/** Whose output is read while its home moves, faster than the reader can follow: nothing is lost, and nothing told twice. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../cluster/condition.ts";
import { withMembers } from "./bench-members.ts";

const COUNTER = `for (let n = 1;; n++) { console.log("n " + n); sleep(2); }`;

await withMembers(["a", "b", "c", "d"], (t) => {
  /** Moves a process's home, and waits until it has said something there. */
  const rehome = async (pid: number, from: string, to: string) => {
    const { node } = t.get(from).cluster;
    await t.get(from).cluster.handHome([node.table.living(pid)], to);
    let said = "";
    const stop = t.get(to).own.output(pid, false, (_, bytes) => void (said += Buffer.from(bytes).toString()));
    await until(`output at ${to}`, () => said.split("\n").length > 10);
    stop();
  };

  for (const homes of [
    ["a", "b", "d"],
    ["a", "b", "a"],
    ["a", "b", "d", "b"],
  ])
    test(`from ${homes.join(" to ")}, with a reader who was told of the last only`, async () => {
      const pid = await t.start("a", COUNTER, 60_000);
      assert.equal((await t.get("a").cluster.migrate(pid, "c")).outcome, "moved");
      const { control, view } = t.get("c");
      let text = "";
      const stop = control.output(pid, true, (_, bytes) => void (text += Buffer.from(bytes).toString()));
      const numbers = () => [...text.matchAll(/^n (\d+)$/gm)].map(([, n]) => Number(n));
      await until("the first", () => numbers().length > 20);
      const find = view.directory.find.bind(view.directory);
      let goOn = () => {};
      const isThere = new Promise<void>((resolve) => (goOn = resolve));
      Object.assign(view.directory, { find: async (one: number) => isThere.then(() => find(one)) });
      for (const [index, to] of homes.entries()) {
        const from = homes[index - 1];
        if (from !== undefined) await rehome(pid, from, to);
      }
      Object.assign(view.directory, { find });
      goOn();
      const before = numbers().length;
      await until("some more", () => numbers().length > before + 50);
      stop();
      numbers().forEach((n, index) => assert.equal(n, index + 1));
      await control.signal(pid, "SIGKILL");
    });

  test("what it is told meanwhile comes, each once and in order", async () => {
    const lines = "const { stdin } = globalThis.__godwit.exports; for (const line of stdin.lines()) console.log(line);";
    const pid = await t.start("a", lines, 60_000);
    const { control } = t.get("c");
    await until("it is known", () => t.get("c").view.homeOf(pid) === "a");
    assert.equal((await t.get("a").cluster.migrate(pid, "c")).outcome, "moved");
    let [text, isOver, told] = ["", false, 0];
    const stop = control.output(pid, true, (_, bytes) => void (text += Buffer.from(bytes).toString()));
    const telling = (async () => {
      for (; !isOver; told++) await control.input(pid, Buffer.from(`${told}\n`));
    })();
    const homes = ["a", "b", "d", "a", "d", "b", "a"];
    for (const [index, to] of homes.entries()) {
      const from = homes[index - 1];
      const so = told;
      if (from !== undefined) await t.get(from).cluster.handHome([t.get(from).cluster.node.table.living(pid)], to);
      await Promise.race([until("more is told", () => told > so + 5), telling]);
    }
    isOver = true;
    await telling;
    await until("all is heard", () => text.split("\n").length > told);
    stop();
    assert.deepEqual(
      text.trimEnd().split("\n"),
      Array.from({ length: told }, (_, line) => String(line)),
    );
    await control.signal(pid, "SIGKILL");
  });

  test(
    "a call that gives more input than fits is taken up by one home after the other",
    { timeout: 100_000 },
    async () => {
      const lines =
        "const { stdin } = globalThis.__godwit.exports; let n = 0; for (const line of stdin.lines()) " +
        "if (Number(line) !== n++) { console.log('line ' + n + ' is ' + line); break; } console.log('over ' + n);";
      const pid = await t.start("a", lines, 60_000);
      const { control } = t.get("c");
      await until("it is known", () => t.get("c").view.homeOf(pid) === "a");
      assert.equal((await t.get("a").cluster.migrate(pid, "c")).outcome, "moved");
      let text = "";
      const stop = control.output(pid, true, (_, bytes) => void (text += Buffer.from(bytes).toString()));
      const count = 400_000;
      // Far more than a process is given before it reads.
      const given = Buffer.from(Array.from({ length: count }, (_, n) => `${n}\n`).join(""));
      let isGiven = false;
      const giving = control.input(pid, given).then(() => (isGiven = true));
      const closing = control.input(pid, null);
      const homes = ["a", "b", "d", "a", "d"];
      let moves = 0;
      for (const [index, to] of homes.entries()) {
        const from = homes[index - 1];
        if (from === undefined || isGiven) continue;
        const unread = () => t.get(from).cluster.node.table.find(pid)?.input.unreadBytes ?? 0;
        await Promise.race([until("some is under way", () => unread() > 0, 30_000), giving]);
        await t.get(from).cluster.handHome([t.get(from).cluster.node.table.living(pid)], to);
        moves++;
      }
      await giving;
      await closing;
      await until("all is read", () => text.includes("\n"), 60_000);
      stop();
      assert.equal(text, `over ${count}\n`);
      assert.ok(moves > 0);
    },
  );

  test("a node that was drained does not leave before what was said at an end is read", async () => {
    const member = await t.add("e");
    const pid = await t.start("e", `console.log("the last word");`, 0);
    let read = () => {};
    const isRead = new Promise<void>((resolve) => (read = resolve));
    let said = "";
    member.own.output(pid, true, (_, bytes) => {
      said += Buffer.from(bytes).toString();
      return isRead;
    });
    await until("it has ended", () => member.cluster.node.table.get(pid).exit !== undefined);
    let isEmpty = false;
    member.onEmpty = () => (isEmpty = true);
    assert.deepEqual((await member.control.drain("e")).left, []);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isEmpty, false);
    read();
    await until("it leaves", () => isEmpty);
    assert.equal(said, "the last word\n");
    await t.remove("e");
  });
});
