// Routes over the fetch classes.
import { AutoRouter, cors, error, json, withParams } from "itty-router";

const { preflight, corsify } = cors({ origin: "https://a.b" });
const router = AutoRouter({ before: [preflight, withParams], finally: [corsify] });
router
  .get("/todos/:id.:format?", ({ id, format = "none" }) => ({ id, format }))
  .get("/files/:path+", ({ path }) => path)
  .post("/echo", async (request) => json(await request.json(), { status: 201 }))
  .get("/query", ({ query }) => query)
  .get("/teapot", () => error(418, { kind: "pot" }))
  .get("/throws", () => {
    throw new Error("thrown");
  });
async function show(path, init) {
  const response = await router.fetch(new Request(`http://host${path}`, init));
  console.log(path, response.status, [...response.headers].sort().join("; "), JSON.stringify(await response.text()));
}
await show("/todos/3.json", { headers: { origin: "https://a.b" } });
await show("/todos/4");
await show("/files/a/b/c");
await show("/echo", {
  method: "POST",
  body: JSON.stringify({ x: [1] }),
  headers: { "content-type": "application/json" },
});
await show("/query?a=1&a=2&b=%20");
await show("/teapot");
await show("/throws");
await show("/gone");
await show("/todos/1", {
  method: "OPTIONS",
  headers: { origin: "https://a.b", "access-control-request-method": "GET" },
});
