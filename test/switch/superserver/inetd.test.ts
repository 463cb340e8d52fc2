/**
 * Entry by entry against Debian's openbsd-inetd: the same file for both, but for its first line, which says at which
 * address. The trivial services are at their own ports, so this is for root.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MAIN, Running } from "../../cli/command.ts";
import { until } from "../../cli/folder.ts";
import { INETD, findProgram } from "../../cluster/debian.ts";
import { exchange, ownAddress, talk, tell } from "./talk.ts";

const LIMIT = { timeout: 60_000 };
const PERL = "/usr/bin/perl";

/** What is asked of both: the entry, and a conversation whose outcome must be the same. */
interface Case {
  readonly entry: string;
  readonly ask: (at: string, folder: string) => Promise<unknown>;
  /** Its client has an address of this machine's that others reach: inetd's own services answer no others' datagrams. */
  readonly outer?: true;
  /** Where what is told depends on the time: what is left of it. */
  readonly same?: (told: string) => unknown;
}

const outer = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

const text = async (bytes: Promise<Buffer>) => (await bytes).toString("latin1");

/** A service's time, which is now. */
function now(ms: number): string {
  assert(Math.abs(ms - Date.now()) < 10_000, new Date(ms).toISOString());
  return "now";
}

/** The time's format, and that it is now. */
function sameDaytime(told: string): unknown {
  assert.match(told, /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n$/);
  return now(Date.parse(told));
}

function sameTime(told: string): unknown {
  const bytes = Buffer.from(told, "latin1");
  return [bytes.length, now((bytes.readUInt32BE() - 2_208_988_800) * 1000)];
}

async function collected(file: string, lines: number): Promise<string> {
  await until(() => existsSync(file) && readFileSync(file, "utf8").split("\n").length > lines);
  const told = readFileSync(file, "utf8");
  rmSync(file);
  return told;
}

const CASES: Readonly<Record<string, Case>> = {
  "echo over tcp": {
    entry: "echo stream tcp nowait root internal",
    ask: (at) => text(talk(at, 7, { send: "some\0text\r\n".repeat(5000) })),
  },
  "discard over tcp": {
    entry: "discard stream tcp nowait root internal",
    ask: (at) => text(talk(at, 9, { send: "some text".repeat(5000) })),
  },
  "chargen over tcp": {
    entry: "chargen stream tcp nowait root internal",
    ask: (at) => text(talk(at, 19, { half: false, takeBytes: 100_000 })),
  },
  "daytime over tcp": {
    entry: "daytime stream tcp nowait root internal",
    ask: (at) => text(talk(at, 13)),
    same: sameDaytime,
  },
  "time over tcp": { entry: "time stream tcp nowait root internal", ask: (at) => text(talk(at, 37)), same: sameTime },
  "echo over udp": {
    entry: "echo dgram udp wait root internal",
    outer: true,
    ask: (at) => exchange(at, 7, ["one", "two\0", "x".repeat(4000)], outer),
  },
  "chargen over udp": {
    entry: "chargen dgram udp wait root internal",
    outer: true,
    ask: (at) =>
      exchange(
        at,
        19,
        Array.from({ length: 100 }, () => ""),
        outer,
      ),
  },
  "daytime over udp": {
    entry: "daytime dgram udp wait root internal",
    outer: true,
    ask: async (at) => (await exchange(at, 13, ["?"], outer))[0],
    same: sameDaytime,
  },
  "time over udp": {
    entry: "time dgram udp wait root internal",
    outer: true,
    ask: async (at) => (await exchange(at, 37, [""], outer))[0],
    same: sameTime,
  },
  "an entry on two lines, and blanks": {
    entry: "7001\tstream  tcp4 \t nowait\n  root /bin/cat\n\tcat",
    ask: (at) => text(talk(at, 7001, { send: "x".repeat(200_000) })),
  },
  "no argv[0], and one that is given": {
    entry: `7002 stream tcp nowait root /bin/sh named -s\n7003 stream tcp nowait root /bin/sh`,
    ask: async (at) => [
      await text(talk(at, 7002, { send: "tr '\\0' ' ' </proc/$$/cmdline\n" })),
      await text(talk(at, 7003, { send: "tr '\\0' ' ' </proc/$$/cmdline\n" })),
    ],
  },
  "a user": { entry: "7004 stream tcp nowait nobody /usr/bin/id id", ask: (at) => text(talk(at, 7004)) },
  "a user and a group": {
    entry: "7005 stream tcp nowait nobody.daemon /usr/bin/id\n7006 stream tcp nowait nobody:daemon /usr/bin/id id -g",
    ask: async (at) => [await text(talk(at, 7005)), await text(talk(at, 7006))],
  },
  descriptors: {
    entry: "7013 stream tcp nowait root /bin/ls ls /proc/self/fd",
    ask: (at) => text(talk(at, 7013)),
  },
  "one socket, session, working directory, signals": {
    entry: "7007 stream tcp nowait root /bin/sh sh",
    ask: (at) =>
      text(
        talk(at, 7007, {
          send: `[ "$(readlink /proc/$$/fd/0)" = "$(readlink /proc/$$/fd/2)" ] && echo one socket
[ "$(ps -o sid= -p $$)" -eq $$ ] && echo a session of its own
pwd
grep SigIgn /proc/$$/status
umask
echo error >&2
`,
        }),
      ),
  },
  "a server that is killed in the middle": {
    entry: "7008 stream tcp nowait root /bin/sh sh",
    ask: (at) => text(talk(at, 7008, { send: "echo before; kill -9 $$; echo after\n" })),
  },
  "stream wait": {
    entry: `7009 stream tcp wait root ${PERL} perl ACCEPTOR`,
    ask: async (at) => [await text(talk(at, 7009, { send: "a\n" })), await text(talk(at, 7009, { send: "b\n" }))],
  },
  "dgram wait, several datagrams": {
    entry: "7010 dgram udp wait root /bin/dd dd bs=1000 count=3 status=none of=OUT.wait",
    ask: async (at, folder) => {
      await tell(at, 7010, "one\n", "two\n", "three\n");
      return collected(join(folder, `${at}.wait`), 3);
    },
  },
  "dgram wait, one after the other": {
    entry: "7011 dgram udp wait root /bin/dd dd bs=1000 count=1 status=none of=OUT.once",
    ask: async (at, folder) => {
      await tell(at, 7011, "one\n");
      const first = await collected(join(folder, `${at}.once`), 1);
      await tell(at, 7011, "two\n");
      return [first, await collected(join(folder, `${at}.once`), 1)];
    },
  },
  "a server that answers datagrams": {
    entry: `7012 dgram udp wait root ${PERL} perl ANSWERER`,
    ask: (at) => exchange(at, 7012, ["one", "two", "three"]),
  },
  "the textbook's": {
    entry: "9999 dgram udp wait root /bin/dd errlogd bs=65536 count=2 status=none of=OUT.errors",
    ask: async (at, folder) => {
      await tell(at, 9999, "an error\n", "another\n");
      return collected(join(folder, `${at}.errors`), 2);
    },
  },
};

const ACCEPTOR = `open(my $l, "+<&=0") or die; accept(my $c, $l) or die; my $x = <$c>; syswrite($c, "accepted $x"); close $c;`;
const ANSWERER = `use Socket; open(my $s, "+<&=0") or die;
for (1 .. 3) { my $from = recv($s, my $x, 1000, 0); send($s, "answer to $x", 0, $from); }`;

const found = await findProgram(INETD);
const inetd = "missing" in found ? undefined : found;
const reason =
  process.getuid?.() !== 0
    ? "only root may have the trivial services' ports"
    : !existsSync(PERL)
      ? "no perl, which some of the servers are written in"
      : "missing" in found
        ? found.missing
        : undefined;

describe("as openbsd-inetd", reason === undefined ? {} : { skip: reason }, () => {
  const [theirs, ours] = [ownAddress(), ownAddress()];
  let folder = "";
  let stop = async () => {};

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "godwit-inetd-"));
    writeFileSync(join(folder, "acceptor.pl"), ACCEPTOR);
    writeFileSync(join(folder, "answerer.pl"), ANSWERER);
    const entries = Object.values(CASES)
      .map(({ entry }) => entry)
      .join("\n")
      .replace("ACCEPTOR", join(folder, "acceptor.pl"))
      .replace("ANSWERER", join(folder, "answerer.pl"));
    const file = (at: string) => {
      const path = join(folder, `${at}.conf`);
      writeFileSync(path, `# ${at}\n${at}:\n${entries.replaceAll("OUT", join(folder, at))}\n`);
      return path;
    };
    const env = { ...process.env, ...inetd?.environment };
    const child = spawn(inetd?.path ?? "", ["-i", file(theirs)], {
      cwd: "/",
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const own = new Running(spawn(process.execPath, [MAIN, "superserver", file(ours)], { cwd: "/" }));
    stop = async () => {
      child.kill("SIGTERM");
      own.child.kill("SIGTERM");
      await own.ended;
      rmSync(folder, { recursive: true, force: true });
    };
    await own.wrote("Serving");
    // The last entry's address, as the system lists it.
    const [a = 0, b = 0, c = 0, d = 0] = theirs.split(".").map(Number);
    const bound = `${Buffer.from([d, c, b, a]).toString("hex")}:270f`;
    await until(() => child.exitCode !== null || readFileSync("/proc/net/udp", "latin1").toLowerCase().includes(bound));
    assert.equal(child.exitCode, null, "inetd has started");
  });
  after(() => stop());

  for (const [title, { ask, same, outer: needsOuter }] of Object.entries(CASES)) {
    const skip = needsOuter === true && outer === undefined ? { skip: "no address but loopback's" } : {};
    test(title, { ...LIMIT, ...skip }, async () => {
      const [they, we] = [await ask(theirs, folder), await ask(ours, folder)];
      if (same === undefined) assert.deepEqual(we, they);
      else assert.deepEqual(same(String(we)), same(String(they)));
      if (same === undefined && !title.startsWith("discard")) assert.notEqual(String(they), "");
    });
  }
});
