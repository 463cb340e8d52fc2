/** State that a program declares to be kept: given at its event loop, taken up by its successor. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT_MAX_BYTES } from "../../src/limits.ts";
import { withNode } from "./bench-node.ts";

const KEEP = "const { keep } = globalThis.__godwit.exports;\n";
/** Prints what it has, adds to it, and waits for ever. */
const COUNTER = `${KEEP}
const state = keep("state", () => ({ runs: 0, seen: new Map() }));
const shared = keep("shared", () => ({ of: state }));
state.runs++;
state.seen.set("run " + state.runs, new Uint8Array([state.runs]));
console.log(JSON.stringify([state.runs, [...state.seen.keys()], shared.of === state]));
setInterval(() => {}, 1000);
`;

await withNode({ lwps: 2 }, (t) => {
  test("a successor goes on with it, with what the values share", async () => {
    const first = await t.start(COUNTER);
    await first.printed('[1,["run 1"],true]');
    const kept = await t.node.kept(first.pid);
    await t.node.signal(first.pid, "SIGKILL");
    await first.ended;
    const second = await t.start(COUNTER, { kept });
    await second.printed('[2,["run 1","run 2"],true]');
    const stressed = await t.start(COUNTER, { kept: await t.node.kept(second.pid), stress: { every: 1, at: "poll" } });
    await stressed.printed('[3,["run 1","run 2","run 3"],true]');
    await t.node.signal(second.pid, "SIGKILL");
    await t.node.kept(stressed.pid);
    await t.node.signal(stressed.pid, "SIGKILL");
  });

  test("nothing is done after it was given, until the process is resumed", async () => {
    const ticking = await t.start(
      `${KEEP} const state = keep("state", () => ({ ticks: 0 })); setInterval(() => console.log("tick", ++state.ticks), 1);`,
    );
    await ticking.printed("tick 3");
    const kept = await t.node.kept(ticking.pid);
    const info = (await t.node.list()).find(({ pid }) => pid === ticking.pid);
    assert.equal(info?.state, "paused");
    await t.node.resume(ticking.pid);
    await ticking.printed("tick 10");
    await t.node.signal(ticking.pid, "SIGKILL");
    const { stdout } = await ticking.ended;
    const next = await t.run(`${KEEP} console.log(keep("state", () => ({ ticks: -1 })).ticks);`, { kept });
    assert.ok(stdout.includes(`tick ${next.stdout.trim()}\n`));
  });

  test("what cannot be copied is refused by name, and the process goes on", async () => {
    const stubborn = await t.start(
      `${KEEP} keep("fine", () => [1]); keep("door", () => ({ open() {} })); setInterval(() => console.log("tick"), 1);`,
    );
    await stubborn.printed("tick");
    await assert.rejects(t.node.kept(stubborn.pid), { code: "EINVAL", message: /"door": DataCloneError/ });
    const info = (await t.node.list()).find(({ pid }) => pid === stubborn.pid);
    assert.notEqual(info?.state, "paused");
    await t.node.signal(stubborn.pid, "SIGKILL");
    const large = await t.start(
      `${KEEP} keep("large", () => new Uint8Array(${KEPT_MAX_BYTES + 1})); setInterval(() => console.log("tick"), 1);`,
    );
    await large.printed("tick");
    await assert.rejects(t.node.kept(large.pid), { code: "EINVAL", message: /bytes/ });
    await t.node.signal(large.pid, "SIGKILL");
  });

  test("names that the new code does not declare are kept on; a program without any has none", async () => {
    const first = await t.start(COUNTER);
    await first.printed("[1,");
    const between = await t.start("setInterval(() => {}, 1000); console.log('ready')", {
      kept: await t.node.kept(first.pid),
    });
    await between.printed("ready");
    const third = await t.start(COUNTER, { kept: await t.node.kept(between.pid) });
    await third.printed('[2,["run 1","run 2"],true]');
    const none = await t.start("setInterval(() => {}, 1000); console.log('ready')");
    await none.printed("ready");
    const fresh = await t.start(COUNTER, { kept: await t.node.kept(none.pid) });
    await fresh.printed('[1,["run 1"],true]');
    for (const { pid } of [first, between, third, none, fresh]) await t.node.signal(pid, "SIGKILL");
  });

  test("misuse is an error with a code", async () => {
    const { stdout } = await t.run(`${KEEP}
      const code = (f) => { try { f(); return "none"; } catch (error) { return error.code; } };
      keep("a", () => ({}));
      console.log(
        code(() => keep("a", () => ({}))), code(() => keep("", () => ({}))), code(() => keep(1, () => ({}))),
        code(() => keep("x".repeat(201), () => ({}))), code(() => keep("b", () => 1)), code(() => keep("c", () => null)),
        code(() => __godwit.core.syscall("keptGive", "", new Uint8Array())));`);
    assert.equal(stdout, "EEXIST EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL\n");
  });

  test("state that is no state ends nobody else", async () => {
    const odd = await t.run(`${KEEP} keep("state", () => ({}));`, { kept: new Uint8Array([1, 2, 3]) });
    assert.equal(odd.status.code, 1);
    assert.match(odd.stderr, /EINVAL|cannot read|that this version/);
  });

  test("a process that ends, or never comes back to its event loop, does not keep the asker waiting", async () => {
    const spinning = await t.start(`console.log("on"); for (;;) {}`);
    await spinning.printed("on");
    const asked = assert.rejects(t.node.kept(spinning.pid), { code: "ESRCH" });
    await t.node.signal(spinning.pid, "SIGKILL");
    await asked;
    await assert.rejects(t.node.kept(spinning.pid), { code: "ESRCH" });
  });

  test("it is part of an image: asked for before or taken after", async () => {
    const first = await t.start(COUNTER);
    await first.printed("[1,");
    const kept = await t.node.kept(first.pid);
    const waiting = `${KEEP} console.log("on"); while (!self.epoch) sleep(1); const state = keep("state", () => ({ runs: -1 })); console.log("runs", state.runs);`;
    const second = await t.start(waiting, { kept });
    await second.printed("on");
    const image = await t.node.checkpoint(second.pid);
    for (const { pid } of [first, second]) await t.node.signal(pid, "SIGKILL");
    const restored = t.watch(await t.node.restore(image));
    assert.match((await restored.ended).stdout, /runs 1/);
  });
});
