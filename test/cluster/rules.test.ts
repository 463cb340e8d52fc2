/** The rules under the engines: names, what a watch is told, who is silent, and which writes took place. */

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { Change } from "../../src/cluster/engine.ts";
import { Chain } from "../../src/cluster/engines/nats/chain.ts";
import { decodePath, encodePath, matches } from "../../src/cluster/path.ts";
import { PatternIndex } from "../../src/cluster/pattern-index.ts";
import { Silence } from "../../src/cluster/silence.ts";
import { WatchState } from "../../src/cluster/watch-state.ts";

const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !text.includes("/"));
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join("/"));

it("every path is written in safe characters, and read back as it was", () => {
  const check = (name: string) => {
    const encoded = encodePath(name, ".");
    assert.match(encoded, /^[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)*$/);
    assert.equal(decodePath(encoded, "."), name);
  };
  fc.assert(fc.property(path, check));
  for (const foreign of ["", "a..b", "a b", "=zz", "=4", "=41", "=ff", "a.*", "=C3=BC"]) {
    assert.equal(decodePath(foreign, "."), undefined, foreign);
  }
});

it("an index finds what each pattern by itself would match", () => {
  const pattern = fc.oneof(
    path,
    path.map((name) => `${name}/`),
    fc.constant(""),
  );
  const check = (patterns: string[], name: string) => {
    const index = new PatternIndex<number>();
    for (const [item, each] of patterns.entries()) index.add(each, item);
    const found = [...index.matching(name)].sort((a, b) => a - b);
    assert.deepEqual(
      found,
      [...patterns.keys()].filter((item) => matches(patterns[item] ?? "", name)),
    );
    for (const [item, each] of patterns.entries()) index.delete(each, item);
    assert.deepEqual([...index.matching(name)], []);
  };
  const few = fc.stringMatching(/^[ab](?:\/[ab]){0,3}$/);
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          pattern,
          few,
          few.map((name) => `${name}/`),
        ),
      ),
      fc.oneof(path, few),
      check,
    ),
  );
});

it("a watch that is told the state again passes on what changed, deletions too, and nothing twice", () => {
  const told: Change[] = [];
  const state = new WatchState((change) => told.push(change));
  const put = (key: string, revision: number) => state.put({ key, value: new Uint8Array(), revision });
  state.begin();
  put("same", 1);
  put("gone", 2);
  put("changed", 3);
  state.current();
  told.length = 0;
  state.begin();
  put("same", 1);
  put("changed", 7);
  put("new", 6);
  state.current();
  const line = (change: Change) => (change.kind === "put" ? `put ${change.entry.key}` : change.kind);
  assert.deepEqual(told.map(line), ["put changed", "put new", "delete"]);
  assert.deepEqual(told.at(-1), { kind: "delete", key: "gone", revision: 2 });
  told.length = 0;
  put("changed", 5); // Older than what was told.
  state.delete("changed", 6);
  state.delete("never told", 9);
  assert.deepEqual(told, []);
  state.delete("changed", 8);
  assert.deepEqual(told, [{ kind: "delete", key: "changed", revision: 7 }]);
});

it("time passes for others only while one's own probes come back", () => {
  const silence = new Silence();
  silence.expect("other");
  let nowMs = 1_000;
  const probes = (count: number) => {
    for (let each = 0; each < count; each++) silence.probed((nowMs += 100), 100);
  };
  probes(1);
  assert.equal(silence.of("other"), 0, "the first probe measures nothing");
  probes(5);
  assert.equal(silence.of("other"), 500);
  silence.probed(nowMs - 50, 100);
  assert.equal(silence.of("other"), 500, "one that was overtaken measures nothing");
  nowMs += 3_600_000; // Stopped, or cut off, for an hour.
  probes(1);
  assert.equal(silence.of("other"), 700);
  silence.heard("other");
  assert.equal(silence.of("other"), 0);
  silence.heard("stranger");
  assert.equal(silence.of("stranger"), 0);
});

/**
 * Writers race over one key through a log that, like a server of version 2.9, checks what they expect against a state that
 * is `lag` messages old. Some prune. Whoever looks must see one and the same history, with one winner for each revision.
 */
it("of writes that replace the same revision one takes place, for all who look", () => {
  interface Message {
    readonly revision: number;
    readonly previous: number;
    readonly isDeletion: boolean;
  }
  const ACTS = ["look", "write", "delete", "read", "prune", "forget"] as const;
  const step = fc.record({
    writer: fc.nat(3),
    lag: fc.nat(4),
    act: fc.constantFrom(...ACTS),
  });
  const check = (steps: { writer: number; lag: number; act: (typeof ACTS)[number] }[]) => {
    let log: Message[] = [];
    let revisions = 0;
    const watcher = new Chain<Message>();
    const watched: number[] = [];
    /** Goes through the messages one by one, while others write and prune. */
    let reader = new Chain<Message>();
    const read = () => {
      const next = log.find(({ revision }) => revision > reader.lastRevision);
      if (next === undefined) return false;
      if (reader.add(next)) assert.ok(watched.includes(next.revision), "what a reader passes on took place");
      return true;
    };
    /** What each writer takes for the key's state: what it will replace, and the last message. */
    const seen = new Map<number, { previous: number; last: number; isThere: boolean }>();
    const history = () => {
      const chain = new Chain<Message>();
      const placed = log.filter((message) => chain.add(message)).map(({ revision }) => revision);
      return { chain, placed };
    };
    const winners = new Map<number, number>();
    for (const { writer, lag, act } of steps) {
      const { chain } = history();
      if (act === "look") {
        const { latest, lastRevision } = chain;
        const isThere = latest !== undefined && !latest.isDeletion;
        seen.set(writer, { previous: latest?.revision ?? 0, last: lastRevision, isThere });
      } else if (act === "read") {
        read();
      } else if (act === "prune") {
        const latest = chain.latest;
        if (latest !== undefined) log = log.filter(({ revision }) => revision >= latest.revision);
      } else if (act === "forget") {
        // A deletion is forgotten only long after: nobody has seen anything older.
        const isLast = chain.latest?.isDeletion === true && chain.latest.revision === chain.lastRevision;
        if (isLast) {
          log = [];
          seen.clear();
          reader = new Chain();
        }
      } else {
        const state = seen.get(writer);
        if (state === undefined || (act === "delete" && !state.isThere)) continue;
        const applied = log.slice(0, Math.max(0, log.length - lag));
        const expected = log.length === 0 ? 0 : applied.at(-1)?.revision;
        // Nothing applied any more: everything before was pruned or is on its way; the server's state is not known here.
        if (expected !== undefined && expected !== state.last) continue;
        const message = { revision: ++revisions, previous: state.previous, isDeletion: act === "delete" };
        log.push(message);
        if (watcher.add(message)) watched.push(message.revision);
        if (!history().placed.includes(message.revision)) continue;
        assert.ok(!winners.has(message.previous) || message.previous === 0, "one winner for each revision");
        winners.set(message.previous, message.revision);
      }
      const { placed } = history();
      assert.deepEqual(placed, watched.slice(watched.length - placed.length), "a watch has seen the same");
    }
    while (read());
    assert.equal(reader.latest?.revision, history().chain.latest?.revision, "a reader comes to the same end");
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), check), { numRuns: 2_000 });
});
