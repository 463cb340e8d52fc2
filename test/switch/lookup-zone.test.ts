/** Services as names of DNS: what is answered to which question, and what hostile questions cost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, decode, encode, type Packet, type RecordType } from "dns-packet";
import fc from "fast-check";
import { LOOKUP_NETWORKS_MAX } from "../../src/limits.ts";
import { AnswerRate } from "../../src/switch/lookup/answer-rate.ts";
import type { Target } from "../../src/switch/lookup/catalogue.ts";
import { answerTo, fitted, hostLabels, truncated, TRUNCATED, type ZoneView } from "../../src/switch/lookup/zone.ts";

const TARGETS: Readonly<Record<string, readonly Target[]>> = {
  web: [
    { scheme: "http", host: "10.0.0.2", port: 8081, priority: 10, weight: 100 },
    { scheme: "https", host: "10.0.0.1", port: 8443, priority: 20, weight: 50 },
    { scheme: "http", host: "fe80::1", port: 8080, priority: 20, weight: 50 },
    { scheme: "http", host: "web.example.com", port: 80, priority: 20, weight: 1 },
  ],
  clock: [{ scheme: "udp", host: "10.0.0.1", port: 1300, priority: 20, weight: 9 }],
  many: Array.from({ length: 32 }, (_, index) => ({
    scheme: "http",
    host: `10.1.0.${index}`,
    port: 80,
    priority: 20,
    weight: 1,
  })),
};

const HOSTS = new Set(Object.values(TARGETS).flatMap(hostLabels));

const view: ZoneView = {
  zone: "godwit.",
  server: "127.0.0.1",
  hosts: () => HOSTS,
  targets: (service) => (Object.hasOwn(TARGETS, service) ? (TARGETS[service] ?? []) : []),
  processes: () => 3,
};

type Decoded = Packet & { rcode: string; flag_tc: boolean; flag_aa: boolean; flag_qr: boolean; flag_rd: boolean };

function ask(name: string, type: string, more: Partial<Packet> = {}): Decoded {
  const query = encode({
    type: "query",
    id: 7,
    flags: 0x100,
    questions: [{ name, type: type as RecordType }],
    ...more,
  });
  const given = answerTo(query, view);
  assert.ok(given !== undefined);
  return decode(encode(given.answer)) as unknown as Decoded;
}

function servers({ answers = [] }: Packet): string[] {
  return answers.flatMap((one) =>
    one.type === "SRV" ? [`${one.data.priority} ${one.data.weight} ${one.data.port} ${one.data.target}`] : [],
  );
}

const datas = (all: Answer[] | undefined) => (all ?? []).flatMap((one) => ("data" in one ? [one.data] : []));

test("SRV in all its names, with the addresses of its hosts", () => {
  const all = ask("_web._tcp.godwit", "SRV");
  assert.equal(all.rcode, "NOERROR");
  assert.ok(all.flag_aa && all.flag_qr && all.flag_rd);
  assert.deepEqual(servers(all), [
    "10 100 8081 10-0-0-2.godwit",
    "20 50 8443 10-0-0-1.godwit",
    "20 50 8080 6-fe80-0-0-0-0-0-0-1.godwit",
    "20 1 80 web.example.com",
  ]);
  assert.deepEqual(
    all.additionals?.map((one) => [one.type, one.name, "data" in one ? one.data : ""]),
    [
      ["A", "10-0-0-2.godwit", "10.0.0.2"],
      ["A", "10-0-0-1.godwit", "10.0.0.1"],
      ["AAAA", "6-fe80-0-0-0-0-0-0-1.godwit", "fe80::1"],
    ],
  );
  assert.deepEqual(servers(ask("WeB.godwit", "SRV")), servers(all), "names have no case");
  assert.deepEqual(servers(ask("_https._tcp.web.godwit", "SRV")), ["20 50 8443 10-0-0-1.godwit"]);
  assert.deepEqual(servers(ask("_clock._udp.godwit", "SRV")), ["20 9 1300 10-0-0-1.godwit"]);
  assert.equal(ask("_web._TCP.gOdWiT", "SRV").questions?.[0]?.name, "_web._TCP.gOdWiT", "as it was asked");
});

test("A, AAAA, TXT, SOA and NS", () => {
  assert.deepEqual(datas(ask("web.godwit", "A").answers), ["10.0.0.2", "10.0.0.1"]);
  assert.deepEqual(datas(ask("web.godwit", "AAAA").answers), ["fe80::1"]);
  assert.deepEqual(datas(ask("10-0-0-2.godwit", "A").answers), ["10.0.0.2"]);
  assert.deepEqual(datas(ask("6-fe80-0-0-0-0-0-0-1.godwit", "AAAA").answers), ["fe80::1"]);
  const words = datas(ask("_web._tcp.godwit", "TXT").answers).flat().map(String);
  assert.deepEqual(words, ["txtvers=1", "schemes=http,https", "processes=3"]);
  const [soa] = ask("godwit", "SOA").answers ?? [];
  assert.ok(soa?.type === "SOA" && soa.data.mname === "godwit" && soa.data.minimum === 1);
  assert.deepEqual(datas(ask("godwit", "NS").answers), ["godwit"]);
  assert.deepEqual(datas(ask("godwit", "A").answers), ["127.0.0.1"]);
});

test("what there is not: NXDOMAIN, and NODATA for what there is otherwise, with the zone's SOA", () => {
  for (const name of [
    "none.godwit",
    "_none._tcp.godwit",
    "_web._udp.godwit",
    "_ftp._tcp.web.godwit",
    "10-9-9-9.godwit",
  ]) {
    const { rcode, answers, authorities, flag_aa } = ask(name, "SRV");
    assert.deepEqual({ name, rcode, answers, flag_aa }, { name, rcode: "NXDOMAIN", answers: [], flag_aa: true });
    assert.equal(authorities?.[0]?.type, "SOA");
  }
  for (const [name, type] of [
    ["web.godwit", "MX"],
    ["godwit", "SRV"],
    ["_tcp.godwit", "SRV"],
    ["_tcp.web.godwit", "A"],
    ["10-0-0-2.godwit", "AAAA"],
    ["_web._tcp.godwit", "A"],
  ] as const) {
    const { rcode, answers, authorities } = ask(name, type);
    assert.deepEqual({ name, rcode, answers }, { name, rcode: "NOERROR", answers: [] });
    assert.equal(authorities?.[0]?.type, "SOA");
  }
});

test("what is not ours, not understood, or no question", () => {
  assert.equal(ask("example.com", "A").rcode, "REFUSED");
  assert.equal(ask("notgodwit", "A").rcode, "REFUSED");
  assert.equal(ask("godwit", "AXFR").rcode, "REFUSED");
  assert.equal(ask("godwit", "A", { flags: 0x2800 }).rcode, "NOTIMP", "an update");
  const chaos = { questions: [{ name: "godwit", type: "TXT", class: "CH" }] } as const;
  assert.equal(ask("", "TXT", { questions: [...chaos.questions] }).rcode, "REFUSED");
  const two = { name: "web.godwit", type: "A" } as const;
  assert.equal(ask("", "A", { questions: [two, two] }).rcode, "FORMERR");
  assert.equal(ask("", "A", { questions: [] }).rcode, "FORMERR");
  const answer = encode({ type: "response", id: 1, questions: [{ name: "godwit", type: "A" }] });
  assert.equal(answerTo(answer, view), undefined, "an answer is never answered");
  assert.equal(answerTo(Buffer.alloc(11), view), undefined);
});

test("EDNS: the payload that a client takes, and versions that there are not", () => {
  const opt = (udpPayloadSize: number, ednsVersion = 0): Answer => {
    const rest = { extendedRcode: 0, flags: 0, flag_do: false, options: [] };
    return { type: "OPT", name: ".", udpPayloadSize, ednsVersion, ...rest };
  };
  const sizes = (payload?: number) => {
    const additionals = payload === undefined ? [] : [opt(payload)];
    const query = encode({ type: "query", questions: [{ name: "_many._tcp.godwit", type: "SRV" }], additionals });
    const given = answerTo(query, view);
    assert.ok(given !== undefined);
    const datagram = fitted(given.answer, given.maxBytes);
    return { bytes: datagram.length, packet: decode(datagram) as unknown as Decoded, maxBytes: given.maxBytes };
  };
  for (const [payload, maxBytes] of [
    [undefined, 512],
    [100, 512],
    [900, 900],
    [65_535, 1232],
  ] as const) {
    const taken = sizes(payload);
    assert.equal(taken.maxBytes, maxBytes);
    assert.ok(taken.bytes <= maxBytes, `${taken.bytes} bytes`);
    assert.ok(taken.packet.flag_tc, "there is more than goes in");
    assert.deepEqual(taken.packet.answers, []);
  }
  const bad = ask("web.godwit", "A", { additionals: [opt(1232, 1)] });
  const [told] = bad.additionals ?? [];
  assert.ok(told?.type === "OPT" && told.extendedRcode === 1 && bad.answers?.length === 0, "BADVERS");
  const any = ask("many.godwit", "ANY");
  assert.deepEqual(
    any.answers?.map(({ type }) => type),
    ["HINFO"],
  );
});

test("no message is answered by one that is much longer, and none takes it down", () => {
  const header = fc.uint8Array({ minLength: 12, maxLength: 12 });
  const valid = encode({ type: "query", questions: [{ name: "_many._tcp.godwit", type: "SRV" }] });
  const spoiled = fc
    .tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }))
    .map(([at, byte]) => Buffer.concat([valid.subarray(0, at), Buffer.of(byte), valid.subarray(at + 1)]));
  const noise = fc.tuple(header, fc.uint8Array({ maxLength: 600 })).map((parts) => {
    const message = Buffer.concat(parts);
    message[2] = (message[2] ?? 0) & 0x07; // a question, in good order so far
    return message;
  });
  fc.assert(
    fc.property(fc.oneof(spoiled, noise), (message) => {
      const given = answerTo(message, view);
      if (given === undefined) return;
      assert.ok(fitted(given.answer, given.maxBytes).length <= given.maxBytes);
      assert.equal(given.answer.id, message.readUInt16BE(0));
    }),
    { numRuns: 3000 },
  );
  // Names that point at each other, and into themselves.
  for (const pointer of [12, 14, 0x3fff]) {
    const loop = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(6)]);
    loop.writeUInt16BE(0xc000 + pointer, 12);
    assert.equal((answerTo(loop, view)?.answer.flags ?? 0) & 15, 1);
  }
});

test("a network has so many answers a second; beyond, some are told to come by TCP, and those are short", () => {
  const rate = new AnswerRate(3);
  const verdicts = (remote: string, count: number, nowMs: number) =>
    Array.from({ length: count }, () => rate.next(remote, nowMs));
  assert.deepEqual(verdicts("10.0.0.1", 2, 0), ["answer", "answer"]);
  assert.deepEqual(verdicts("10.0.0.200", 5, 10), ["answer", "truncate", "drop", "truncate", "drop"]);
  assert.deepEqual(verdicts("10.0.1.1", 1, 20), ["answer"], "another network");
  assert.deepEqual(verdicts("::ffff:10.0.0.3", 1, 30), ["truncate"], "the same in another form");
  assert.deepEqual(verdicts("10.0.0.1", 1, 1000), ["answer"], "another second");
  for (let index = 0; index < LOOKUP_NETWORKS_MAX; index++) rate.next(`11.${index >> 8}.${index & 255}.1`, 2000);
  assert.deepEqual(verdicts("2001:db8::1", 2, 2000), ["answer", "answer"]);
  assert.deepEqual(verdicts("2001:db9::1", 2, 2000), ["answer", "truncate"], "those for whom there is no room share");

  const query = encode({ type: "query", questions: [{ name: "_many._tcp.godwit", type: "SRV" }] });
  const short = encode(truncated(answerTo(query, view)?.answer ?? {}));
  assert.ok(short.length <= query.length);
  assert.ok((decode(short).flags ?? 0) & TRUNCATED);
});
