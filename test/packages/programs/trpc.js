// Procedures over the fetch adapter.
import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";

const t = initTRPC.context().create();
const authed = t.procedure.use(({ ctx, next }) => {
  if (ctx.user === null) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next({ ctx: { user: ctx.user } });
});
const number = (value) => {
  if (typeof value !== "number") throw new TypeError("a number is needed");
  return value;
};
const router = t.router({
  double: t.procedure.input(number).query(({ input }) => input * 2),
  me: authed.query(({ ctx }) => ctx.user),
  nested: t.router({ add: t.procedure.input((value) => value).mutation(async ({ input: { a, b } }) => a + b) }),
});
const caller = t.createCallerFactory(router)({ user: "direct" });
console.log(await caller.double(4), await caller.me());
async function show(path, init) {
  const request = new Request(`http://host/trpc/${path}`, init);
  const response = await fetchRequestHandler({
    endpoint: "/trpc",
    req: request,
    router,
    createContext: ({ req }) => ({ user: req.headers.get("x-user") }),
  });
  const body = JSON.parse(await response.text(), (key, value) => (key === "stack" ? undefined : value));
  console.log(path, response.status, response.headers.get("content-type"), JSON.stringify(body));
}
await show("double?input=21");
await show("double?input=%22x%22");
await show("double,me?batch=1&input=%7B%220%22%3A3%7D", { headers: { "x-user": "Ann" } });
await show("me");
await show("nested.add", {
  method: "POST",
  body: JSON.stringify({ a: 2, b: 3 }),
  headers: { "content-type": "application/json" },
});
await show("missing");
