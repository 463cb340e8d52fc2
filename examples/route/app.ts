/**
 * A service of which client.mjs finds the processes. Its answers say by which way the request came.
 *
 *     godwit up --detach --nodes 2
 *     godwit run --detach --node n2 examples/route/app.ts --listen service:where
 *     godwit expose where --on http://127.0.0.1:8080 --at n1
 *     godwit expose where --on http://127.0.0.1:8081 --care-of --at n2
 *     godwit lookup --on http://127.0.0.1:5380
 */

export default {
  fetch(request: Request): Response {
    const way = request.headers.get("alt-used");
    return new Response(way === null ? "relayed by the stable address\n" : `directly, at ${way}\n`);
  },
};
