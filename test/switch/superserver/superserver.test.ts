/** A superserver with real sockets and real programs of the host. */

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { mayAnswer } from "../../../src/switch/superserver/datagram-post.ts";
import { temporaryFolder, until } from "../../cli/folder.ts";
import { type Found, NC, SOCAT, findProgram } from "../../cluster/debian.ts";
import { exchange, ownAddress, serve, talk, tell } from "./talk.ts";

const run = promisify(execFile);
const LIMIT = { timeout: 60_000 };
const me = spawnSync("id", ["-un"], { encoding: "utf8" }).stdout.trim();
const asRoot = process.getuid?.() === 0 ? {} : { skip: "only root may start programs as others" };
const shell = (script: string) => `/bin/sh sh -c "${script}"`;

describe("host commands on a connection", () => {
  test("what the client sent at once is there; both ways, and to the end of each", LIMIT, async (t) => {
    const at = ownAddress();
    await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp nowait ${me} /bin/cat cat\n`);
    const sent = Buffer.alloc(300_000, "some text, ");
    assert.deepEqual(await talk(at, 7001, { send: sent }), sent);
  });

  test("argv[0] as it is given, quotation marks, and a small environment", LIMIT, async (t) => {
    const at = ownAddress();
    process.env["SECRET_OF_OURS"] = "hidden";
    t.after(() => delete process.env["SECRET_OF_OURS"]);
    await serve(
      t,
      temporaryFolder(t),
      `${at}:
7001 stream tcp nowait ${me} /bin/sh named -c 'echo "$0|$1|$2"; tr "\\0" "\\n" </proc/$$/cmdline | head -1' 'a b' "c'd" ""
7002 stream tcp nowait ${me} /usr/bin/env
7003 stream tcp nowait ${me} ${shell("pwd; ps -o sid= -p $$; echo $$")}
`,
    );
    assert.equal((await talk(at, 7001)).toString(), "a b|c'd|\nnamed\n");
    const variables = (await talk(at, 7002)).toString().trim().split("\n");
    assert.deepEqual(variables.map((line) => line.replace(/=.*/, "")).filter((name) => !["TZ", "LANG"].includes(name)), ["PATH"]); // prettier-ignore
    const [folder, session = "", pid = ""] = (await talk(at, 7003)).toString().trim().split("\n");
    assert.equal(folder, "/");
    assert.equal(session.trim(), pid.trim());
  });

  test("a program that is killed is no matter of ours", LIMIT, async (t) => {
    const at = ownAddress();
    const { log } = await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp nowait ${me} ${shell("kill -9 $$")}\n`);
    for (let count = 0; count < 5; count++) assert.equal((await talk(at, 7001)).length, 0);
    assert.deepEqual(log, []);
  });

  test("a socket in the file system", LIMIT, async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, "s.sock");
    const { server } = await serve(t, folder, `${path} stream unix nowait ${me} /bin/cat\n`);
    const socket = connect(path);
    socket.end("through a file");
    const [bytes] = (await once(socket, "data")) as [Buffer];
    assert.equal(bytes.toString(), "through a file");
    await server.stop();
    assert.equal(existsSync(path), false);
  });
});

describe("users", () => {
  test("root starts programs as others, without root's groups", { ...LIMIT, ...asRoot }, async (t) => {
    const at = ownAddress();
    const text = `${at}:
7001 stream tcp nowait nobody /usr/bin/id
7002 stream tcp nowait nobody.daemon /usr/bin/id
7003 dgram udp wait nobody ${shell("head -c 1 >/dev/null; id >&0")}
`;
    await serve(t, temporaryFolder(t), text.replace(/^7003.*\n/m, ""));
    const nobody = spawnSync("id", ["-u", "nobody"], { encoding: "utf8" }).stdout.trim();
    const first = (await talk(at, 7001)).toString();
    assert.match(first, new RegExp(`^uid=${nobody}\\(nobody\\) gid=\\d+\\((nogroup|nobody)\\)`));
    assert.doesNotMatch(first, /root|\b0\(/);
    const second = (await talk(at, 7002)).toString();
    assert.match(second, /^uid=\d+\(nobody\) gid=\d+\(daemon\) groups=\d+\(daemon\)$/m);
  });

  const table: readonly (readonly [string, RegExp])[] = [
    ["7001 stream tcp nowait no-such-user /bin/cat", /:1: there is no user "no-such-user"/],
    [`7001 stream tcp nowait ${me}:no-such-group /bin/cat`, /:1: there is no group "no-such-group"/],
    [`7001 stream tcp nowait ${me} /no/such/program`, /:1: the server program \/no\/such\/program cannot be executed/],
    [`7001 stream tcp nowait ${me} /etc/passwd`, /:1: the server program \/etc\/passwd cannot be executed/],
    [`7001 stream tcp nowait ${me} /etc`, /:1: the server program \/etc is no file/],
    ["127.0.0.1:7001 stream tcp6 nowait root internal echo", /:1: 127.0.0.1 has no address of the protocol's kind/],
    ["no.such.host.invalid:7001 stream tcp nowait root internal echo", /:1: there is no host no.such.host.invalid/],
    ["7001 stream tcp nowait root internal echo\n7001 stream tcp4 nowait root internal discard", /:2: 0.0.0.0:7001 \(tcp\) is served by the entry in line 1/], // prettier-ignore
  ];
  for (const [text, reason] of table) {
    test(`refused: ${text.replace("\n", ", ")}`, LIMIT, async (t) => {
      await assert.rejects(serve(t, temporaryFolder(t), `${text}\n`), { code: "EINVAL", message: reason });
    });
  }

  test("who is not root starts programs as themselves only", { ...LIMIT, ...asRoot }, async (t) => {
    const { accountOf } = await import("../../../src/switch/superserver/account.ts");
    const nobody = { uid: 65_534, gid: 65_534 };
    assert.deepEqual(await accountOf("nobody", undefined, nobody), {});
    await assert.rejects(accountOf("root", undefined, nobody), /only root may start programs as user root/);
    await assert.rejects(
      accountOf("nobody", "daemon", nobody),
      /only root may start programs as user nobody and group daemon/,
    );
    void t;
  });
});

describe("sockets that are lent to programs", () => {
  test("stream wait: the program accepts, and the next one what it left", LIMIT, async (t) => {
    const at = ownAddress();
    const perl = `/usr/bin/perl perl -e 'open(L,"+<&=0"); accept(C,L); $l=<C>; syswrite(C,"$$ $l"); close(C)'`;
    if (!existsSync("/usr/bin/perl")) return t.skip("no perl, whose program accepts connections");
    await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp wait ${me} ${perl}\n`);
    const told = await Promise.all(["a\n", "b\n", "c\n"].map((send) => talk(at, 7001, { send })));
    const [pids, lines] = [0, 1].map((part) => told.map((each) => each.toString().trim().split(" ")[part]));
    assert.deepEqual(lines, ["a", "b", "c"]);
    assert.equal(new Set(pids).size, 3);
  });

  test(
    "dgram wait: one program reads all, none is lost, and the next is started when it has ended",
    LIMIT,
    async (t) => {
      const [at, folder] = [ownAddress(), temporaryFolder(t)];
      const out = join(folder, "out");
      const dd = `/bin/dd dd bs=1000 count=3 of=${out} oflag=append conv=notrunc status=none`;
      await serve(t, folder, `${at}:\n7001 dgram udp wait ${me} ${dd}\n`);
      const messages = Array.from({ length: 9 }, (_, index) => `message ${index}\n`);
      for (const message of messages) await tell(at, 7001, message);
      await until(() => existsSync(out) && readFileSync(out, "utf8").split("\n").length > messages.length);
      assert.equal(readFileSync(out, "utf8"), messages.join(""));
    },
  );

  test("dgram nowait: each program reads what it was started for", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const out = join(folder, "out");
    const dd = `/bin/dd dd bs=1000 count=1 of=${out} oflag=append conv=notrunc status=none`;
    await serve(t, folder, `${at}:\n7001 dgram udp nowait ${me} ${dd}\n`);
    for (const message of ["one\n", "two\n", "three\n"]) {
      await tell(at, 7001, message);
      await until(() => existsSync(out) && readFileSync(out, "utf8").includes(message));
    }
    assert.equal(readFileSync(out, "utf8"), "one\ntwo\nthree\n");
  });

  test("a program that does not read is started no more often than it may be", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const out = join(folder, "out");
    const { log } = await serve(t, folder, `${at}:\n7001 dgram udp wait.4 ${me} ${shell(`echo x >>${out}`)}\n`);
    await tell(at, 7001, "nobody reads this");
    await until(() => log.length > 0);
    assert.equal(readFileSync(out, "utf8"), "x\n".repeat(4));
    assert.match(log[0] ?? "", /^7001\/udp: 4 starts within a minute/);
  });

  test("an address that somebody has", LIMIT, async (t) => {
    const at = ownAddress();
    const other = createServer().listen(7001, at);
    await once(other, "listening");
    t.after(() => other.close());
    for (const [mode, program] of [
      ["wait", "/bin/cat"],
      ["nowait", "/bin/cat"],
    ] as const) {
      // prettier-ignore
      const text = `${at}:\n7001 stream tcp ${mode} ${me} ${program}\n`;
      await assert.rejects(
        serve(t, temporaryFolder(t), text),
        /7001\/tcp: cannot listen on .*:7001 \(tcp\): .*EADDRINUSE/,
      );
    }
  });
});

describe("the textbook's case", () => {
  const cc = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
  const skip = cc === undefined ? { skip: "no C compiler: errlogd.c cannot be compiled" } : {};
  const example = new URL("../../../../examples/superserver/", import.meta.url);

  test("errorLogger dgram udp wait root .../errlogd errlogd /tmp/logfile.txt", { ...LIMIT, ...skip }, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const [errlogd, logfile] = [join(folder, "errlogd"), join(folder, "logfile.txt")];
    await run(cc ?? "", ["-o", errlogd, new URL("errlogd.c", example).pathname]);
    // As it is printed, but for the folder, and the user where that is not root.
    const printed = readFileSync(new URL("inetd.conf", example), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("errorLogger"));
    assert.deepEqual(printed, ["errorLogger dgram udp wait root /usr/local/bin/errlogd errlogd /tmp/logfile.txt"]);
    const entry = String(printed[0])
      .replace("/usr/local/bin/errlogd", errlogd)
      .replace("/tmp/logfile.txt", logfile)
      .replace("root", me);
    const names = readFileSync(new URL("services", example), "utf8");
    const { server } = await serve(t, folder, `${at}:\n${entry}\n`, { names });
    assert.deepEqual(
      server.served().map(({ service, address }) => [service, address]),
      [["errorLogger", `${at}:9999`]],
    );
    await tell(at, 9999, "first error\n", "second error\n");
    await until(() => existsSync(logfile) && readFileSync(logfile, "utf8").endsWith("second error\n"));
    await tell(at, 9999, "third error\n");
    await until(() => readFileSync(logfile, "utf8").endsWith("third error\n"));
    assert.equal(readFileSync(logfile, "utf8"), "first error\nsecond error\nthird error\n");
    await tell(at, 9999, ""); // an empty datagram is the end of its input: it ends, and another is started
    await tell(at, 9999, "fourth error\n");
    await until(() => readFileSync(logfile, "utf8").endsWith("fourth error\n"));
    await tell(at, 9999, "");
  });
});

describe("limits", () => {
  test("starts within a minute: connections beyond are closed, and that is said once", LIMIT, async (t) => {
    const at = ownAddress();
    const { log } = await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp nowait.3 ${me} ${shell("echo yes")}\n`);
    const told = [];
    for (let count = 0; count < 6; count++) told.push((await talk(at, 7001, { half: false })).toString());
    assert.deepEqual(told, ["yes\n", "yes\n", "yes\n", "", "", ""]);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? "", /^7001\/tcp: 3 starts within a minute/);
  });

  test("servers at once: connections beyond wait for their turn", LIMIT, async (t) => {
    const at = ownAddress();
    await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp nowait/2 ${me} ${shell("echo here; cat")}\n`);
    const sockets = Array.from({ length: 3 }, () => connect(7001, at));
    const heard = sockets.map(() => "");
    for (const [index, socket] of sockets.entries()) socket.on("data", (bytes) => (heard[index] += bytes.toString()));
    const count = () => heard.filter((text) => text !== "").length;
    await until(() => count() === 2);
    // The third has a connection, and no server, however long the others are served.
    const served = heard.findIndex((text) => text !== "");
    for (let round = 1; round <= 50; round++) {
      sockets[served]?.write("x");
      await until(() => heard[served]?.length === "here\n".length + round);
    }
    assert.equal(count(), 2);
    sockets[served]?.end();
    await until(() => count() === 3);
    for (const socket of sockets) socket.destroy();
  });

  test("a client that does not read holds nobody up, and costs no memory", LIMIT, async (t) => {
    const at = ownAddress();
    await serve(t, temporaryFolder(t), `${at}:\n7001 stream tcp nowait ${me} internal chargen\n`);
    const lazy = connect(7001, at).pause();
    t.after(() => lazy.destroy());
    const beforeBytes = process.memoryUsage().rss;
    assert.equal((await talk(at, 7001, { takeBytes: 20_000_000, half: false })).length, 20_000_000);
    assert(process.memoryUsage().rss - beforeBytes < 200_000_000);
  });
});

describe("reading the file again", () => {
  test("what is the same goes on, what is changed is changed, what is gone is gone", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const text = `${at}:
7001 stream tcp nowait ${me} internal echo
7002 stream tcp nowait ${me} ${shell("echo old")}
7003 stream tcp nowait ${me} ${shell("echo gone")}
7005 dgram udp wait ${me} internal echo
`;
    const { server, change } = await serve(t, folder, text);
    const socket: Socket = connect(7001, at);
    socket.write("before");
    assert.equal(String((await once(socket, "data"))[0]), "before");
    assert.equal((await talk(at, 7002)).toString(), "old\n");
    assert.deepEqual(await exchange(at, 7005, ["u"]), ["u"]);

    await change(`${at}:
7005 dgram udp wait ${me} internal discard
7004 stream tcp nowait ${me} ${shell("echo new")}
7002 stream tcp nowait ${me} ${shell("echo changed")}
7001 stream tcp nowait ${me} internal echo
`);
    assert.deepEqual(server.served().map(({ service }) => service), ["7005", "7004", "7002", "7001"]); // prettier-ignore
    socket.write("after");
    assert.equal(String((await once(socket, "data"))[0]), "after");
    socket.destroy();
    assert.equal((await talk(at, 7002)).toString(), "changed\n");
    assert.equal((await talk(at, 7004)).toString(), "new\n");
    await assert.rejects(once(connect(7003, at), "connect"), /ECONNREFUSED/);

    await change(`${at}:\n7003 stream tcp wait ${me} /bin/cat\n`);
    assert.deepEqual(server.served().map(({ service }) => service), ["7003"]); // prettier-ignore
    for (const port of [7001, 7002, 7004]) await assert.rejects(once(connect(port, at), "connect"), /ECONNREFUSED/);
  });

  test("a client of a service that is gone is served to its end", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const { change } = await serve(t, folder, `${at}:\n7001 stream tcp nowait ${me} internal echo\n7002 stream tcp nowait ${me} /bin/cat\n`); // prettier-ignore
    const sockets = [7001, 7002].map((port) => connect(port, at));
    for (const socket of sockets) {
      socket.write("one");
      await once(socket, "data");
    }
    await change("");
    for (const socket of sockets) {
      socket.end("two");
      assert.equal(String((await once(socket, "data"))[0]), "two");
    }
  });

  test("a file with a mistake changes nothing", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const { server, file, change } = await serve(t, folder, `${at}:\n7001 stream tcp nowait ${me} internal echo\n`);
    await assert.rejects(change(`${at}:\n7002 stream tcp nowait ${me} internal echo\nfoo bar\n`), {
      code: "EINVAL",
      message: `${file}:3: it has 2 of the fields that an entry needs; missing: protocol, wait or nowait, user, server program`,
    });
    assert.deepEqual(server.served().map(({ service }) => service), ["7001"]); // prettier-ignore
    assert.equal((await talk(at, 7001, { send: "still" })).toString(), "still");
  });

  test("a lent socket is kept, with what is in it", LIMIT, async (t) => {
    const [at, folder] = [ownAddress(), temporaryFolder(t)];
    const out = join(folder, "out");
    const dd = (count: number) =>
      `${at}:\n7001 dgram udp wait ${me} /bin/dd dd bs=1000 count=${count} of=${out} oflag=append conv=notrunc status=none\n`;
    const { change } = await serve(t, folder, dd(2));
    await tell(at, 7001, "one\n");
    await until(() => existsSync(out) && readFileSync(out, "utf8") === "one\n");
    writeFileSync(join(folder, "mark"), "");
    await change(dd(1));
    await tell(at, 7001, "two\n", "three\n");
    await until(() => readFileSync(out, "utf8") === "one\ntwo\nthree\n");
  });
});

test("trivial services do not answer to servers' ports, nor to many", () => {
  const yes = [["10.0.0.1", 1024], ["::1", 40_000], ["fe80::1%eth0", 5000], ["::ffff:10.0.0.1", 5000], ["192.0.2.2", 5000], ["127.0.0.1", 5000]] as const; // prettier-ignore
  const no = [["10.0.0.1", 7], ["10.0.0.1", 1023], ["10.0.0.1", 2049], ["224.0.0.1", 5000], ["255.255.255.255", 5000], ["255.1.2.3", 5000], ["0.0.0.0", 5000], ["ff02::1", 5000], ["::ffff:224.0.0.1", 5000]] as const; // prettier-ignore
  for (const [address, port] of yes) assert.equal(mayAnswer({ address, port }), true, `${address} ${port}`);
  for (const [address, port] of no) assert.equal(mayAnswer({ address, port }), false, `${address} ${port}`);
});

describe("clients that we did not write", async () => {
  const text = (at: string) => `${at}:
7001 stream tcp nowait ${me} internal echo
7001 dgram udp wait ${me} internal echo
7002 stream tcp nowait ${me} ${shell("cat; echo end")}
7003 stream tcp nowait ${me} ${shell("sed -u '/^.$/q' >/dev/null; printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\nConnection: close\\r\\n\\r\\nhello\\n'")}
`;
  const found = await Promise.all([findProgram(NC), findProgram(SOCAT)]);
  const ask = ({ path, environment }: Found, args: readonly string[], input: string) => {
    const asked = run(path, [...args], { env: { ...process.env, ...environment }, timeout: 20_000 });
    asked.child.stdin?.end(input);
    return asked.then(({ stdout }) => stdout);
  };

  const conversations = {
    nc: (at: string, port: string, isUdp: boolean) => (isUdp ? ["-u", "-W", "1", at, port] : ["-N", at, port]),
    socat: (at: string, port: string, isUdp: boolean) => ["-t", "5", "-", isUdp ? `UDP:${at}:${port},shut-null` : `TCP:${at}:${port}`], // prettier-ignore
  };
  for (const [index, name] of (["nc", "socat"] as const).entries()) {
    const client = found[index];
    const skip = client === undefined || "missing" in client ? { skip: client?.missing ?? "" } : {};
    test(name, { ...LIMIT, ...skip }, async (t) => {
      if (client === undefined || "missing" in client) return;
      const at = ownAddress();
      await serve(t, temporaryFolder(t), text(at));
      const words = conversations[name];
      assert.equal(await ask(client, words(at, "7001", false), "over tcp\n"), "over tcp\n");
      assert.equal(await ask(client, words(at, "7002", false), "to a shell\n"), "to a shell\nend\n");
      assert.equal(await ask(client, words(at, "7001", true), "over udp\n"), "over udp\n");
    });
  }

  const curl = spawnSync("curl", ["--version"]).status === 0 ? {} : { skip: "no curl" };
  test("curl", { ...LIMIT, ...curl }, async (t) => {
    const at = ownAddress();
    await serve(t, temporaryFolder(t), text(at));
    const { stdout } = await run("curl", ["-s", "--noproxy", "*", `http://${at}:7003/`], { timeout: 20_000 });
    assert.equal(stdout, "hello\n");
  });
});
