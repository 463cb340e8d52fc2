/** The engine over NATS: the suite, with one real server and with three, of which the leader is killed. */

import assert from "node:assert/strict";
import { after, describe } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { connectNatsEngine } from "../../src/cluster/engines/nats.ts";
import { encodePath } from "../../src/cluster/path.ts";
import { endChildren } from "./child.ts";
import { type World, engineSuite } from "./engine-suite.ts";
import { until } from "./condition.ts";
import { NatsServers, findNatsServer } from "./nats-server.ts";
import type { Place } from "./place.ts";

const found = await findNatsServer();
if ("missing" in found) console.error(`NOT TESTED: the NATS engine: ${found.missing}`);

const CLUSTER = "suite";
const DIRECTORY = `KV_godwit_${CLUSTER}_directory`;
const BLOBS = `OBJ_godwit_${CLUSTER}_blobs`;

async function startWorld(count: number): Promise<World> {
  assert.ok("path" in found);
  const servers = await NatsServers.start(found.path, count);
  const place: Place = { kind: "nats", servers: servers.urls, cluster: CLUSTER };
  await until(
    "the cluster",
    async () => {
      const engine = await connectNatsEngine({ ...place, timeoutMs: 15_000 });
      await engine.close();
      return true;
    },
    40_000,
  );
  let down: number | undefined;
  return {
    place,
    crash: async () => {
      if (down !== undefined) await servers.begin(down);
      const leader = count === 1 ? 0 : await leaderOf(servers.urls);
      await servers.kill(leader);
      // Of three, two go on; a single one comes back.
      if (count === 1) await servers.begin(leader);
      else down = leader;
    },
    damage: async (name, how) => damage(servers.urls, name, how),
    stop: () => servers.stop(),
  };
}

/** The server that leads the directory's stream, once all copies are up to date. */
async function leaderOf(urls: readonly string[]): Promise<number> {
  const connection = await connect({ servers: [...urls] });
  try {
    // What is asked while the servers find a leader is not answered: it is asked again below.
    const manager = await jetstreamManager(connection, { checkAPI: false });
    let leader: number | undefined;
    await until(
      "a leader whom all follow",
      async () => {
        for (const stream of [DIRECTORY, BLOBS]) {
          const { cluster, config } = await manager.streams.info(stream);
          assert.equal(config.num_replicas, 3);
          if (cluster?.replicas?.length !== 2 || !cluster.replicas.every(({ current }) => current)) return false;
          if (stream === DIRECTORY) leader = Number(/^server-(\d)$/.exec(cluster.leader ?? "")?.[1]);
        }
        return leader !== undefined && !Number.isNaN(leader);
      },
      30_000,
    );
    return leader ?? 0;
  } finally {
    await connection.close();
  }
}

/** Takes chunks out of a blob: one in the middle, or the last. */
async function damage(urls: readonly string[], name: string, how: "altered" | "truncated"): Promise<void> {
  const connection = await connect({ servers: [...urls] });
  try {
    const manager = await jetstreamManager(connection, { timeout: 20_000 });
    const meta = `$O.godwit_${CLUSTER}_blobs.M.${Buffer.from(encodePath(name, "/")).toString("base64url")}`;
    const padded = meta + "=".repeat((4 - ((meta.length - meta.lastIndexOf(".") - 1) % 4)) % 4);
    const info = await manager.streams.getMessage(BLOBS, { last_by_subj: padded });
    const { nuid, chunks } = info?.json<{ nuid: string; chunks: number }>() ?? { nuid: "", chunks: 0 };
    assert.ok(chunks > 2);
    const last = await manager.streams.getMessage(BLOBS, { last_by_subj: `$O.godwit_${CLUSTER}_blobs.C.${nuid}` });
    assert.ok(last !== null);
    await manager.streams.deleteMessage(BLOBS, how === "truncated" ? last.seq : last.seq - 2);
  } finally {
    await connection.close();
  }
}

const skip = "missing" in found ? { skip: found.missing } : {};
after(endChildren);
describe("NATS", { concurrency: 2 }, () => {
  engineSuite("NATS engine, one server", () => startWorld(1), skip);
  engineSuite("NATS engine, three servers", () => startWorld(3), skip);
});
