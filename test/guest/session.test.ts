/** Sessions with soft state: known by a cookie, bounded, rebuilt when they are lost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withNode } from "../node/bench-node.ts";
import { ask, start, stopped } from "./server.ts";

const ID = /^session=([\da-f]{32}); Path=\/; Max-Age=(\d+); HttpOnly; SameSite=Lax$/;

/** Counts a client's visits, and tells whether they were made anew. */
const COUNTING = `(request) => {
  const { session } = globalThis.__godwit.exports, { pathname, searchParams } = new URL(request.url);
  const options = Object.fromEntries([...searchParams].map(([name, value]) => [name, name === "cookie" ? value : Number(value)]));
  const one = session(request, () => ({ visits: 0 }), options);
  if (pathname === "/renew") one.renew();
  if (pathname === "/end") one.end();
  return new Response([++one.state.visits, one.isNew].join(), { headers: { "set-cookie": "other=1" } });
}`;

await withNode({ lwps: 1 }, (t) => {
  /** What a browser does with one cookie. */
  const visitor = (url: string) => {
    let cookie = "";
    return {
      get cookie() {
        return cookie;
      },
      set cookie(to: string) {
        cookie = to;
      },
      visit: async (path = "/") => {
        const headers = { cookie: `a=b; ${cookie}` };
        const answer = await ask(new URL(path, url).href, { headers });
        const [other, own = ""] = answer.headers["set-cookie"] ?? [];
        assert.equal(other, "other=1");
        cookie = own.split(";", 1)[0] ?? "";
        return { text: answer.text, status: answer.status, field: own };
      },
    };
  };

  for (const organisation of ["event-driven", "thread-pool"])
    test(`a client is known again, and another is another (${organisation})`, { timeout: 60_000 }, async () => {
      const site = await start(t, COUNTING, `organisation: "${organisation}"`);
      const [one, other] = [visitor(site.url), visitor(site.url)];
      const first = await one.visit();
      assert.match(first.field, ID);
      assert.equal(ID.exec(first.field)?.[2], "1800");
      assert.equal(first.text, "1,true");
      assert.equal((await one.visit()).text, "2,false");
      assert.equal((await other.visit()).text, "1,true");
      assert.notEqual(one.cookie, other.cookie);
      const before = one.cookie;
      assert.equal((await one.visit("/renew")).text, "3,false");
      assert.notEqual(one.cookie, before);
      assert.equal((await one.visit()).text, "4,false");
      // Whoever has the old id has nothing of the state.
      const thief = visitor(site.url);
      thief.cookie = before;
      assert.equal((await thief.visit()).text, "1,true");
      assert.match((await one.visit("/end")).field, /^session=; Path=\/; Max-Age=0;/);
      assert.equal(await stopped(site, t), "");
    });

  test("what is lost is rebuilt: after its time, for want of room, and of an id that is none", async () => {
    const site = await start(t, COUNTING);
    const one = visitor(site.url);
    await one.visit("/?expiryMs=1");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { cookie } = one;
    assert.equal((await one.visit()).text, "1,true");
    assert.equal(one.cookie, cookie, "under the id that the client has");
    for (let i = 0; i < 3; i++) await visitor(site.url).visit("/?sessionsMax=2");
    assert.equal((await one.visit()).text, "1,true");
    for (const wrong of ["session=", "session=../../x", `session=${"A".repeat(32)}`, `session=${"a".repeat(33)}`]) {
      const stranger = visitor(site.url);
      stranger.cookie = wrong;
      assert.match((await stranger.visit()).field, ID);
    }
    assert.equal(await stopped(site, t), "");
  });

  test("options that make no sense", { timeout: 60_000 }, async () => {
    const site = await start(t, COUNTING);
    for (const query of ["expiryMs=0", "expiryMs=1e12", "sessionsMax=0.5", "cookie=a%3Bb", "cookie="])
      assert.equal((await ask(new URL(`/?${query}`, site.url).href)).status, 500, query);
    assert.match(await stopped(site, t), /EINVAL[^]*is no name for a cookie/);
  });

  test("under stress", { timeout: 60_000 }, async () => {
    const site = await start(t, COUNTING, "", { stress: { every: 11, at: "call" } });
    const one = visitor(site.url);
    for (let i = 1; i <= 3; i++) assert.equal((await one.visit()).text, `${i},${i === 1}`);
    await stopped(site, t);
  });
});
