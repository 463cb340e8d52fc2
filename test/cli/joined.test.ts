/** Nodes of a NATS cluster as users start them, each by a command of its own, joined by token. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../../src/client/node-client.ts";
import { endChildren } from "../cluster/child.ts";
import { NatsServers, findNatsServer } from "../cluster/nats-server.ts";
import { godwit, start } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const found = await findNatsServer();
const skip = "missing" in found ? `NOT TESTED: ${found.missing}` : false;
if (skip !== false) console.error(skip);

const COUNTER = `let n = 0; for (;;) { for (let i = 0; i < 200000; i++) n++; console.log("at", n / 200000); }`;

test(
  "up --engine founds a cluster, lets others in by token only, and processes move",
  { skip, timeout: 120_000 },
  async (t) => {
    assert.ok("path" in found);
    const servers = await NatsServers.start(found.path, 1);
    t.after(async () => {
      await servers.stop();
      await endChildren();
    });
    const folder = temporaryFolder(t, { "counter.ts": COUNTER });
    const engine = ["--engine", servers.urls.join(",")];
    const at = (name: string) => ({ folder, environment: { GODWIT_SOCKET: join(folder, `${name}.sock`) } });
    const up = (name: string, ...flags: string[]) =>
      start(t, ["up", ...engine, "--name", name, "--state", name, "--lwps", "1", ...flags], at(name));

    const a = up("a", "--address", "127.0.0.1");
    await a.wrote("is up");
    const { token } = JSON.parse((await godwit(t, ["join-token", "--state", "a", "--json"], at("a"))).stdout);

    const stranger = await up("c").ended;
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /there is a cluster already on this engine: join it with --join/);
    const b = up("b", "--address", "127.0.0.1", "--join", token);
    await b.wrote("is up");
    const late = await up("d", "--join", token).ended;
    assert.match(late.stderr, /the token was used already/);
    const twin = await godwit(t, ["up", ...engine, "--name", "b", "--state", "b"], {
      folder,
      environment: { GODWIT_SOCKET: join(folder, "twin.sock") },
    });
    assert.match(twin.stderr, /the cluster has a node b already/);

    const client = await connect(join(folder, "a.sock"));
    assert.deepEqual(
      (await client.nodes()).map(({ name }) => name),
      ["a", "b"],
    );
    for (const { addresses } of await client.nodes()) assert.match(addresses[0] ?? "", /^tls:127\.0\.0\.1:\d+$/);
    const pid = Number((await godwit(t, ["run", "-d", "counter.ts"], at("b"))).stdout);
    const moved = await client.migrate(pid, "a");
    assert.deepEqual([moved.outcome, moved.from, moved.to], ["moved", "b", "a"]);
    const text: string[] = [];
    const stopped = new AbortController();
    await assert.rejects(
      client.follow(
        pid,
        (_, bytes) => {
          text.push(Buffer.from(bytes).toString());
          if (text.join("").split("\n").length > 5) stopped.abort();
        },
        { signal: stopped.signal },
      ),
      { code: "ECANCELED" },
    );
    assert.match(text.join(""), /^at (\d+)\n/);

    // A node that was in the cluster comes back as who it was, without a token.
    assert.equal((await client.migrate(pid, "b")).outcome, "moved");
    await client.stop();
    assert.equal((await a.ended).code, 0);
    const back = up("a", "--address", "127.0.0.1");
    await back.wrote("is up");
    const again = await connect(join(folder, "b.sock"));
    assert.deepEqual(
      (await again.nodes()).map(({ name }) => name),
      ["a", "b"],
    );
    assert.equal((await again.migrate(pid, "a")).outcome, "moved");
  },
);

test("what does not go together is a mistake in the command's words", async (t) => {
  for (const [flags, hint] of [
    [["--nodes", "2", "--engine", "nats://x"], /give one of them/],
    [["--state", "x"], /--state is for --nodes or --engine/],
    [["--join", "x"], /are for --engine/],
    [["--respawn"], /--respawn is for --nodes/],
  ] as const) {
    const { code, stderr } = await godwit(t, ["up", ...flags]);
    assert.equal(code, 2);
    assert.match(stderr, hint);
  }
});
