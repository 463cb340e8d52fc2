/** The example's application: the same file under godwit and under Node, and the same answers. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { handOver } from "../../src/node/hand-over.ts";
import { startNode } from "../../src/node/node.ts";
import { compileProgram, guestExports } from "../../src/node/program.ts";
import { startNode as startDaemon, until } from "../examples/node.ts";
import { APPLICATION, underCommand, underGodwit, underNode } from "./site.ts";
import { curlTour, tour } from "./tour.ts";
import { Visitor } from "./visitor.ts";

const TIMEOUT_MS = 120_000;

describe("the Hono application answers as it does under Node", { timeout: 3 * TIMEOUT_MS }, () => {
  test("a client like a browser", { timeout: TIMEOUT_MS }, async (t) => {
    const [here, there] = await Promise.all([underGodwit(t), underNode(t)]);
    assertSame(await tour(new Visitor(here.url)), await tour(new Visitor(there.url)));
  });

  test("curl", { timeout: TIMEOUT_MS }, async (t) => {
    const [here, there] = await Promise.all([underGodwit(t), underNode(t)]);
    assertSame(await curlTour(new Visitor(here.url)), await curlTour(new Visitor(there.url)));
  });

  test("moved to a fresh instance again and again", { timeout: 2 * TIMEOUT_MS }, async (t) => {
    const [here, there] = await Promise.all([underGodwit(t, "--stress=5000"), underNode(t)]);
    assertSame(await tour(new Visitor(here.url)), await tour(new Visitor(there.url)));
  });
});

test("its process handed from LWP to LWP all the while", { timeout: 2 * TIMEOUT_MS }, async (t) => {
  const there = await underNode(t);
  const node = await startNode({ name: "test", lwps: 2 });
  t.after(() => node.stop());
  const program = await compileProgram(APPLICATION, { guestExports: await guestExports(), listen: "127.0.0.1:0" });
  const { name, source, sourceMap } = program;
  const pid = await node.spawn({ name, source, sourceMap, capabilities: { listen: ["127.0.0.1:0"] } });
  const url = await new Promise<string>((resolve) => {
    let told = "";
    node.output(pid, true, (_stream, bytes) => {
      told += Buffer.from(bytes).toString();
      const [, found] = /Listening on (http:\S+)\n/.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const touring = tour(new Visitor(url));
  let isOver = false;
  const over = touring.finally(() => (isOver = true)).catch(() => {});
  const entry = node.table.get(pid);
  let moves = 0;
  while (!isOver) {
    if (entry.held === undefined && (await handOver(node, entry, node.lwps.otherThan(entry.lwp)))) moves++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await over;
  assertSame(await touring, await tour(new Visitor(there.url)));
  assert.ok(moves > 20, `${moves} moves`);
});

test("on a node in the background, with the command's flags", { timeout: TIMEOUT_MS }, async (t) => {
  const node = await startDaemon(t);
  const { stdout } = await node.run("run", "--detach", "--json", APPLICATION, "--listen", "0");
  const { pid } = JSON.parse(stdout) as { pid: number };
  let url = "";
  await until("it listens", async () => {
    const { stderr, stdout: out } = await node.run("logs", String(pid));
    url = /Listening on (http:\S+)\n/.exec(out + stderr)?.[1] ?? "";
    return url !== "";
  });
  const { status, text } = await new Visitor(url).ask("/visits");
  assert.deepEqual([status, text], [200, '{"visits":1}']);
  assert.equal((await node.run("kill", String(pid))).code, 0);
  await assert.rejects(fetch(url));
});

test("godwit dev serves it", { timeout: TIMEOUT_MS }, async (t) => {
  const { url } = await underCommand(t, ["dev", APPLICATION, "--listen", "0"]);
  const { status, text } = await new Visitor(url).ask("/");
  assert.deepEqual([status, text.includes("It runs, and it moves.")], [200, true]);
});

/** One by one: a difference is told by what was asked. */
function assertSame(here: Record<string, unknown>, there: Record<string, unknown>): void {
  for (const [what, answer] of Object.entries(there)) assert.deepEqual(here[what], answer, what);
  assert.deepEqual(Object.keys(here), Object.keys(there));
}
