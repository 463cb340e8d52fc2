/** What links do, whichever way they go. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Link } from "../../src/cluster/link.ts";
import { type ErrorCode, GodwitError } from "../../src/errors.ts";
import { LINK_BUFFER_BYTES, LINK_MESSAGE_MAX_BYTES } from "../../src/limits.ts";
import { until, within } from "./condition.ts";
import type { LinkNode } from "./link-node.ts";

/** Nodes that reach each other in one way, and what can befall it. */
export interface LinkGround {
  start(name: string): Promise<LinkNode>;
  /** From now on connections break, again and again; and how often they have. */
  breakOften(): { readonly breaks: () => number; stop(): void };
  /** What goes to a node is held up, until the returned function is called. */
  hold?(name: string): () => void;
  close(): Promise<void>;
}

export const coded = (code: ErrorCode) => (error: unknown) => error instanceof GodwitError && error.code === code;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

export function linkSuite(name: string, make: () => Promise<LinkGround>, options: { skip?: string } = {}): void {
  describe(name, { ...options, timeout: 120_000 }, () => {
    let ground: LinkGround;
    before(async () => (ground = await make()));
    after(async () => ground?.close());

    it("carries what is told, in order, and requests", async () => {
      const [a, b, c] = await Promise.all(["a1", "b1", "c1"].map((name) => ground.start(name)));
      assert.ok(a !== undefined && b !== undefined && c !== undefined);
      const link = await a.links.to("b1");
      assert.equal(link.peer, "b1");
      assert.equal(await a.links.to("b1"), link);
      const body = { text: "ü", bytes: new Uint8Array([1, 2]), list: [null, true, 1.5, -1], none: undefined };
      assert.deepEqual(await link.request("echo", body), body);
      await assert.rejects(link.request("unknown", 1), coded("ESRCH"));
      await assert.rejects(link.request("never", 1, { timeoutMs: 20 }), coded("ETIMEDOUT"));
      assert.throws(() => link.tell("big", new Uint8Array(LINK_MESSAGE_MAX_BYTES)), coded("EMSGSIZE"));
      for (const number of numbers(1000)) link.tell("number", number);
      await link.request("echo", 0);
      assert.deepEqual(b.told, numbers(1000));
      // The other two pairs are links of their own.
      const [back, third] = await Promise.all([b.links.to("a1"), c.links.to("a1")]);
      back.tell("number", "from b");
      third.tell("number", "from c");
      await Promise.all([back.request("echo", 0), third.request("echo", 0)]);
      assert.deepEqual(new Set(a.told), new Set(["from b", "from c"]));
      assert.equal(a.told.length, 2);
      await assert.rejects(a.links.to("nobody"), coded("ENONODE"));
      await assert.rejects(a.links.bulk("nobody", 0), coded("ENONODE"));
      await assert.rejects(a.links.to("a1"), coded("EINVAL"));
    });

    it("has one session, however both sides begin it", async () => {
      for (let round = 0; round < 8; round++) {
        const [a, b] = await Promise.all([ground.start(`a2-${round}`), ground.start(`b2-${round}`)]);
        const [there, back] = await Promise.all([a.links.to(b.name), b.links.to(a.name)]);
        let isLost = false;
        void there.lost.then(() => (isLost = true));
        void back.lost.then(() => (isLost = true));
        for (const number of numbers(50)) {
          there.tell("number", number);
          back.tell("number", number);
          if (number % 10 === 0) await turn();
        }
        await Promise.all([there.request("echo", 0), back.request("echo", 0)]);
        assert.deepEqual(a.told, numbers(50));
        assert.deepEqual(b.told, numbers(50));
        // What comes in comes over the link that there is.
        let from: Link | undefined;
        b.onTold = (link) => (from = link);
        there.tell("last", 0);
        await there.request("echo", 0);
        assert.equal(from, back);
        assert.equal(isLost, false);
        await Promise.all([a.links.close(), b.links.close()]);
      }
    });

    it("delivers each message once and in order over connections that break", async () => {
      const [a, b] = await Promise.all([ground.start("a3"), ground.start("b3")]);
      const [there, back] = await Promise.all([a.links.to("b3"), b.links.to("a3")]);
      const breaking = ground.breakOften();
      let answers = 0;
      const count = 4000;
      const say = async (link: Link) => {
        for (const number of numbers(count)) {
          // Some are larger than whatever is sent at once.
          const size = number % 200 === 0 ? 100_000 : number % 10 === 0 ? 5000 : 10;
          link.tell("number", { number, padding: new Uint8Array(size) });
          if (number % 20 === 0) {
            assert.equal(await link.request("echo", number), number);
            answers++;
          }
          if (number % 50 === 0) await link.drained();
        }
      };
      try {
        await within("all of it", Promise.all([say(there), say(back)]), 90_000);
      } finally {
        breaking.stop();
      }
      await Promise.all([there.request("echo", 0), back.request("echo", 0)]);
      const heard = (node: LinkNode) => node.told.map((body) => (body as { number: number }).number);
      assert.deepEqual(heard(b), numbers(count));
      assert.deepEqual(heard(a), numbers(count));
      assert.equal(answers, (2 * count) / 20);
      assert.ok(breaking.breaks() >= 5, `only ${breaking.breaks()} breaks`);
    });

    it("is over for both when one gives the other up, and begins anew", async () => {
      const [a, b] = await Promise.all([ground.start("a4"), ground.start("b4")]);
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const [there, back] = await Promise.all([one.links.to(other.name), other.links.to(one.name)]);
        const pending = there.request("never", 0);
        const stream = await one.links.bulk(other.name, 0);
        one.links.drop(other.name);
        await assert.rejects(pending, coded("ECONNRESET"));
        assert.ok(coded("ECONNRESET")(await there.lost));
        await assert.rejects(there.request("echo", 0), coded("ECONNRESET"));
        assert.doesNotThrow(() => there.tell("to nobody", 0));
        await there.drained();
        assert.ok(stream.destroyed);
        assert.ok(coded("ECONNRESET")(await within("the other side's loss", back.lost)));
        const anew = await one.links.to(other.name);
        assert.notEqual(anew, there);
        assert.equal(await anew.request("echo", 1), 1);
      }
    });

    it("carries streams beside the session", async () => {
      const [a, b] = await Promise.all([ground.start("a5"), ground.start("b5")]);
      const link = await a.links.to("b5");
      const heard = createHash("sha256");
      const arrived = new Promise<unknown>((resolve) => {
        b.onStream = (stream, header, peer) => {
          stream.on("data", (bytes: Buffer) => heard.update(bytes));
          stream.on("end", () => resolve([header, peer]));
        };
      });
      const stream = await a.links.bulk("b5", { about: "pages" });
      const sent = createHash("sha256");
      for (const _ of numbers(24)) {
        const piece = randomBytes(2 ** 20);
        sent.update(piece);
        if (!stream.write(piece)) await once(stream, "drain");
        await link.request("echo", 0);
      }
      stream.end();
      assert.deepEqual(await within("the stream's end", arrived), [{ about: "pages" }, "a5"]);
      assert.equal(heard.digest("hex"), sent.digest("hex"));
      await assert.rejects(a.links.bulk("b5", new Uint8Array(2 ** 20)), coded("ENONODE"));
    });

    it("holds a stream up for a slow reader, and nothing else", async () => {
      const [a, b] = await Promise.all([ground.start("a6"), ground.start("b6")]);
      const link = await a.links.to("b6");
      let theirs: Duplex | undefined;
      b.onStream = (stream) => (theirs = stream);
      const stream = await a.links.bulk("b6", 0);
      let sizeBytes = 0;
      const piece = Buffer.alloc(2 ** 18);
      const isFull = async () => {
        while (stream.write(piece)) sizeBytes += piece.length;
        for (const _ of numbers(20)) await link.request("echo", 0);
        return stream.writableNeedDrain;
      };
      await until("a full stream", isFull);
      assert.ok(sizeBytes < 32 * 2 ** 20, `${sizeBytes} bytes went nowhere`);
      assert.ok(theirs !== undefined && theirs.readableLength < 8 * 2 ** 20);
      theirs.resume();
      stream.end();
      await within("the end", once(stream, "close"));
    });

    it("asks who tells too much to wait", async (t) => {
      const [a] = await Promise.all([ground.start("a7"), ground.start("b7")]);
      const link = await a.links.to("b7");
      if (ground.hold === undefined) return t.skip("this way cannot be held up");
      const letGo = ground.hold("b7");
      const body = new Uint8Array(2 ** 16);
      let sizeBytes = 0;
      let isDrained = true;
      while (isDrained) {
        link.tell("body", body);
        sizeBytes += body.length;
        isDrained = await Promise.race([link.drained().then(() => true), turn(false)]);
        assert.ok(sizeBytes < 4 * LINK_BUFFER_BYTES);
      }
      letGo();
      await within("room", link.drained());
      assert.equal(await link.request("echo", 1), 1);
    });
  });
}
