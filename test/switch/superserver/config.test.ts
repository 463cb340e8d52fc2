/** The format of inetd.conf: what it says, and what is wrong with it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configLines } from "../../../src/switch/superserver/config-line.ts";
import { parseConfig } from "../../../src/switch/superserver/plan.ts";
import { ServiceNames } from "../../../src/switch/superserver/service-names.ts";

const names = new ServiceNames();
names.add(`# Network services
echo		7/tcp
echo		7/udp
discard		9/tcp		sink null
smtp 25/tcp mail  # electronic mail
errorLogger 9999/udp
broken line
toobig 70000/tcp
`);

function parse(text: string) {
  return parseConfig(text, names);
}

describe("lines", () => {
  const table: readonly (readonly [string, string, readonly (readonly [number, ...string[]])[]])[] = [
    ["words and blanks", "a b\tc  d\n\n  \n", [[1, "a", "b", "c", "d"]]],
    ["comments", "# all of it\na b # not a comment\n", [[2, "a", "b", "#", "not", "a", "comment"]]],
    ["going on", "a b\n  c\n\td\ne\n", [[1, "a", "b", "c", "d"], [4, "e"]]], // prettier-ignore
    ["going on over a comment", "a\n# no\n b\n", [[1, "a", "b"]]],
    ["quotation marks", `a "b c" 'd "e' ""\n`, [[1, "a", "b c", 'd "e', ""]]],
    ["quotation marks within a word", `a b"c d"\n`, [[1, "a", 'b"c', 'd"']]],
    ["ends of lines of other systems", "a b\r\nc\r\n", [[1, "a", "b"], [2, "c"]]], // prettier-ignore
    ["no end of line", "a b", [[1, "a", "b"]]],
  ];
  for (const [title, text, expected] of table) {
    test(title, () => {
      const told = configLines(text).map(({ number, words }) => [number, ...words]);
      assert.deepEqual(told, expected);
    });
  }
});

test("names of services, their aliases, and numbers", () => {
  assert.deepEqual(names.find("echo", "udp"), { official: "echo", port: 7 });
  assert.deepEqual(names.find("mail", "tcp"), { official: "smtp", port: 25 });
  assert.deepEqual(names.find("null", "tcp"), { official: "discard", port: 9 });
  assert.equal(names.find("mail", "udp"), undefined);
  assert.equal(names.find("toobig", "tcp"), undefined);
  assert.equal(names.find("65536", "tcp"), undefined);
  assert.deepEqual(names.find("8080", "tcp"), { official: "8080", port: 8080 });
});

test("an entry of every kind", () => {
  const { entries, problems } = parse(`#:INTERNAL: Internal services
echo	stream	tcp	nowait	root	internal
echo	dgram	udp6	wait	root	internal	internal
8007	stream	tcp4	nowait	root	internal	echo
errorLogger dgram udp wait root /usr/local/bin/errlogd errlogd /tmp/logfile.txt
smtp stream tcp,rcvbuf=64k,sndbuf=1m nowait.400/3 mail:daemon /usr/sbin/exim exim -bs
/run/x.sock stream unix nowait nobody.nogroup /bin/cat
shout_ stream tcp nowait root /bin/true
9001 stream tcp nowait root godwit godwit run --memory 64M shout.ts "two words"
`);
  assert.deepEqual(problems, [{ line: 8, reason: "shout_/tcp is in no file of services: add it (see --services), or write a port's number" }]); // prettier-ignore
  const told = entries.map(({ line: _, service: __, protocol: ___, ...rest }) => rest);
  const everywhere = { families: ["ipv4", "ipv6"], hosts: ["*"] };
  assert.deepEqual(told, [
    { type: "stream", place: { transport: "tcp", port: 7, ...everywhere }, isWaiting: false, user: "root", server: { kind: "internal", service: "echo" } },
    { type: "dgram", place: { transport: "udp", port: 7, families: ["ipv6"], hosts: ["*"] }, isWaiting: true, user: "root", server: { kind: "internal", service: "echo" } },
    { type: "stream", place: { transport: "tcp", port: 8007, families: ["ipv4"], hosts: ["*"] }, isWaiting: false, user: "root", server: { kind: "internal", service: "echo" } },
    { type: "dgram", place: { transport: "udp", port: 9999, ...everywhere }, isWaiting: true, user: "root", server: { kind: "command", path: "/usr/local/bin/errlogd", argv: ["errlogd", "/tmp/logfile.txt"] } },
    { type: "stream", place: { transport: "tcp", port: 25, ...everywhere }, isWaiting: false, perMinute: 400, atOnce: 3, user: "mail", group: "daemon", receiveBufferBytes: 65_536, sendBufferBytes: 1_048_576, server: { kind: "command", path: "/usr/sbin/exim", argv: ["exim", "-bs"] } },
    { type: "stream", place: { transport: "unix", path: "/run/x.sock" }, isWaiting: false, user: "nobody", group: "nogroup", server: { kind: "command", path: "/bin/cat", argv: ["cat"] } },
    { type: "stream", place: { transport: "tcp", port: 9001, ...everywhere }, isWaiting: false, user: "root", server: { kind: "godwit", words: ["--memory", "64M", "shout.ts", "two words"] } },
  ]); // prettier-ignore
});

test("addresses: of an entry, and of those that follow", () => {
  const { entries, problems } = parse(`echo stream tcp nowait root internal
127.0.0.1:
echo stream tcp nowait root internal
10.0.0.1,[fe80::1],example.org:echo stream tcp nowait root internal
:echo stream tcp nowait root internal
*:
echo stream tcp nowait root internal
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    entries.map(({ place }) => (place.transport === "unix" ? [] : place.hosts)),
    [["*"], ["127.0.0.1"], ["10.0.0.1", "fe80::1", "example.org"], ["*"], ["*"]],
  );
});

describe("what is malformed is told with its line and why", () => {
  const good = "echo stream tcp nowait root internal\n";
  const table: readonly (readonly [string, string, RegExp])[] = [
    ["too few fields", "echo stream tcp nowait root", /5 of the fields.*missing: server program/],
    ["one word", "echo", /1 of the fields.*missing: socket type, protocol/],
    ["a socket type that there is not", "echo flow tcp nowait root internal", /"flow" is no socket type/],
    ["a socket type that is not served", "echo raw tcp nowait root internal", /type raw are not served/],
    ["a protocol that there is not", "echo stream sctp nowait root internal", /"sctp" is no protocol/],
    ["a version that there is not", "echo stream tcp5 nowait root internal", /"tcp5" is no protocol/],
    ["Sun RPC", "rusersd/1-3 dgram rpc/udp wait root /bin/true", /Sun RPC \(rpc\/udp\) are not served/],
    ["stream over udp", "echo stream udp nowait root internal", /udp goes with socket type dgram, not with stream/],
    ["dgram over tcp", "echo dgram tcp wait root internal", /tcp goes with socket type stream/],
    ["dgram in the file system", "/x dgram unix wait root /bin/true", /dgram unix is not served/],
    ["a relative path of a socket", "x stream unix nowait root /bin/true", /"x" is no absolute path/],
    ["a buffer's size", "echo stream tcp,rcvbuf=lots nowait root internal", /"rcvbuf=lots" is no option/],
    [
      "a service without a port",
      "nosuch stream tcp nowait root internal echo",
      /nosuch\/tcp is in no file of services/,
    ],
    ["a name of the other protocol", "errorLogger stream tcp nowait root /bin/true", /errorLogger\/tcp is in no file/],
    ["a port that is too high", "70000 stream tcp nowait root internal echo", /70000 is no port/],
    ["neither wait nor nowait", "echo stream tcp maybe root internal", /"maybe" is neither wait nor nowait/],
    ["a rate that is none", "echo stream tcp nowait.x root internal", /"nowait.x" is neither/],
    ["a rate of nothing", "echo stream tcp nowait.0 root internal", /from 1 up/],
    ["too much after a user", "echo stream tcp nowait a:b:c internal", /"a:b:c" is no user/],
    ["no user before a group", "echo stream tcp nowait :b internal", /":b" is no user/],
    ["a relative program", "echo stream tcp nowait root cat", /"cat" is no absolute path/],
    ["an internal service that there is not", "smtp stream tcp nowait root internal", /no internal service "smtp"/],
    ["arguments of an internal one", "echo stream tcp nowait root internal echo 2", /take no arguments/],
    ["a host that is none", "a b:echo stream tcp nowait root internal", /"b:echo" is no socket type/],
    ["an address that is none", "10.0.0.1/8:echo stream tcp nowait root internal", /"10.0.0.1\/8" is no host/],
    ["a quotation mark that is not closed", 'echo stream tcp nowait root "internal', /mark " is not closed/],
    ["bytes that are no text", "echo stream\0tcp nowait root internal", /NUL byte/],
    ["a program of godwit's without run", "echo stream tcp nowait root godwit godwit ps", /godwit run FILE/],
    ["a program of godwit's without a file", "echo stream tcp nowait root godwit godwit run", /godwit run FILE/],
    ["a program of godwit's that is to accept", "echo stream tcp wait root godwit godwit run x.ts", /write nowait/],
  ];
  for (const [title, line, reason] of table) {
    test(title, () => {
      const { entries, problems } = parse(`# a comment\n${good}${line}\n${good}`);
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.equal(problems[0]?.line, 3);
      assert.match(problems[0]?.reason ?? "", reason);
      assert.deepEqual(entries.map(({ line }) => line), [2, 4]); // prettier-ignore
    });
  }

  test("all of them, in their order", () => {
    const { problems } = parse("a\nb\nc\n");
    assert.deepEqual(problems.map(({ line }) => line), [1, 2, 3]); // prettier-ignore
  });
});
