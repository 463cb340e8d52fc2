/** `godwit superserver` as people start it, with programs of godwit's on a node. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { connect as connectNode } from "../../../src/client/index.ts";
import { godwit, type Running, start } from "../../cli/command.ts";
import { temporaryFolder, until } from "../../cli/folder.ts";
import { exchange, ownAddress, talk, tell } from "./talk.ts";

const LIMIT = { timeout: 120_000 };
const me = spawnSync("id", ["-un"], { encoding: "utf8" }).stdout.trim();

const PROGRAMS = {
  "shout.ts": `
import { self, stdin, stdout } from "godwit";
stdout.write(self.arguments.map((word) => word + "!\\n").join(""));
for (const line of stdin.lines()) stdout.write(line.toUpperCase() + "\\n");
`,
  "fault.ts": `throw new Error("it cannot be helped");`,
  "flood.ts": `
import { stdout } from "godwit";
const block = new Uint8Array(65536).map((_, at) => at * 7);
for (let count = 0; count < 64; count++) stdout.write(block);
`,
  "endless.ts": `
import { stdout } from "godwit";
for (;;) stdout.write("y\\n".repeat(1000));
`,
  "reply.ts": `
import { listen } from "godwit";
let count = 0;
const socket = listen({ name: "reply", transport: "udp" });
for (const { data, remote } of socket) socket.send(++count + " " + new TextDecoder().decode(data), remote);
`,
  "collect.ts": `
import { readFile, writeFile, self, stdin } from "godwit";
const file = self.arguments[0] ?? "";
for (;;) {
  const bytes = stdin.read(65536);
  if (bytes.length === 0) break;
  writeFile(file, "[" + new TextDecoder().decode(bytes) + "]", { append: true });
}
`,
};

interface World {
  readonly at: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly superserver: Running;
  /** Writes the file anew, and has it read: resolves when it has been announced so often. */
  readonly change: (text: string, announcements: number) => Promise<void>;
}

async function world(t: TestContext, text: (folder: string) => string, withNode = true): Promise<World> {
  const at = ownAddress();
  const folder = temporaryFolder(t, { ...PROGRAMS, "inetd.conf": "", services: "shout 7001/tcp\n" });
  const environment = { GODWIT_SOCKET: join(folder, "n.sock") };
  const write = (text: string) => writeFileSync(join(folder, "inetd.conf"), `${at}:\n${text}`);
  write(text(folder));
  if (withNode) await start(t, ["up", "--lwps", "2"], { folder, environment }).wrote("is up");
  const words = ["superserver", "--services", "services", "inetd.conf"];
  const superserver = start(t, words, { folder, environment });
  await superserver.wrote("Serving");
  const change = async (text: string, announcements: number) => {
    write(text);
    superserver.child.kill("SIGHUP");
    await until(() => superserver.stdout.split("Serving").length > announcements);
  };
  return { at, folder, environment, superserver, change };
}

test("a host command has the socket as descriptors 0, 1 and 2, and no others", LIMIT, async (t) => {
  const script = "for fd in /proc/$$/fd/*; do readlink $fd; done; echo error >&2";
  const { at } = await world(t, () => `7001 stream tcp nowait ${me} /bin/sh sh -c "${script}"\n`, false);
  const lines = (await talk(at, 7001)).toString().trim().split("\n");
  assert.equal(lines.pop(), "error");
  assert.match(lines[0] ?? "", /^socket:/);
  assert.deepEqual(lines, [lines[0], lines[0], lines[0]]);
});

describe("programs of godwit's", () => {
  test("standard streams are the connection, to the end of each", LIMIT, async (t) => {
    const { at, environment } = await world(
      t,
      () => `shout stream tcp nowait ${me} godwit godwit run --memory 32M shout.ts one "two words"
7002 stream tcp nowait ${me} godwit godwit run fault.ts
7003 stream tcp nowait ${me} godwit godwit run flood.ts
`,
    );
    assert.equal((await talk(at, 7001, { send: "hello\nworld" })).toString(), "one!\ntwo words!\nHELLO\nWORLD\n");
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, each) => talk(at, 7001, { send: `client ${each}\n` })),
    );
    assert.deepEqual(
      many.map((bytes) => bytes.toString().split("\n")[2]),
      Array.from({ length: 20 }, (_, each) => `CLIENT ${each}`),
    );
    assert.match((await talk(at, 7002)).toString(), /Error: it cannot be helped\n\s+at .*fault\.ts:1/);
    const block = new Uint8Array(65_536).map((_, at) => at * 7);
    const expected = createHash("sha256");
    for (let count = 0; count < 64; count++) expected.update(block);
    const flood = await talk(at, 7003, { half: false });
    assert.equal(createHash("sha256").update(flood).digest("hex"), expected.digest("hex"));
    const { stdout } = await godwit(t, ["ps", "--json"], { environment });
    assert.deepEqual(JSON.parse(stdout), []);
  });

  test("a client that breaks off ends its process; one that does not read holds it back", LIMIT, async (t) => {
    const { at, environment } = await world(t, () => `7001 stream tcp nowait ${me} godwit godwit run endless.ts\n`);
    const socket = connect(7001, at);
    await once(socket, "data");
    socket.pause();
    const node = await connectNode(environment["GODWIT_SOCKET"]);
    const running = async () => (await node.list()).filter(({ state }) => state !== "ended");
    let [before] = await running();
    assert(before !== undefined);
    // It stands still once all buffers on the way are full.
    for (;;) {
      const [now] = await running();
      if (now?.state === "idle" && now.cpuMs === before.cpuMs) break;
      if (now !== undefined) before = now;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    socket.destroy();
    while ((await running()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  test("they may do nothing that is not allowed, and no more than is", LIMIT, async (t) => {
    const script = `import { readFile, self } from "godwit"; console.log(new TextDecoder().decode(readFile(self.arguments[0] ?? "")).trim());`;
    const { at } = await world(t, (folder) => {
      writeFileSync(join(folder, "read.ts"), script);
      writeFileSync(join(folder, "secret"), "the secret\n");
      const entry = (port: number, options: string) =>
        `${port} stream tcp nowait ${me} godwit godwit run ${options} read.ts ${folder}/secret\n`;
      return entry(7001, "") + entry(7002, `--allow-read=${folder}/secret`) + entry(7003, "--allow-read");
    });
    assert.match((await talk(at, 7001)).toString(), /EACCES/);
    assert.equal((await talk(at, 7002)).toString(), "the secret\n");
    assert.equal((await talk(at, 7003)).toString(), "the secret\n");
  });

  test("dgram nowait: a datagram is the input, what is written the answer", LIMIT, async (t) => {
    const { at } = await world(t, () => `7001 dgram udp nowait ${me} godwit godwit run shout.ts\n`);
    assert.deepEqual(await exchange(at, 7001, ["one", "two\nthree"]), ["ONE\n", "TWO\nTHREE\n"]);
  });

  test("dgram wait: one process reads all, a datagram each time", LIMIT, async (t) => {
    const { at, folder, environment } = await world(
      t,
      (folder) =>
        `7001 dgram udp wait ${me} godwit godwit run --allow-write=${folder}/out --allow-read=${folder}/out collect.ts ${folder}/out\n`,
    );
    await tell(at, 7001, "one", "two", "three");
    const { readFileSync, existsSync } = await import("node:fs");
    await until(() => existsSync(join(folder, "out")) && readFileSync(join(folder, "out"), "utf8").includes("three"));
    assert.equal(readFileSync(join(folder, "out"), "utf8"), "[one][two][three]");
    assert.equal((await (await connectNode(environment["GODWIT_SOCKET"])).list()).length, 1);
  });

  test("dgram wait: one that serves by name answers each client; the entry may go and come back", LIMIT, async (t) => {
    const entry = `7001 dgram udp wait ${me} godwit godwit run --allow-listen=service:reply reply.ts\n`;
    const { at, environment, superserver, change } = await world(t, () => entry);
    assert.match(superserver.stdout, new RegExp(`7001/udp at ${at}:7001`));
    const node = await connectNode(environment["GODWIT_SOCKET"]);
    assert.deepEqual(await node.list(), []);
    assert.deepEqual(await exchange(at, 7001, ["one", "two"]), ["1 one", "2 two"]);
    assert.deepEqual(await exchange(at, 7001, ["three"]), ["3 three"]);
    assert.equal((await node.list()).length, 1);
    await change("", 2);
    assert.deepEqual(
      (await node.services()).flatMap(({ fronts }) => fronts),
      [],
    );
    await change(entry, 3);
    assert.deepEqual(await exchange(at, 7001, ["four"]), ["4 four"]);
  });

  test("SIGHUP: new code is taken, a mistake is told and changes nothing", LIMIT, async (t) => {
    const entry = `7001 stream tcp nowait ${me} godwit godwit run new.ts\n`;
    const { at, folder, superserver, change } = await world(t, (folder) => {
      writeFileSync(join(folder, "new.ts"), `console.log("old")`);
      return entry;
    });
    assert.equal((await talk(at, 7001)).toString(), "old\n");
    writeFileSync(join(folder, "new.ts"), `console.log("new")`);
    await change(entry, 2);
    assert.equal((await talk(at, 7001)).toString(), "new\n");
    writeFileSync(join(folder, "inetd.conf"), "7001 stream tcp nowait\n");
    superserver.child.kill("SIGHUP");
    await until(() => superserver.stderr.includes("all stays as it was"));
    assert.match(superserver.stderr, /inetd\.conf:1: it has 4 of the fields/);
    assert.equal((await talk(at, 7001)).toString(), "new\n");
    superserver.child.kill("SIGTERM");
    assert.equal((await superserver.ended).code, 0);
  });
});

describe("what is refused", () => {
  const check = async (t: TestContext, text: string, args: readonly string[] = ["--check"]) => {
    const folder = temporaryFolder(t, { ...PROGRAMS, "inetd.conf": text, "broken.ts": "const = 3;" });
    const environment = { GODWIT_SOCKET: join(folder, "n.sock") };
    return godwit(t, ["superserver", ...args, "inetd.conf"], { folder, environment });
  };

  test("a file that is in order is", LIMIT, async (t) => {
    const { code, stdout } = await check(t, "127.0.0.1:7007 stream tcp nowait root internal echo\n");
    assert.deepEqual([code, stdout], [0, "inetd.conf is in order: 1 socket.\n"]);
  });

  const table: readonly (readonly [string, string, RegExp])[] = [
    ["a mistake in the file", "# one\necho stream tcp\n", /inetd\.conf:2: it has 3 of the fields/],
    ["a program that is not there", `7001 stream tcp nowait ${me} godwit godwit run none.ts\n`, /:1: the program cannot be run: there is no program none\.ts/], // prettier-ignore
    ["a program that cannot be compiled", `7001 stream tcp nowait ${me} godwit godwit run broken.ts\n`, /:1: the program cannot be run: cannot compile broken\.ts/], // prettier-ignore
    ["an option that there is not", `7001 stream tcp nowait ${me} godwit godwit run --wrong shout.ts\n`, /:1: the program cannot be run: .*unknown option '--wrong'/], // prettier-ignore
    ["a value that makes no sense", `7001 stream tcp nowait ${me} godwit godwit run --memory lots shout.ts\n`, /:1: the program cannot be run: .*"lots" is no size/], // prettier-ignore
    ["another user", `7001 stream tcp nowait ${me === "root" ? "nobody" : "root"} godwit godwit run shout.ts\n`, me === "root" ? /runs as its node does, and cannot as nobody/ : /only root may/], // prettier-ignore
    ["no node", `7001 stream tcp nowait ${me} godwit godwit run shout.ts\n`, /:1: the program cannot be run: no node is running/], // prettier-ignore
  ];
  for (const [title, text, reason] of table) {
    test(title, LIMIT, async (t) => {
      const { code, stderr } = await check(t, text);
      assert.equal(code, 1);
      assert.match(stderr, reason);
    });
  }

  test("a file that is not there, and words that make no sense", LIMIT, async (t) => {
    const none = await godwit(t, ["superserver", "/no/such/file"]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /cannot read \/no\/such\/file/);
    const { code, stderr } = await check(t, "", ["--rate", "0"]);
    assert.equal(code, 2);
    assert.match(stderr, /"0" is no number of starts/);
  });
});
