/** What a process holds outside its memory, when the process is moved between nodes. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { MovePlan } from "../../src/abi/move-plan.ts";
import { type TestCluster, withCluster } from "./bench-cluster.ts";
import type { Started } from "./bench-node.ts";

// Nobody else's files are there.
const temporary = mkdtempSync(join(tmpdir(), "godwit-test-"));
process.env["TMPDIR"] = temporary;
after(() => rmSync(temporary, { recursive: true, force: true }));

/** Copies and scratch directories are removed once their process has ended. */
async function nothingIsLeft(): Promise<void> {
  const files = () => readdirSync(temporary).filter((name) => /^godwit-[0-9a-f]{8}-/.test(name));
  const untilMs = performance.now() + 5000;
  while (files().length > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(files(), [], "what was made for a process is removed with it");
}

const LIBRARY =
  "const { scratch, openCache, stat, exists, readDirectory, makeDirectory, remove, rename } = globalThis.__godwit.exports; const step = (n) => { console.log('at ' + n); stdin.read(1); };\n";

/** A process at node `home` that does a part of its program after each move. */
class Traveller {
  readonly #t: TestCluster;
  readonly #home: string;
  readonly started: Started;
  #steps = 0;

  constructor(t: TestCluster, home: string, started: Started) {
    this.#t = t;
    this.#home = home;
    this.started = started;
  }

  static async start(t: TestCluster, home: string, source: string, capabilities: object): Promise<Traveller> {
    const started = await t.test(home).start(LIBRARY + source, { capabilities });
    const traveller = new Traveller(t, home, started);
    await traveller.#stopped();
    return traveller;
  }

  #stopped(): Promise<void> {
    return this.started.printed(`at ${++this.#steps}\n`);
  }

  async move(to: string): Promise<void> {
    const report = await this.#t.get(this.#home).migrate(this.started.pid, to);
    assert.deepEqual([report.outcome, report.reason], ["moved", undefined]);
  }

  plan(to: string, leaving?: string[]): Promise<MovePlan> {
    return this.#t.get(this.#home).plan(this.started.pid, to, leaving);
  }

  /** Has it do its next part. */
  async next(): Promise<void> {
    await this.#go();
    await this.#stopped();
  }

  #go(): Promise<void> {
    return this.#t.get(this.#home).node.input(this.started.pid, Buffer.from("."));
  }

  /** The last part; what it has printed beside its steps. */
  async end(): Promise<string> {
    await this.#go();
    const { stdout, stderr } = await this.started.ended;
    assert.equal(stderr, "");
    return stdout.replace(/at \d+\n/g, "");
  }
}

await withCluster(["a", "b", "c"], (t) => {
  const place = (name: string) => join(t.folder, name);
  const all = { read: [t.folder], write: [t.folder] };

  test("a file by identifier stays where it is, and is used from afar, position and all", async () => {
    writeFileSync(place("seen.txt"), "one two three four");
    const traveller = await Traveller.start(
      t,
      "a",
      `const file = open("seen.txt", { read: true, write: true });
       const log = open("log.txt", { write: true, create: true, append: true });
       const text = (n) => new TextDecoder().decode(file.read(n));
       console.log(text(4)); log.write("a;"); step(1);
       console.log(text(4)); log.write("b;"); step(2);
       console.log(text(6)); log.write("c;"); file.seek(0); file.write("ONE"); step(3);
       console.log(text(1), file.seek(0, "end"), text(9)); log.write("a;"); file.truncate(3); file.sync();
       file.close(); log.close();`,
      all,
    );
    const { rows, obstacle } = await traveller.plan("b");
    assert.equal(obstacle, undefined);
    assert.deepEqual(
      rows.map(({ handle, kind, action }) => `${handle} ${kind} ${action}`),
      ["0 console GR", "1 console GR", "2 console GR", "3 file GR", "4 file GR"],
    );
    await traveller.move("b");
    // It does not read a file of the same path that comes there, nor one that was changed behind its back by a copy.
    writeFileSync(place("seen.txt"), "one TWO three four");
    await traveller.next();
    await traveller.move("c");
    await traveller.next();
    assert.equal(readFileSync(place("log.txt"), "utf8"), "a;b;c;");
    assert.equal(t.get("a").files.count, 2, "two files are open at the home");
    await traveller.move("a");
    assert.equal(await traveller.end(), "one \nTWO \nthree \n  18 \n");
    assert.equal(readFileSync(place("seen.txt"), "utf8"), "ONE");
    assert.equal(readFileSync(place("log.txt"), "utf8"), "a;b;c;a;");
    for (const { files } of t.nodes.values()) assert.equal(files.count, 0, "nothing stays open");
  });

  test("paths mean the home's files wherever the process is, under the capabilities that it has there", async () => {
    mkdirSync(place("mine"));
    const traveller = await Traveller.start(
      t,
      "a",
      `step(1);
       writeFile("mine/note.txt", "from afar");
       const tried = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
       makeDirectory("mine/deep/er", { recursive: true });
       rename("mine/note.txt", "mine/deep/note.txt");
       console.log(readFile("mine/deep/note.txt", "utf-8"), stat("mine/deep").kind, exists("mine/note.txt"));
       console.log(readDirectory("mine/deep").map(({ name }) => name).sort().join());
       console.log(tried(() => readFile("/etc/passwd")), tried(() => writeFile("other.txt", "")), tried(() => open("mine/none")));
       console.log(tried(() => readFile("mine")), tried(() => remove("mine/deep")));
       remove("mine/deep", { recursive: true });
       console.log((await promises.readDirectory("mine")).length, tried(() => open("mine/x", { write: true, create: true, exclusive: true })));
       checkpoint({ file: "mine/image" });
       console.log(stat("mine/image").sizeBytes > 10000);`,
      { read: [place("mine")], write: [place("mine")] },
    );
    await traveller.move("b");
    assert.equal(
      await traveller.end(),
      "from afar directory false\ner,note.txt\nEACCES EACCES ENOENT\nEISDIR ENOTEMPTY\n0 done\ntrue\n",
    );
    assert.equal(t.get("a").files.count, 0, "the end of a process closes what it had open elsewhere");
  });

  test("a file by value is copied, and both go their own ways; by type the one there is opened", async () => {
    writeFileSync(place("value.txt"), "original");
    writeFileSync(place("type.txt"), "first");
    const traveller = await Traveller.start(
      t,
      "a",
      `const copy = open("value.txt", { read: true, write: true, binding: "value" });
       const any = open("type.txt", { read: true, binding: "type" });
       const text = (file) => new TextDecoder().decode(file.read(100));
       console.log(text(any)); copy.seek(4); step(1);
       copy.write("INAL"); copy.seek(0); console.log(text(copy)); any.seek(0); console.log(text(any)); step(2);
       copy.seek(0); console.log(text(copy));`,
      all,
    );
    const { rows } = await traveller.plan("b");
    assert.deepEqual(
      rows.slice(3).map(({ handle, kind, action }) => `${handle} ${kind} ${action}`),
      ["3 file CP", "4 file RB"],
    );
    await traveller.move("b");
    writeFileSync(place("value.txt"), "changed here");
    writeFileSync(place("type.txt"), "second");
    await traveller.next();
    assert.equal(t.get("a").files.count, 0);
    assert.deepEqual(
      (await traveller.plan("c")).rows.slice(3).map(({ action }) => action),
      ["MV", "RB"],
    );
    await traveller.move("c");
    assert.equal(await traveller.end(), "first\norigINAL\nsecond\norigINAL\n");
    assert.equal(readFileSync(place("value.txt"), "utf8"), "changed here");
    await nothingIsLeft();
  });

  test("a cache is moved, copied, or bound anew", async () => {
    const traveller = await Traveller.start(
      t,
      "a",
      `const [mine, copied, fresh] = ["identifier", "value", "type"].map((binding) => openCache({ binding, maxBytes: 1000 }));
       for (const cache of [mine, copied, fresh]) { cache.set("list", [1, new Map([["two", 2n]])]); cache.set("old", "x"); cache.get("list"); }
       step(1);
       console.log(String(mine.get("list")[1].get("two")), mine.keys().join(), copied.get("list")[0], fresh.get("list"), fresh.keys().length);
       mine.set("large", "y".repeat(950)); console.log(mine.keys().join());
       try { mine.set("larger", "z".repeat(2000)); } catch (error) { console.log(error.code); }`,
      {},
    );
    assert.deepEqual(
      (await traveller.plan("b")).rows.slice(3).map(({ action }) => action),
      ["MV", "CP", "RB"],
    );
    await traveller.move("b");
    assert.equal(await traveller.end(), "2 old,list 1 undefined 0\nlarge\nEMSGSIZE\n");
  });

  test("a scratch directory is bound anew, copied, or stays, with the files that are open in it", async () => {
    const traveller = await Traveller.start(
      t,
      "a",
      `const [fresh, copied, stays] = ["type", "value", "identifier"].map((binding) => scratch({ binding }));
       for (const one of [fresh, copied, stays]) { makeDirectory(one.join("deep")); writeFile(one.join("deep/note"), "n" + one.handle); }
       const [inCopied, inStays] = [copied, stays].map((one) => open(one.join("log"), { read: true, write: true, create: true }));
       inCopied.write("1"); inStays.write("1"); step(1);
       const look = (one) => readDirectory(one.path).map(({ name }) => name).sort().join("+") || "empty";
       inCopied.write("2"); inStays.write("2");
       console.log(look(fresh), look(copied), look(stays), readFile(stays.join("deep/note"), "utf-8")); 
       writeFile(fresh.join("again"), "!"); writeFile(stays.join("afar"), "?"); step(2);
       inCopied.write("3"); inStays.write("3");
       console.log(look(fresh), look(copied), look(stays), readFile(copied.join("log"), "utf-8"), readFile(stays.join("log"), "utf-8")); step(3);
       inStays.write("4"); inStays.seek(0);
       console.log(look(fresh), look(copied), look(stays), new TextDecoder().decode(inStays.read(9)));
       try { readFile(stays.join("../../etc/passwd")); } catch (error) { console.log(error.code); }`,
      {},
    );
    assert.deepEqual(
      (await traveller.plan("b")).rows.slice(3).map(({ kind, action }) => `${kind} ${action}`),
      ["scratch RB", "scratch CP", "scratch GR", "file CP", "file GR"],
    );
    await traveller.move("b");
    await traveller.next();
    await traveller.move("c");
    await traveller.next();
    await traveller.move("a");
    assert.equal(
      await traveller.end(),
      "empty deep+log deep+log n5\nempty deep+log afar+deep+log 123 123\nempty deep+log afar+deep+log 1234\nEACCES\n",
    );
    await nothingIsLeft();
    for (const { files } of t.nodes.values()) assert.equal(files.count, 0);
  });

  test("a file opened where the process runs is used from afar when it moves on", async () => {
    const traveller = await Traveller.start(
      t,
      "a",
      `step(1);
       const here = open("here.txt", { read: true, write: true, create: true, node: "here" }); here.write("abc"); step(2);
       here.write("d"); here.seek(1); console.log(new TextDecoder().decode(here.read(2))); step(3);
       console.log(new TextDecoder().decode(here.read(2)));`,
      all,
    );
    await traveller.move("b");
    await traveller.next();
    await traveller.move("c");
    assert.equal(t.get("b").files.count, 1);
    await traveller.next();
    const { rows } = await traveller.plan("b");
    assert.match(rows[3]?.why ?? "", /it is there already/);
    const gone = await traveller.plan("a", ["b"]);
    assert.match(gone.obstacle ?? "", /handle 3 .* node b, which has it, goes away/);
    await traveller.move("b");
    assert.equal(await traveller.end(), "bc\nd\n");
    for (const { files } of t.nodes.values()) assert.equal(files.count, 0);
  });

  test("a character device stays", async () => {
    const traveller = await Traveller.start(
      t,
      "a",
      `const zero = open("/dev/zero", { read: true, binding: "value" });
       console.log(zero.read(3).join()); step(1); console.log(zero.read(2).join());`,
      { read: ["/dev/zero"] },
    );
    const [row] = (await traveller.plan("b")).rows.slice(3);
    assert.deepEqual([row?.kind, row?.attachment, row?.action], ["device", "fixed", "GR"]);
    await traveller.move("b");
    assert.equal(await traveller.end(), "0,0,0\n0,0\n");
  });

  test("a fork far from home has files of its own", async () => {
    writeFileSync(place("forked.txt"), "0123456789");
    const traveller = await Traveller.start(
      t,
      "a",
      `const file = open("forked.txt"); const work = scratch({ binding: "identifier" }); const cache = openCache();
       writeFile(work.join("x"), "x"); cache.set("k", 1); file.read(2); step(1);
       const child = fork();
       cache.set("k", child === 0 ? "child" : "parent");
       writeFile(work.join("x"), child === 0 ? "child" : "parent");
       const text = new TextDecoder().decode(file.read(child === 0 ? 3 : 4));
       if (child !== 0) wait(child);
       console.log(text, cache.get("k"), readFile(work.join("x"), "utf-8"));`,
      all,
    );
    await traveller.move("b");
    assert.equal(await traveller.end(), "234 child child\n2345 parent parent\n");
    await nothingIsLeft();
  });

  test("a file whose machine is gone fails with the reason, and the process goes on", async () => {
    const traveller = await Traveller.start(
      t,
      "a",
      `step(1); const here = open("far.txt", { read: true, write: true, create: true, node: "here" }); step(2);
       for (let n = 0; n < 2; n++) try { here.write("x"); console.log("written"); } catch (error) { console.log(error.code); }`,
      all,
    );
    await traveller.move("b");
    await traveller.next();
    await traveller.move("c");
    t.cut("b", "c");
    t.cut("b", "a");
    assert.match(await traveller.end(), /^(ECONNRESET|EBADF)\n(EBADF|ECONNRESET)\n$/);
  });

  test("a host asks for what its process may have, by the right names, and gets nothing else", async () => {
    writeFileSync(place("secret.txt"), "s");
    const traveller = await Traveller.start(t, "a", `const file = open("secret.txt"); step(1); file.read(1);`, all);
    const { pid } = traveller.started;
    await traveller.move("b");
    const ask = async (from: string, body: object) => (await t.get(from).links.to("a")).request("files", body);
    const stranger = { do: "stat", path: place("secret.txt"), pid };
    assert.ok(await ask("b", stranger));
    await assert.rejects(ask("c", stranger), { code: "ESRCH" });
    await assert.rejects(ask("b", { ...stranger, path: "/etc/passwd" }), { code: "EACCES" });
    await assert.rejects(ask("b", { ...stranger, pid: pid + 1000 }), { code: "ESRCH" });
    await assert.rejects(ask("b", { do: "read", maxBytes: 1, pid }), { code: "EPROTO" });
    await assert.rejects(ask("b", { do: "read", maxBytes: 1, ticket: "x" }), { code: "EPROTO" });
    const ticket = "00000000-0000-4000-8000-000000000000";
    await assert.rejects(ask("b", { do: "read", maxBytes: 1, ticket }), { code: "EBADF" });
    for (const body of [null, 7, {}, { pid }, { pid, do: "format" }, { pid, do: "open", path: 3, request: {} }])
      await assert.rejects(ask("b", body as object), { code: "EPROTO" });
    await traveller.end();
    assert.ok(existsSync(place("secret.txt")));
  });
});
