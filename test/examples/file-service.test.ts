/** The two file services: what each remembers, and what a crash costs its clients. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

/** One of the two, over a folder of its own; it can be killed and started again. */
class Service {
  readonly folder: string;
  readonly #file: string;
  readonly #more: readonly string[];
  #child: ChildProcess | undefined;
  url = "";

  constructor(context: TestContext, file: string, more: readonly string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), "godwit-files-"));
    this.#file = file;
    this.#more = more;
    context.after(async () => {
      await this.kill();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async start(): Promise<void> {
    const grants = [`--allow-read=${this.folder}`, `--allow-write=${this.folder}`, "--allow-listen=127.0.0.1:0"];
    const program = [`examples/file-service/${this.#file}`, this.folder, "127.0.0.1:0", ...this.#more];
    const child = spawn(process.execPath, ["dist/src/cli/main.js", "run", ...grants, ...program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NO_COLOR: "1", GODWIT_SOCKET: join(this.folder, ".none") },
    });
    this.#child = child;
    let told = "";
    while (!told.includes("\n")) told += String(((await once(child.stdout, "data")) as [Buffer])[0]);
    this.url = `http://${/listening on (\S+)/.exec(told)?.[1] ?? ""}`;
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  ask(path: string, method = "GET", body?: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  }

  async text(path: string, method = "GET", body?: string): Promise<string> {
    const answer = await this.ask(path, method, body);
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return answer.text();
  }
}

/** A client's callbacks, until it is told to stop. */
async function listen(service: Service, client: string) {
  const stop = new AbortController();
  const answer = await fetch(`${service.url}/callbacks?client=${client}`, { signal: stop.signal });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const invalidated = async (name: string): Promise<void> => {
    while (!text.includes(`event: invalidate\ndata: ${name}\n\n`)) {
      const { value, done } = await reader.read();
      assert.ok(!done, "the callbacks have ended");
      text += value;
    }
  };
  return { invalidated, stop: () => stop.abort() };
}

test("the stateless one: every request says all, and a crash is nothing", { timeout: 120_000 }, async (context) => {
  const service = new Service(context, "stateless.ts");
  writeFileSync(join(service.folder, "a.txt"), "hello world");
  await service.start();
  assert.equal(await service.text("/files/a.txt?offset=6&length=5"), "world");
  const first = await service.ask("/files/a.txt");
  const etag = first.headers.get("etag") ?? "";
  assert.equal(await first.text(), "hello world");
  await service.kill();
  await service.start();
  assert.equal((await service.ask("/files/a.txt", "GET", undefined, { "if-none-match": etag })).status, 304);
  assert.equal((await service.ask("/files/a.txt?offset=6", "PUT", "there")).status, 204);
  assert.equal((await service.ask("/files/a.txt?offset=6", "PUT", "there")).status, 204);
  const changed = await service.ask("/files/a.txt", "GET", undefined, { "if-none-match": etag });
  assert.deepEqual([changed.status, await changed.text()], [200, "hello there"]);
  assert.equal((await service.ask("/files/none")).status, 404);
  assert.equal((await service.ask("/files/a.txt?offset=-1")).status, 400);
  assert.equal((await service.ask("/files/..%2Fa.txt")).status, 404);
  assert.equal((await service.ask("/files/a.txt", "DELETE")).status, 204);
  assert.equal((await service.ask("/files/a.txt")).status, 404);
});

test("the stateful one: open files, leases, callbacks; a crash loses none", { timeout: 120_000 }, async (context) => {
  const service = new Service(context, "stateful.ts", ["100000"]);
  writeFileSync(join(service.folder, "a.txt"), "hello world");
  await service.start();
  const reading = await service.text("/open?client=A&name=a.txt", "POST");
  assert.equal(await service.text(`/handles/${reading}?length=6`), "hello ");
  assert.equal(await service.text("/leases/a.txt?client=A"), "hello world");
  const writing = await service.text("/open?client=B&name=a.txt", "POST");

  await service.kill();
  await service.start();
  // The handle is where it was, and so is the lease: who comes back is called back.
  assert.equal(await service.text(`/handles/${reading}?length=100`), "world");
  const callbacks = await listen(service, "A");
  const written = service.ask(`/handles/${writing}`, "PUT", "HELLO");
  await callbacks.invalidated("a.txt");
  assert.equal(
    readFileSync(join(service.folder, "a.txt"), "utf8"),
    "hello world",
    "not before the lease is given back",
  );
  const leased = service.text("/leases/a.txt?client=C");
  assert.equal((await service.ask("/leases/a.txt?client=A", "DELETE")).status, 204);
  assert.equal((await written).status, 204);
  assert.equal(await leased, "HELLO world", "a lease that is asked for meanwhile is on what was written");

  // One who was away when it was called back hears of it when it is there again.
  const second = service.ask(`/handles/${writing}`, "PUT", "!");
  const late = await listen(service, "C");
  await late.invalidated("a.txt");
  assert.equal((await service.ask("/leases/a.txt?client=C", "DELETE")).status, 204);
  assert.equal((await second).status, 204);
  assert.equal(readFileSync(join(service.folder, "a.txt"), "utf8"), "HELLO!world");
  callbacks.stop();
  late.stop();
  assert.equal((await service.ask(`/handles/${writing}`, "DELETE")).status, 204);
  assert.equal((await service.ask(`/handles/${writing}`)).status, 400);
  assert.equal((await service.ask("/leases/..?client=A")).status, 404);
  assert.equal((await service.ask("/open?client=A&name=.state", "POST")).status, 400);
});

test("the stateful one: a lease that nobody gives back runs out", { timeout: 120_000 }, async (context) => {
  const service = new Service(context, "stateful.ts", ["1000"]);
  writeFileSync(join(service.folder, "a.txt"), "old");
  await service.start();
  assert.equal(await service.text("/leases/a.txt?client=gone"), "old");
  const startMs = performance.now();
  const writing = await service.text("/open?client=B&name=a.txt", "POST");
  assert.equal((await service.ask(`/handles/${writing}`, "PUT", "new")).status, 204);
  assert.ok(performance.now() - startMs > 100, "it was waited for");
  assert.equal(readFileSync(join(service.folder, "a.txt"), "utf8"), "new");
});
