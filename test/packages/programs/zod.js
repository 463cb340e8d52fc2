// Schemas: parsing, refinements, transforms, errors.
import { z } from "zod";

const Person = z.object({
  name: z.string().min(2),
  age: z.coerce.number().int().nonnegative(),
  email: z.email().optional(),
  tags: z.array(z.enum(["a", "b"])).default([]),
  role: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("admin"), level: z.number() }),
    z.object({ kind: z.literal("user") }),
  ]),
});
for (let round = 0; round < 20; round++) {
  const good = Person.parse({ name: `Ann${round}`, age: String(round), role: { kind: "admin", level: round } });
  if (round % 5 === 0) console.log(JSON.stringify(good));
}
const bad = Person.safeParse({ name: "x", age: -1, email: "no", tags: ["c"], role: { kind: "none" } });
for (const issue of bad.error.issues) console.log(issue.code, issue.path.join("."), issue.message);
const Upper = z
  .string()
  .transform((text) => text.toUpperCase())
  .refine(async (text) => text.length < 5, "too long");
console.log(await Upper.parseAsync("abc"));
console.log((await Upper.safeParseAsync("abcdef")).error.issues[0].message);
console.log(JSON.stringify(z.toJSONSchema(Person)));
