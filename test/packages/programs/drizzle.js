// Queries by the proxy driver, over a table in memory that checks what it is asked.
import { and, asc, eq, gt, relations, sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { drizzle } from "drizzle-orm/sqlite-proxy";

const users = sqliteTable("users", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  name: text("name").notNull(),
  born: integer("born", { mode: "timestamp" }),
});
const posts = sqliteTable("posts", {
  id: integer("id").primaryKey(),
  author: integer("author").references(() => users.id),
  title: text("title").default("none"),
});
const userPosts = relations(users, ({ many }) => ({ posts: many(posts) }));
const postAuthor = relations(posts, ({ one }) => ({
  author: one(users, { fields: [posts.author], references: [users.id] }),
}));
const asked = [];
const db = drizzle(
  async (query, params, method) => {
    asked.push([method, query, params]);
    return {
      rows:
        method === "get"
          ? [1, "Ann", 86_400]
          : [
              [1, "Ann", 86_400],
              [2, "Bob", null],
            ],
    };
  },
  { schema: { users, posts, userPosts, postAuthor } },
);
console.log(
  JSON.stringify(
    await db
      .select()
      .from(users)
      .where(and(eq(users.name, "Ann"), gt(users.id, 0)))
      .orderBy(asc(users.id))
      .limit(5),
  ),
);
console.log(
  JSON.stringify(
    await db
      .select({ n: sql`count(*)`, id: users.id, born: users.born })
      .from(users)
      .leftJoin(posts, eq(posts.author, users.id))
      .groupBy(users.id),
  ),
);
await db
  .insert(users)
  .values([{ name: "Cy", born: new Date(5000) }])
  .onConflictDoNothing();
await db
  .update(posts)
  .set({ title: sql`upper(${posts.title})` })
  .where(eq(posts.id, 3));
await db.delete(users).where(eq(users.id, 9));
console.log(db.query.users.findMany({ with: { posts: { limit: 2 } }, where: gt(users.id, 3) }).toSQL().sql);
for (const each of asked) console.log(JSON.stringify(each));
