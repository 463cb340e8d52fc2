/** `godwit expose --start`: a service that scales to zero, as people type it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { godwit, start } from "../cli/command.ts";
import { temporaryFolder } from "../cli/folder.ts";

const LIMIT = { timeout: 60_000 };

test("the first request starts the program, with what it may do; without clients there is none", LIMIT, async (t) => {
  const folder = temporaryFolder(t, {
    "app.ts": `import { readFile } from "godwit";
export default { fetch: (request: Request) => new Response(readFile("greeting.txt").toString() + new URL(request.url).pathname) };`,
    "greeting.txt": "hello",
  });
  const at = { folder, environment: { GODWIT_SOCKET: join(folder, "n.sock") } };
  await start(t, ["up", "--lwps", "1"], at).wrote("is up");
  const expose = async (...words: readonly string[]) => {
    const args = ["expose", ...words, "--on", "http://127.0.0.1:0", "--start", "app.ts", "--json"];
    const { code, stdout, stderr } = await godwit(t, args, at);
    assert.deepEqual([code, stderr], [0, ""]);
    return (JSON.parse(stdout) as { address: string }).address;
  };
  const address = await expose("web", "--idle", "300ms", "--allow-read=greeting.txt");
  const processes = async () =>
    (JSON.parse((await godwit(t, ["ps", "--json"], at)).stdout) as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(await processes(), []);
  const response = await fetch(`${address}/there`);
  assert.equal(await response.text(), "104,101,108,108,111/there");
  while ((await processes()).length > 0);
  const again = await fetch(`${address}/again`);
  assert.equal(again.status, 200);
  assert.match(await again.text(), /\/again$/);

  const denied = await fetch(await expose("shy", "--idle", "1m"));
  assert.equal(denied.status, 500);
  await denied.text();
  while ((await processes()).length > 1); // the other service's goes when it has been idle
  assert.deepEqual(await processes(), ["app.ts"]);

  const bare = await godwit(t, ["expose", "x", "--on", "http://127.0.0.1:0", "--idle", "1s"], at);
  assert.equal(bare.code, 2);
  assert.match(bare.stderr, /--idle is for --start/);
  const missing = await godwit(t, ["expose", "x", "--on", "http://127.0.0.1:0", "--start", "none.ts"], at);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /there is no program none\.ts/);
});
