/** A UDP socket of the node's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { UdpSocket } from "../../src/resources/udp-socket.ts";

test("a socket that is closed already is closed again, also while something goes out", async () => {
  const idle = new UdpSocket("127.0.0.1", 0, () => {});
  await idle.ready;
  idle.close();
  idle.close();
  const busy = new UdpSocket("127.0.0.1", 0, () => {});
  const port = Number((await busy.ready).split(":")[1]);
  void busy.send(new Uint8Array(8), "127.0.0.1", port);
  busy.close();
  busy.close();
  assert.equal(busy.send(new Uint8Array(8), "127.0.0.1", port), undefined);
});
