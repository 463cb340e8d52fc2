/** Everything that the example's application has, asked for once, in an order that its state depends on. */

import type { Answer, Asking, Visitor } from "./visitor.ts";

const JSON_TYPE = { "content-type": "application/json" };
const json = (value: unknown, method = "POST"): Asking => ({ method, headers: JSON_TYPE, body: JSON.stringify(value) });
const basic = (pair: string): Asking => ({
  headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
});

function form(): FormData {
  const data = new FormData();
  data.append("name", 'Ada, "the first"');
  data.append("tag", "one");
  data.append("tag", "zwei ü 漢");
  data.append(
    "file",
    new File([new Uint8Array(70_000).map((_, index) => index * 7)], "große.bin", { type: "application/octet-stream" }),
  );
  data.append("empty", new File([], "empty.txt", { type: "text/plain" }));
  return data;
}

/** What a visitor sees, by what it did. */
export async function tour(visitor: Visitor): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  const ask = async (path: string, asking: Asking = {}): Promise<void> => {
    seen[`${asking.method ?? "GET"} ${path} (${Object.keys(seen).length})`] = await visitor.ask(path, asking);
  };
  /** Where engines' words for an error, or what a server adds by itself, are not the application's. */
  const only = async (path: string, fields: readonly (keyof Answer)[], asking: Asking): Promise<void> => {
    const answer = await visitor.ask(path, asking);
    seen[`${path} (${Object.keys(seen).length})`] = fields.map((field) => answer[field]);
  };
  const note = async (what: string, value: Promise<unknown>): Promise<void> => void (seen[what] = await value);

  await ask("/");
  await ask("/", { method: "HEAD" });
  await ask("/nowhere?x=1");
  await ask("/visits");
  await ask("/visits");
  await ask("/echo?a=1&a=2&b=%C3%BC+x&c", { headers: { "x-agent": "tour" } });
  // JSON, and the methods
  await ask("/todos", json({ title: "write" }));
  await ask("/todos", json({ title: "ünïcode 漢字 \u{1f426}" }));
  await ask("/todos", json({ title: "" }));
  await only("/todos", ["status", "headers"], { method: "POST", headers: JSON_TYPE, body: "{ not JSON" });
  await ask("/todos/1", json({ done: true }, "PATCH"));
  await ask("/todos");
  await ask("/todos/2");
  await ask("/todos/2", { method: "DELETE" });
  await ask("/todos/2", { method: "DELETE" });
  await ask("/todos/2", { method: "PUT" });
  // Forms
  await ask("/form", { method: "POST", body: form() });
  const encoded = { "content-type": "application/x-www-form-urlencoded" };
  await ask("/form", { method: "POST", headers: encoded, body: "a=1&b=%C3%BC+x&a=2" });
  const unbounded = { "content-type": "multipart/form-data" };
  await only("/form", ["status"], { method: "POST", headers: unbounded, body: "no boundary" });
  // Cookies that the visitor keeps, and one that somebody changed
  await ask("/cookies");
  await ask("/cookies");
  await ask("/cookies/clear");
  await ask("/cookies");
  await ask("/cookies", { headers: { cookie: "count=5; user=eve.bm90IHRoZSBzaWduYXR1cmU%3D" } });
  // CORS
  const from = (origin: string) => ({
    origin,
    "access-control-request-method": "PUT",
    "access-control-request-headers": "x-a",
  });
  await ask("/open/data", { method: "OPTIONS", headers: from("https://app.example") });
  await ask("/open/data", { method: "OPTIONS", headers: from("https://evil.example") });
  await ask("/open/data", { headers: { origin: "https://app.example" } });
  // ETags
  const { headers } = await visitor.ask("/etag/page");
  const tag = headers.find((field) => field.startsWith("etag: "))?.slice("etag: ".length) ?? "";
  await ask("/etag/page", { headers: { "if-none-match": tag } });
  await ask("/etag/page", { headers: { "if-none-match": '"another"' } });
  await ask("/etag/page", { method: "HEAD", headers: { "if-none-match": `W/${tag}, "x"` } });
  // Authentication
  await ask("/basic/page");
  await ask("/basic/page", basic("ada:wrong"));
  await ask("/basic/page", basic("ada:lovelace"));
  await ask("/private/me");
  const { token } = JSON.parse((await visitor.ask("/login", json({ name: "ada" }))).text) as { token: string };
  seen["token"] = token;
  await ask("/private/me", { headers: { authorization: `Bearer ${token}` } });
  await ask("/private/me", { headers: { authorization: `Bearer ${token.slice(0, -3)}AAA` } });
  // Bodies of size
  await ask("/length", { method: "POST", body: Buffer.alloc(1_500_000, "x") });
  await ask("/length", { method: "POST", body: "" });
  await only("/shout", ["status", "text"], { method: "POST", body: "straße ".repeat(2000) });
  await ask("/fails");
  // Streams
  await note("events", visitor.events("/events", "tick", 5));
  await note("events as bytes", visitor.ask("/events"));
  await note("lines", visitor.ask("/lines/200"));
  await note("lines, read slowly", visitor.slowly("/lines/3000"));
  await note("conversation", visitor.converse("/shout", ["one ", "two ", "drei ü "]));
  await note("left early", visitor.leave("/lines/20000"));
  await note("one connection", visitor.keepAsking("/etag/page", 10));
  await ask("/visits");
  return seen;
}

/** The same sort of things by curl. */
export async function curlTour(visitor: Visitor): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  const curl = async (path: string, ...args: readonly string[]): Promise<void> => {
    seen[`curl ${args.join(" ")} ${path}`] = await visitor.curl(path, ...args);
  };
  await curl("/");
  await curl("/", "-I");
  await curl("/todos", "-H", "content-type: application/json", "-d", '{"title":"by curl"}');
  await curl("/form", "-F", "name=ada", "-F", "file=@package.json;type=application/json", "-F", "file=@tsconfig.json");
  await curl("/form", "-d", "a=1&b=2");
  await curl("/cookies", "-b", "count=41");
  await curl("/etag/page", "-H", 'If-None-Match: "no"');
  await curl("/basic/page", "-u", "ada:lovelace");
  await curl("/basic/page", "-u", "ada:wrong");
  await curl("/events", "-N");
  await curl("/length", "-T", "package-lock.json", "-X", "POST");
  await curl("/length", "-T", "package-lock.json", "-X", "POST", "-H", "Transfer-Encoding: chunked");
  const shouted = await visitor.curl("/shout", "--data-binary", "@package.json");
  seen["curl /shout"] = [shouted.status, shouted.text];
  await curl("/lines/50", "--http1.0");
  await curl(
    "/open/data",
    "-X",
    "OPTIONS",
    "-H",
    "Origin: https://app.example",
    "-H",
    "Access-Control-Request-Method: PUT",
  );
  await curl("/%2e%2e/todos/../visits", "--path-as-is");
  return seen;
}
