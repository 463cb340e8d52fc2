/** `godwit dev`: what runs is what is in the files, and goes on while they do not compile. */

import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { type Running, godwit, start } from "./command.ts";
import { temporaryFolder, until } from "./folder.ts";

/** Prints its name, and then goes on printing ticks. */
function ticking(name: string, ...lines: readonly string[]): string {
  return `${lines.join("\n")}\nconsole.log("${name}"); setInterval(() => console.log("tick of ${name}"), 5);`;
}

/** Far more than any of these needs: what it said by then tells why. */
const WAIT_MAX_MS = 25_000;

interface Development {
  readonly running: Running;
  write(name: string, text: string): void;
  remove(name: string): void;
  /** Resolves once standard output has `text` after what was there at the call before. */
  prints(text: string): Promise<void>;
  tells(text: string): Promise<void>;
}

function develop(test: TestContext, files: Readonly<Record<string, string>>, args: readonly string[]): Development {
  const folder = temporaryFolder(test, files);
  const running = start(test, ["dev", ...args], { folder });
  const seen = { stdout: 0, stderr: 0 };
  const shows = async (stream: "stdout" | "stderr", text: string) => {
    const untilMs = performance.now() + WAIT_MAX_MS;
    const isOver = () => running.child.exitCode !== null || performance.now() > untilMs;
    await until(() => running[stream].includes(text, seen[stream]) || isOver());
    const at = running[stream].indexOf(text, seen[stream]);
    assert.ok(
      at >= 0,
      `it went on or ended without ${JSON.stringify(text)}: ${running.stdout.slice(-2000)}${running.stderr}`,
    );
    seen[stream] = at + text.length;
  };
  return {
    running,
    write: (name, text) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      // As editors do it: the old file stays whole until the new one is.
      writeFileSync(join(folder, `${name}~`), text);
      renameSync(join(folder, `${name}~`), join(folder, name));
    },
    remove: (name) => rmSync(join(folder, name)),
    prints: (text) => shows("stdout", text),
    tells: (text) => shows("stderr", text),
  };
}

suite("godwit dev", { concurrency: 2, timeout: 60_000 }, () => {
  test("each change of a file, or of one that it imports, starts it anew; the old one is gone", async (t) => {
    const dev = develop(t, { "app.ts": `import "./part.ts";`, "part.ts": ticking("first") }, ["app.ts"]);
    await dev.prints("tick of first\n");
    dev.write("part.ts", ticking("second"));
    await dev.prints("second\n");
    const after = dev.running.stdout.length;
    await dev.prints("tick of second\n");
    assert.ok(!dev.running.stdout.slice(after).includes("tick of first"), dev.running.stdout.slice(after));
    assert.match(dev.running.stderr, /the code has changed: the program starts anew/);
    dev.write("app.ts", `import "./part.ts"; console.log("third");`);
    await dev.prints("third\n");
    dev.running.child.kill("SIGINT");
    assert.equal((await dev.running.ended).code, 0);
  });

  test("what does not compile is told, and what runs goes on; a file that was missing is taken when it is made", async (t) => {
    const dev = develop(t, { "app.ts": ticking("first") }, ["app.ts"]);
    await dev.prints("tick of first\n");
    dev.write("app.ts", `import { name } from "./part.ts"; console.log(name);`);
    await dev.tells(`cannot find "./part.ts"`);
    await dev.prints("tick of first\n");
    dev.write("part.ts", `export const name = ;`);
    await dev.tells(`part.ts:1:20`);
    await dev.prints("tick of first\n");
    dev.write("part.ts", `export { name } from "./new/name.ts";`);
    await dev.tells(`cannot find "./new/name.ts"`);
    dev.write("new/name.ts", `export const name = "second";`);
    await dev.prints("second\n");
    assert.equal(dev.running.stderr.split("cannot find").length - 1, 2, "each fault is told once");
    dev.running.child.kill("SIGTERM");
    assert.equal((await dev.running.ended).code, 0);
  });

  test("a program that has ended is started by the next change; one that will not end is ended", async (t) => {
    const dev = develop(t, { "app.ts": `console.log("once", self.arguments); import { self } from "godwit";` }, [
      "app.ts",
      "--json",
      "-x",
    ]);
    await dev.prints(`once [ '--json', '-x' ]`);
    await dev.tells("the program has ended;");
    dev.write("app.ts", `throw new Error("broken");`);
    await dev.tells("Error: broken");
    await dev.tells("the program was ended: ");
    dev.write("app.ts", ticking("deaf", `import { onSignal } from "godwit";`, `onSignal("SIGTERM", "ignore");`));
    await dev.prints("tick of deaf\n");
    dev.write("app.ts", `console.log("last");`);
    await dev.prints("last\n");
  });

  test("what the program started goes with it", async (t) => {
    const files = {
      "app.ts": `import { spawn } from "godwit"; spawn("child.ts"); setInterval(() => {}, 1000);`,
      "child.ts": ticking("child"),
    };
    const dev = develop(t, files, ["--allow-all", "app.ts"]);
    await dev.prints("tick of child\n");
    dev.write("app.ts", ticking("alone"));
    await dev.prints("alone\n");
    const after = dev.running.stdout.length;
    await dev.prints("tick of alone\n");
    await dev.prints("tick of alone\n");
    assert.ok(!dev.running.stdout.slice(after).includes("child"), dev.running.stdout.slice(after));
  });

  test("a web application, and what it keeps", async (t) => {
    const app = (greeting: string, state = "({ visits: 0 })") => `
      import { keep } from "godwit";
      const state = keep("state", () => ${state});
      export default { fetch: () => new Response("${greeting} " + ++state.visits) };`;
    const dev = develop(t, { "app.ts": app("hello") }, ["--keep", "--listen", "0", "app.ts"]);
    const visit = async (): Promise<string> => {
      const [, url = ""] = [...dev.running.stderr.matchAll(/Listening on (http:\S+)/g)].at(-1) ?? [];
      return (await fetch(url)).text();
    };
    await dev.tells("Listening on http://");
    assert.deepEqual([await visit(), await visit()], ["hello 1", "hello 2"]);
    dev.write("app.ts", app("welcome"));
    await dev.tells("the program goes on with what it kept");
    await dev.tells("Listening on http://");
    assert.equal(await visit(), "welcome 3");
    dev.write("app.ts", `throw new Error("too early");`);
    await dev.tells("the program was ended: ");
    dev.write("app.ts", app("back"));
    await dev.tells("Listening on http://");
    assert.equal(await visit(), "back 4");
    dev.write("app.ts", `import { keep } from "godwit"; keep("door", () => ({ open() {} }));${app("stubborn")}`);
    await dev.tells("Listening on http://");
    assert.equal(await visit(), "stubborn 5");
    dev.write("app.ts", app("late"));
    await dev.tells(`cannot give what it keeps: "door": DataCloneError`);
    await dev.tells("The old code goes on");
    assert.equal(await visit(), "stubborn 6");
  });

  test("no such program is a mistake at the start, and none later", async (t) => {
    const { code, stderr } = await godwit(t, ["dev", "gone.ts"], { folder: temporaryFolder(t) });
    assert.equal(code, 1);
    assert.match(stderr, /there is no program gone\.ts/);
    const dev = develop(t, { "app.ts": ticking("first") }, ["app.ts"]);
    await dev.prints("first\n");
    dev.remove("app.ts");
    await dev.tells("there is no program app.ts");
    await dev.prints("tick of first\n");
    dev.write("app.ts", ticking("second"));
    await dev.prints("second\n");
  });
});
