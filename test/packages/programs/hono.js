// An application: routes, middleware, cookies, tokens, JSX-free HTML, streams.
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { getCookie, setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { html } from "hono/html";
import { sign, jwt } from "hono/jwt";
import { streamSSE, streamText } from "hono/streaming";

const app = new Hono();
app.use("/api/*", cors({ origin: "https://a.b" }), etag());
app.get("/api/items/:id{[0-9]+}", (c) => c.json({ id: c.req.param("id"), q: c.req.queries("q") ?? [] }));
app.post("/form", async (c) => c.json(await c.req.parseBody()));
app.get("/cookie", (c) => {
  setCookie(c, "seen", "yes", { httpOnly: true, maxAge: 60 });
  return c.text(getCookie(c, "name") ?? "none");
});
app.use("/private/*", basicAuth({ username: "u", password: "p" }));
app.get("/private/page", (c) => c.html(html`<p>${"<secret>"}</p>`));
app.use("/token/*", jwt({ secret: "s", alg: "HS256" }));
app.get("/token/me", (c) => c.json(c.get("jwtPayload")));
app.get("/stream", (c) =>
  streamText(c, async (stream) => {
    for (let n = 0; n < 3; n++) {
      await stream.write(`${n} `);
      await stream.sleep(2);
    }
  }),
);
app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    for (let id = 0; id < 3; id++) await stream.writeSSE({ data: `d${id}`, event: "tick", id: String(id) });
  }),
);
app.get("/broken", () => {
  throw new Error("broken");
});
app.onError((error, c) => c.text(`caught ${error.message}`, 500));
app.notFound((c) => c.text("nothing here", 404));

async function show(path, init) {
  const response = await app.request(path, init);
  const headers = [...response.headers].sort().map(([name, value]) => `${name}=${value}`);
  console.log(path, response.status, headers.join("; "), JSON.stringify(await response.text()));
  return response;
}
await show("/api/items/7?q=a&q=b", { headers: { origin: "https://a.b" } });
const tag = (await app.request("/api/items/7")).headers.get("etag");
await show("/api/items/7", { headers: { "if-none-match": tag } });
await show("/api/items/x");
await show("/api/items/7", {
  method: "OPTIONS",
  headers: { origin: "https://a.b", "access-control-request-method": "GET" },
});
const form = new FormData();
form.append("a", "1");
await show("/form", { method: "POST", body: form });
await show("/form", { method: "POST", body: new URLSearchParams({ b: "2 3" }) });
await show("/cookie", { headers: { cookie: "name=Ann%20B" } });
await show("/private/page");
await show("/private/page", { headers: { authorization: `Basic ${btoa("u:p")}` } });
await show("/token/me", { headers: { authorization: `Bearer ${await sign({ sub: "x" }, "s", "HS256")}` } });
await show("/token/me", { headers: { authorization: "Bearer no" } });
await show("/stream");
await show("/events");
await show("/broken");
