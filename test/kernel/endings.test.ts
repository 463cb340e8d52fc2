/** What is pending on a process when it ends, and what reaches it at odd moments: nothing hangs, nothing is left. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { receive } from "../../src/kernel/lwp.ts";
import { decodeImage } from "../../src/machine/image.ts";
import { World } from "./world.ts";

function first(world: World): Kernel {
  const [kernel] = world.kernels;
  assert.ok(kernel !== undefined);
  return kernel;
}

/** A process in a call that must end where it began, whose answer has not arrived. */
function inCall(): { world: World; pid: number } {
  const world = new World();
  const { pid } = world.spawn(`register("name"); console.log("registered"); sleep(1e9)`);
  world.runUntil(() => world.trace.some((line) => line.includes("register")));
  return { world, pid };
}

test("a capture and a fork wait for the call; a hand-over is refused meanwhile", async () => {
  const { world, pid } = inCall();
  const kernel = first(world);
  receive(kernel, { op: "ask", pid, request: 100, question: { kind: "capture" } });
  receive(kernel, { op: "ask", pid, request: 101, question: { kind: "fork", child: 77 } });
  receive(kernel, { op: "ask", pid, request: 102, question: { kind: "release" } });
  const told = () =>
    world.trace.filter((line) => /"request":10\d|answer 10\d/.test(line)).map((line) => line.replace(/^\S+ /, ""));
  assert.equal(told().length, 1);
  assert.match(told()[0] ?? "", /refuse.*102.*EAGAIN/);
  world.known.set(77, { ...world.known.get(pid), pid: 77, parent: pid, held: [], exit: undefined } as never);
  world.runUntil(() => world.known.get(pid)?.stdout === "registered\n");
  assert.deepEqual(told().slice(1), ["0 answer 100 capture", "0 answer 101 fork"]);
  assert.equal(world.process(pid).holds.size, 0);
});

test("what waits for a process that ends is refused, and a child that it was to have is not born", () => {
  const { world, pid } = inCall();
  const kernel = first(world);
  receive(kernel, { op: "ask", pid, request: 100, question: { kind: "capture" } });
  receive(kernel, { op: "ask", pid, request: 101, question: { kind: "fork", child: 77 } });
  receive(kernel, { op: "signal", pid, signal: "SIGKILL" });
  receive(kernel, { op: "fork", pid, call: 1, child: 78 });
  receive(kernel, { op: "ask", pid, request: 103, question: { kind: "inspect" } });
  const refused = world.trace.filter((line) => line.includes('"refuse"'));
  assert.deepEqual(
    refused.map((line) => /"request":(\d+),"code":"(\w+)"/.exec(line)?.slice(1).join()),
    ["100,ESRCH", "101,ESRCH", "103,ESRCH"],
  );
  assert.ok(world.trace.some((line) => line.includes('"unborn","child":78')));
  assert.equal(kernel.processes.size + kernel.scheduler.readyCount + kernel.hostOperations, 0);
});

test("a forked child reads what is sent to it, not what was sent to its parent", () => {
  const world = new World();
  const { pid } = world.spawn(
    `const { stdin } = globalThis.__godwit.exports; sleep(10); const child = fork(); console.log(stdin.readLine()); exit(0);`,
  );
  world.tell(pid, { op: "input", pid, bytes: Buffer.from("line\n") });
  world.tell(pid, { op: "input", pid, bytes: null });
  world.run();
  assert.deepEqual(
    [...world.known.values()].map(({ stdout }) => stdout),
    ["line\n", "undefined\n"],
  );
});

test("every message reaches a listener, also those that came before it listened", () => {
  const world = new World();
  const { pid } = world.spawn(`
    for (let i = 0; i < 5; i++) send(self.pid, i);
    const got = [];
    onMessage(({ message }) => { got.push(message); if (got.length === 3) Thread.create(() => got.push(receive().message)).join(); if (got.length === 8) { console.log(got.join()); onMessage(null); } });
    for (let i = 5; i < 8; i++) send(self.pid, i);`);
  world.run();
  assert.equal(world.known.get(pid)?.stdout, "0,1,2,3,4,5,6,7\n");
});

test("a signal waits while its handler runs, and however often it came, the handler runs once more", () => {
  const world = new World();
  const { pid } = world.spawn(
    `let runs = 0; onSignal("SIGUSR1", () => { console.log("handler", ++runs); sleep(50); }); console.log("up"); sleep(500); console.log("end", runs);`,
  );
  world.runUntil(() => world.known.get(pid)?.stdout === "up\n");
  for (let i = 0; i < 5; i++) {
    world.tell(pid, { op: "signal", pid, signal: "SIGUSR1" });
    world.runUntil(() => world.known.get(pid)?.stdout.includes("handler 1") === true);
  }
  world.run();
  assert.equal(world.known.get(pid)?.stdout, "up\nhandler 1\nhandler 2\nend 2\n");
});

test("a pending signal is in the image", async () => {
  const world = new World();
  const { pid } = world.spawn(`onSignal("SIGUSR1", () => sleep(1e6)); console.log("up"); sleep(1e9)`);
  world.runUntil(() => world.known.get(pid)?.stdout === "up\n");
  for (let i = 0; i < 2; i++) receive(first(world), { op: "signal", pid, signal: "SIGUSR1" });
  let image: Uint8Array | undefined;
  const capturing = world
    .ask(pid, { kind: "capture" })
    .then((answer) => answer.kind === "capture" && (image = answer.image));
  world.runUntil(() => world.trace.some((line) => line.includes("answer")));
  await capturing;
  const { signals } = decodeImage(image ?? new Uint8Array()).state as { signals: unknown };
  assert.deepEqual(signals, [{ signal: "SIGUSR1", action: "handle", pending: true }]);
});

test("stopped and continued: a loop, a sleep and a blocked thread stand still and go on", () => {
  const world = new World();
  const { pid } = world.spawn(
    `let n = 0; const m = new Mutex(); m.lock(); Thread.create(() => { m.lock(); exit(n > 0 ? 6 : 7); }); console.log("up"); const end = performance.now() + 300; while (performance.now() < end) n++; m.unlock(); for (;;);`,
  );
  world.runUntil(() => world.known.get(pid)?.stdout === "up\n");
  receive(first(world), { op: "signal", pid, signal: "SIGSTOP" });
  const cpuMs = world.process(pid).cpuMs;
  world.nowMs += 10_000;
  first(world).run(100);
  assert.equal(world.process(pid).cpuMs, cpuMs);
  receive(first(world), { op: "signal", pid, signal: "SIGCONT" });
  world.run();
  assert.equal(world.known.get(pid)?.exit?.code, 6);
});

test("deadlock: found although something is awaited that could wake only the blocked event loop; not found while a call may come back", () => {
  const world = new World();
  const dead = world.spawn(
    `const m = new Mutex(); m.lock(); setTimeout(() => {}, 1e6); Thread.create(() => m.lock()); void promises.receive(); sleep(5); Thread.create(() => {}).join(); const c = new Semaphore(0); c.acquire();`,
  );
  const alive = world.spawn(
    `const m = new Mutex(); m.lock(); Thread.create(() => { receive(); exit(3); }); const s = new Semaphore(0); s.acquire();`,
  );
  world.run();
  assert.match(dead === undefined ? "" : (world.known.get(dead.pid)?.exit?.reason ?? ""), /deadlock/);
  assert.equal(world.known.get(alive.pid)?.exit, undefined);
  void world.ask(alive.pid, { kind: "deliver", from: 0, payload: new Uint8Array() });
  world.run();
  assert.notEqual(world.known.get(alive.pid)?.exit, undefined);
});

test("an asynchronous call's outcome that nobody takes is bounded, in number and in bytes", () => {
  const world = new World({ restless: false });
  const { pid } = world.spawn(`
    let refused = "";
    try { for (let i = 0; i < 5000; i++) promises.sleep(0); } catch (e) { refused = e.code; }
    const outcomes = await Promise.allSettled(Array.from({ length: 3000 }, () => promises.sleep(1)));
    console.log(outcomes.filter(({ status }) => status === "rejected").length > 0, outcomes.find(({ reason }) => reason)?.reason.code);`);
  let most = 0;
  world.run(() => {
    for (const process of first(world).processes.values())
      most = Math.max(most, process.events.length + process.calls.size);
  });
  assert.ok(most <= 1025, `${most}`);
  assert.match(world.known.get(pid)?.stdout ?? "", /true EAGAIN/, world.known.get(pid)?.stderr);
});
