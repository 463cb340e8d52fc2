/** A web server whose state is plain data in memory: it is there after a reload, a checkpoint and a move. */

import { keep, self } from "godwit";

/** Kept when `npm run dev` replaces the code. */
const visits = keep("visits", () => new Map<string, number>());

function count(path: string): number {
  const times = (visits.get(path) ?? 0) + 1;
  visits.set(path, times);
  return times;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      return new Response(`Hello from process ${self.pid}. Visits: ${count(pathname)}\n`);
    }
    if (pathname === "/echo" && request.method === "POST") {
      return Response.json({ youSent: await request.text() });
    }
    return new Response("Nothing here\n", { status: 404 });
  },
};
