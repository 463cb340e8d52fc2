/**
 * A web application as people write them with Hono, unchanged: JSON, forms with files, cookies, CORS, ETags, basic
 * authentication, JSON Web Tokens, server-sent events, streaming both ways. The same file runs under Node, Deno, Bun or workers.
 *
 *     npx godwit run examples/hono/app.ts --listen 8080
 *     curl http://127.0.0.1:8080/
 */

import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { deleteCookie, getCookie, getSignedCookie, setCookie, setSignedCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { jwt, sign, type JwtVariables } from "hono/jwt";
import { stream, streamSSE, streamText } from "hono/streaming";

/** For the example only: a real application gets its secrets from its environment. */
const SECRET = "a secret that everybody knows";

interface Todo {
  readonly id: number;
  title: string;
  done: boolean;
}
/** State that lives in memory, and moves with the process. */
const todos = new Map<number, Todo>();
let lastId = 0;
let visits = 0;

const app = new Hono<{ Variables: JwtVariables }>();

app.get("/", (c) => c.html("<!doctype html><title>godwit</title><h1>It runs, and it moves.</h1>"));
app.get("/visits", (c) => c.json({ visits: ++visits }));

// ---- JSON

app.get("/todos", (c) => c.json([...todos.values()]));
app.post("/todos", async (c) => {
  const { title } = await c.req.json<{ title?: unknown }>();
  if (typeof title !== "string" || title === "") throw new HTTPException(422, { message: "a todo needs a title" });
  const todo: Todo = { id: ++lastId, title, done: false };
  todos.set(todo.id, todo);
  return c.json(todo, 201, { location: `/todos/${todo.id}` });
});
app.get("/todos/:id{[0-9]+}", (c) => {
  const todo = todos.get(Number(c.req.param("id")));
  return todo === undefined ? c.notFound() : c.json(todo);
});
app.patch("/todos/:id{[0-9]+}", async (c) => {
  const todo = todos.get(Number(c.req.param("id")));
  if (todo === undefined) return c.notFound();
  const { done, title } = await c.req.json<Partial<Todo>>();
  todo.done = done ?? todo.done;
  todo.title = title ?? todo.title;
  return c.json(todo);
});
app.delete("/todos/:id{[0-9]+}", (c) => c.body(null, todos.delete(Number(c.req.param("id"))) ? 204 : 404));
app.get("/echo", (c) => c.json({ query: c.req.queries(), agent: c.req.header("x-agent") ?? null, path: c.req.path }));

// ---- Forms with files

app.post("/form", async (c) => {
  const form = await c.req.parseBody({ all: true });
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(form)) {
    const values = Array.isArray(value) ? value : [value];
    fields[name] = await Promise.all(values.map(async (one) => (typeof one === "string" ? one : describe(one))));
  }
  return c.json(fields);
});

async function describe(file: File): Promise<object> {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { name: file.name, type: file.type, size: file.size, sha256 };
}

// ---- Cookies

app.get("/cookies", async (c) => {
  const count = Number(getCookie(c, "count") ?? 0) + 1;
  setCookie(c, "count", String(count), { path: "/", httpOnly: true, sameSite: "Lax", maxAge: 3600 });
  const user = await getSignedCookie(c, SECRET, "user");
  await setSignedCookie(c, "user", "ada", SECRET);
  return c.json({ count, user: user ?? null });
});
app.get("/cookies/clear", (c) => {
  deleteCookie(c, "count", { path: "/" });
  return c.body(null, 204);
});

// ---- CORS, ETag, authentication

app.use("/open/*", cors({ origin: ["https://app.example"], allowMethods: ["GET", "PUT"], maxAge: 600 }));
app.get("/open/data", (c) => c.json({ open: true }));
app.use("/etag/*", etag());
app.get("/etag/page", (c) => c.text("the same every time"));
app.use("/basic/*", basicAuth({ username: "ada", password: "lovelace" }));
app.get("/basic/page", (c) => c.text("hello, ada"));
app.post("/login", async (c) => {
  const { name } = await c.req.json<{ name: string }>();
  return c.json({ token: await sign({ sub: name, exp: 4_102_444_800 }, SECRET, "HS256") });
});
app.use("/private/*", jwt({ secret: SECRET, alg: "HS256" }));
app.get("/private/me", (c) => c.json({ sub: c.get("jwtPayload").sub }));

// ---- Streaming

app.get("/events", (c) =>
  streamSSE(c, async (events) => {
    for (let n = 1; n <= 5; n++) {
      await events.writeSSE({ event: "tick", id: String(n), data: `tick ${n}` });
      await events.sleep(10);
    }
  }),
);
app.get("/lines/:count{[0-9]+}", (c) =>
  streamText(c, async (text) => {
    for (let n = 1; n <= Number(c.req.param("count")); n++) await text.writeln(`line ${n}`);
  }),
);
/** Sends back what comes, in capitals, as it comes. */
app.post("/shout", (c) =>
  stream(c, async (output) => {
    const { body } = c.req.raw;
    if (body === null) return;
    const capitals = new TransformStream<string, string>({
      transform: (text, controller) => controller.enqueue(text.toUpperCase()),
    });
    await output.pipe(
      body.pipeThrough(new TextDecoderStream()).pipeThrough(capitals).pipeThrough(new TextEncoderStream()),
    );
  }),
);
app.post("/length", async (c) => {
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) bytes += (chunk as Uint8Array).length;
  return c.json({ bytes });
});

app.get("/fails", () => {
  throw new Error("this handler fails");
});
app.onError((error, c) => {
  if (error instanceof HTTPException) return error.getResponse();
  return c.json({ error: error.message }, 500);
});
app.notFound((c) => c.json({ error: `no ${c.req.path} here` }, 404));

export default app;
