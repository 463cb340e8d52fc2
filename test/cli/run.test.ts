/** `godwit run` and the node, from end to end: real programs in the real engine. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { MAIN, type Outcome, type Running, godwit, start } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const TIMEOUT = { timeout: 120_000 };

/** Runs one program, with `args` before its name and `words` after. */
function run(
  test: TestContext,
  source: string,
  args: readonly string[] = [],
  words: readonly string[] = [],
): Promise<Outcome> {
  const folder = temporaryFolder(test, { "p.ts": source, "data.txt": "some data" });
  return godwit(test, ["run", ...args, "p.ts", ...words], { folder });
}

function outcome(code: number, stdout: string, stderr = ""): Outcome {
  return { code, signal: null, stdout, stderr };
}

suite("run: streams and exit codes", () => {
  test("hello, arguments, the program's own exit code", TIMEOUT, async (t) => {
    const source = `import { exit, self } from "godwit"; console.log(self.arguments.join("|")); exit(3);`;
    assert.deepEqual(await run(t, source, [], ["a", "--json", "-d", ""]), outcome(3, "a|--json|-d|\n"));
    assert.deepEqual(await run(t, `console.log("hello"); console.error("oops");`), outcome(0, "hello\n", "oops\n"));
  });

  test("an uncaught error: the TypeScript line, exit 1", TIMEOUT, async (t) => {
    const source = `interface A { readonly x: number }\n\nfunction thrower(a: A): never {\n  throw new TypeError("bad " + a.x);\n}\nthrower({ x: 1 });\n`;
    const { code, stdout, stderr } = await run(t, source);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /TypeError: bad 1\n {4}at thrower \(p\.ts:4:\d+\)\n {4}at <anonymous> \(p\.ts:6:1\)/);
  });

  test("what cannot run: 126 for a mistake in it, 127 for no file", TIMEOUT, async (t) => {
    const mistake = await run(t, "let a = ;");
    assert.equal(mistake.code, 126);
    assert.match(mistake.stderr, /^godwit: cannot compile p\.ts:\n\n.*p\.ts:1:8:/s);
    const missing = await godwit(t, ["run", "gone.ts"]);
    assert.deepEqual(missing, outcome(127, "", "godwit: there is no program gone.ts: check the path\n"));
    const json = await godwit(t, ["run", "--json", "gone.ts"]);
    assert.equal(JSON.parse(json.stderr).error.code, "ENOENT");
  });

  test("a filter: all of a long input, byte for byte, and its end", TIMEOUT, async (t) => {
    const source = `import { stdin, stdout } from "godwit";
      for (let bytes = stdin.read(); bytes.length > 0; bytes = stdin.read()) stdout.write(bytes);`;
    const folder = temporaryFolder(t, { "p.ts": source });
    const input = Array.from({ length: 200_000 }, (_, index) => `line ${index}\n`).join("");
    const { code, stdout, stderr } = await godwit(t, ["run", "p.ts"], { folder, input });
    assert.deepEqual([code, stderr], [0, ""]);
    assert(stdout === input, `${stdout.length} of ${input.length} characters came back`);
  });

  test("in a pipe whose reader leaves: it ends quietly, exit 141", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t, { "yes.ts": `for (;;) console.log("y");` });
    const shell = `"${process.execPath}" "${MAIN}" run yes.ts | head -n 3; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await bash(t, shell, folder);
    assert.deepEqual([stdout, stderr], ["y\ny\ny\n141\n", ""]);
  });

  test("a reader that stands still holds the program back", TIMEOUT, async (t) => {
    const source = `import { stderr, stdout } from "godwit";
      const block = new Uint8Array(65536); let written = 0;
      for (let i = 0; i < 400; i++) { stdout.write(block); written += block.length; if (i % 8 === 0) stderr.write(written + "\\n"); }
      stderr.write("all\\n");`;
    const folder = temporaryFolder(t, { "p.ts": source });
    const running = start(t, ["run", "p.ts"], { folder });
    running.child.stdout.pause();
    const far = await stillness(() => running.stderr);
    assert(!far.includes("all"), "25 MiB do not fit between a program and a reader that stands still");
    running.child.stdout.resume();
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout.length], [0, 400 * 65536]);
  });
});

/** What `read` gives once it has not changed for a while. */
async function stillness(read: () => string): Promise<string> {
  let last = "";
  for (let same = 0; same < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = read();
    same = now === last && now !== "" ? same + 1 : 0;
    last = now;
  }
  return last;
}

function bash(test: TestContext, script: string, folder: string): Promise<Outcome> {
  const child = spawn("bash", ["-c", script], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  test.after(() => child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr })));
}

suite("run: signals", () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    test(`${signal} ends a spinning program, exit ${code}`, TIMEOUT, async (t) => {
      const folder = temporaryFolder(t, { "p.ts": `console.log("spins"); for (;;) {}` });
      const running = start(t, ["run", "p.ts"], { folder });
      await running.wrote("spins");
      running.child.kill(signal);
      assert.deepEqual(await running.ended, outcome(code, "spins\n"));
    });
  }

  test("a program that handles Ctrl-C goes on; twice within a second kills it", TIMEOUT, async (t) => {
    const source = `import { onSignal } from "godwit"; onSignal("SIGINT", () => console.log("not now")); console.log("spins"); for (;;) {}`;
    const folder = temporaryFolder(t, { "p.ts": source });
    const running = start(t, ["run", "p.ts"], { folder });
    await running.wrote("spins");
    running.child.kill("SIGINT");
    await running.wrote("not now");
    running.child.kill("SIGINT");
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout], [137, "spins\nnot now\n"]);
  });
});

suite("run: what it may do and use", () => {
  const reader = `import { readFile } from "godwit"; try { console.log(readFile("data.txt", "utf-8")); } catch (error) { console.log((error as { code: string }).code); }`;
  test("no files unless allowed", TIMEOUT, async (t) => {
    assert.equal((await run(t, reader)).stdout, "EACCES\n");
    assert.equal((await run(t, reader, ["--allow-read=elsewhere"])).stdout, "EACCES\n");
    assert.equal((await run(t, reader, ["--allow-read=data.txt"])).stdout, "some data\n");
    assert.equal((await run(t, reader, ["--allow-read"])).stdout, "some data\n");
  });

  test("no environment unless allowed", TIMEOUT, async (t) => {
    const folder = temporaryFolder(t, {
      "p.ts": `import { self } from "godwit"; console.log(JSON.stringify([self.environment.A_ONE, self.environment.A_TWO]));`,
    });
    const at = { folder, environment: { A_ONE: "1", A_TWO: "2" } };
    assert.equal((await godwit(t, ["run", "p.ts"], at)).stdout, "[null,null]\n");
    assert.equal((await godwit(t, ["run", "--allow-env=A_TWO", "p.ts"], at)).stdout, '[null,"2"]\n');
    assert.equal((await godwit(t, ["run", "-A", "p.ts"], at)).stdout, '["1","2"]\n');
  });

  test("its time and its memory", TIMEOUT, async (t) => {
    const late = await run(t, "for (;;) {}", ["--timeout", "300ms"]);
    assert.equal(late.code, 124);
    assert.match(late.stderr, /^godwit: .*300 ms/);
    const large = `try { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); } catch { console.log("caught"); }`;
    assert.deepEqual(await run(t, large, ["--memory", "16M"]), outcome(0, "caught\n"));
    const wrong = await run(t, "1", ["--memory", "1K"]);
    assert.deepEqual([wrong.code, wrong.stdout], [125, ""]);
    assert.match(wrong.stderr, /memoryBytes is 1024/);
  });

  test("under stress: the same output and exit code", TIMEOUT, async (t) => {
    const source = `import { exit } from "godwit";
      const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
      const sorted = [5, 3, 9, 1].sort((a, b) => { fib(2); return a - b; });
      console.log(fib(7), sorted.join(), JSON.stringify({ toJSON: () => fib(4) }));
      exit(7);`;
    const calm = await run(t, source);
    assert.deepEqual(calm, outcome(7, "13 1,3,5,9 3\n"));
    for (const flag of ["--stress", "--stress=call", "--stress=2"])
      assert.deepEqual(await run(t, source, [flag]), calm, flag);
  });
});

interface Setting {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A node of the test's own. */
async function up(test: TestContext, files: Readonly<Record<string, string>>): Promise<{ at: Setting; node: Running }> {
  const folder = temporaryFolder(test, files);
  const at = { folder, environment: { GODWIT_SOCKET: join(folder, "run", "g.sock") } };
  const node = start(test, ["up", "--name", "tested"], at);
  await node.wrote("Node tested is up at");
  return { at, node };
}

/** The standard output of a command that must succeed. */
async function told(test: TestContext, at: Setting, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await godwit(test, args, at);
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Says a number, again and again, from a variable that is nowhere but in a loop. */
const COUNTER = `import { sleep } from "godwit"; for (let n = 0; ; n++) { console.log("n=" + n); sleep(20); }`;

function counts(text: string): number[] {
  return [...text.matchAll(/n=(\d+)\n/g)].map((match) => Number(match[1]));
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

suite("a node", () => {
  test("a detached program: seen, followed, paused, copied, saved, killed, restored", TIMEOUT, async (t) => {
    const { at, node } = await up(t, { "count.ts": COUNTER });
    const pid = (await told(t, at, "run", "--detach", "count.ts")).trim();
    await until(async () => counts(await told(t, at, "logs", pid)).length > 3);
    const listed = JSON.parse(await told(t, at, "ps", "--json"));
    assert.deepEqual(
      listed.map((one: { pid: number; name: string }) => [String(one.pid), one.name]),
      [[pid, "count.ts"]],
    );

    await told(t, at, "pause", pid);
    assert.match(await told(t, at, "ps"), /paused/);
    const inspected = await told(t, at, "inspect", pid);
    assert.match(inspected, /^process +\d+/m);
    assert.match(inspected, /\(count\.ts:1:\d+\)/, "the stack is in the program's own lines");
    const before = counts(await told(t, at, "logs", pid)).at(-1) ?? 0;
    await told(t, at, "resume", pid);
    await until(async () => (counts(await told(t, at, "logs", pid)).at(-1) ?? 0) > before + 2);

    const child = (await told(t, at, "fork", pid)).trim();
    assert.notEqual(child, pid);
    await until(async () => counts(await told(t, at, "logs", child)).length > 2);
    assert((counts(await told(t, at, "logs", child))[0] ?? 0) > before, "the copy goes on where the original was");

    await told(t, at, "checkpoint", pid, "-o", "count.image");
    assert.match(await told(t, at, "inspect", "count.image"), /^program +count\.ts$/m);
    await told(t, at, "kill", pid, child);
    await until(async () => (await told(t, at, "ps", "--json")).trim() === "[]");
    const saved = counts(await told(t, at, "logs", pid)).at(-1) ?? 0;

    const again = (await told(t, at, "restore", "--detach", "count.image")).trim();
    await until(async () => counts(await told(t, at, "logs", again)).length > 2);
    const first = counts(await told(t, at, "logs", again))[0] ?? 0;
    assert(first > 3 && first <= saved + 1, `it goes on from the picture: ${first}, the original came to ${saved}`);

    assert.equal(await told(t, at, "stop"), "Node tested has stopped.\n");
    assert.equal((await node.ended).code, 0);
    assert.equal(existsSync(at.environment["GODWIT_SOCKET"] ?? ""), false);
  });

  test("an image goes on in the foreground, without a node", TIMEOUT, async (t) => {
    const { at } = await up(t, { "count.ts": COUNTER });
    const pid = (await told(t, at, "run", "-d", "count.ts")).trim();
    await until(async () => counts(await told(t, at, "logs", pid)).length > 5);
    await told(t, at, "checkpoint", pid, "-o", "count.image");
    await told(t, at, "stop");
    const running = start(t, ["restore", "count.image"], at);
    await running.wrote("n=");
    running.child.kill("SIGTERM");
    const { code, stdout } = await running.ended;
    assert.equal(code, 143);
    assert((counts(stdout)[0] ?? 0) >= 5, stdout);
    const broken = readFileSync(join(at.folder, "count.image"));
    broken[broken.length >> 1] = (broken[broken.length >> 1] ?? 0) ^ 1;
    const folder = temporaryFolder(t, { "bad.image": "" });
    writeFileSync(join(folder, "bad.image"), broken);
    const refused = await godwit(t, ["restore", "bad.image"], { folder });
    assert.equal(refused.code, 126, refused.stderr);
    assert.match(refused.stderr, /^godwit: /);
  });

  test("attach: a conversation, and the exit code", TIMEOUT, async (t) => {
    const source = `import { exit, stdin } from "godwit"; for (const line of stdin.lines()) { console.log("heard " + line); if (line === "bye") exit(9); }`;
    const { at } = await up(t, { "echo.ts": source });
    const pid = (await told(t, at, "run", "-d", "echo.ts")).trim();
    const attached = start(t, ["attach", pid], at);
    attached.child.stdin.write("one\n");
    await until(async () => (await told(t, at, "logs", pid)).includes("heard one"));
    attached.child.stdin.write("bye\n");
    assert.equal((await attached.ended).code, 9);
    assert.match(await told(t, at, "ps", "--all"), /ended \(exit 9\)/);
  });

  test("a second up is refused; SIGTERM ends the first cleanly, with its processes", TIMEOUT, async (t) => {
    const { at, node } = await up(t, { "count.ts": COUNTER });
    const second = await godwit(t, ["up"], at);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /already running at .*g\.sock/);
    const pid = (await told(t, at, "run", "-d", "count.ts")).trim();
    const following = start(t, ["attach", "--no-input", pid], at);
    await following.wrote("n=");
    node.child.kill("SIGTERM");
    assert.equal((await node.ended).code, 0, node.stderr);
    assert.equal((await following.ended).code, 137);
    assert.equal((await godwit(t, ["ps"], at)).code, 1);
  });

  test("after a crash, the next node takes the socket over", TIMEOUT, async (t) => {
    const { at, node } = await up(t, {});
    node.child.kill("SIGKILL");
    await node.ended;
    assert.match((await godwit(t, ["ps"], at)).stderr, /no node is running/);
    const next = start(t, ["up"], at);
    await next.wrote("is up at");
    assert.equal(await told(t, at, "stop"), "Node local has stopped.\n");
  });
});
