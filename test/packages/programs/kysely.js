// The query builder, and execution through a driver of the program's own.
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from "kysely";

const asked = [];
class Connection {
  async executeQuery({ sql, parameters }) {
    asked.push(`${sql} ${JSON.stringify(parameters)}`);
    return {
      rows: [
        { id: 1, name: "Ann" },
        { id: 2, name: "Bob" },
      ],
      numAffectedRows: 2n,
    };
  }
  async *streamQuery() {
    yield { rows: [{ id: 1 }] };
    yield { rows: [{ id: 2 }] };
  }
}
class Driver extends DummyDriver {
  async acquireConnection() {
    return new Connection();
  }
  async beginTransaction() {
    asked.push("begin");
  }
  async commitTransaction() {
    asked.push("commit");
  }
  async rollbackTransaction() {
    asked.push("rollback");
  }
}
const db = new Kysely({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new Driver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
const query = db
  .with("old", (qb) => qb.selectFrom("people").where("age", ">", 60).select("id"))
  .selectFrom("people as p")
  .innerJoin("pets", "pets.owner", "p.id")
  .where((eb) => eb.or([eb("p.name", "like", "A%"), eb("p.id", "in", [1, 2, 3])]))
  .select(["p.id", sql`upper(${sql.ref("p.name")})`.as("name")])
  .orderBy("p.id", "desc")
  .limit(10);
console.log(query.compile().sql);
console.log(JSON.stringify(await query.execute()));
await db.transaction().execute(async (trx) => {
  await trx
    .insertInto("people")
    .values({ name: "Cy", age: 3 })
    .onConflict((oc) => oc.column("name").doNothing())
    .execute();
  console.log(
    String(
      (await trx.updateTable("people").set({ age: 4 }).where("name", "=", "Cy").executeTakeFirst()).numUpdatedRows,
    ),
  );
});
try {
  await db.transaction().execute(async () => {
    throw new Error("no");
  });
} catch (error) {
  console.log(error.message);
}
for await (const row of db.selectFrom("people").selectAll().stream()) console.log(JSON.stringify(row));
console.log(asked.join("\n"));
