/** A web application with Hono, whose state is plain data in memory. */

import { keep, self } from "godwit";
import { Hono } from "hono";

interface Note {
  readonly id: number;
  readonly text: string;
}

/** Kept when `npm run dev` replaces the code. */
const notes = keep("notes", (): Note[] => []);

const app = new Hono();

app.get("/", (c) => c.text(`Hello from process ${self.pid}. Notes: ${notes.length}\n`));

app.get("/notes", (c) => c.json(notes));

app.post("/notes", async (c) => {
  const { text } = await c.req.json<{ text?: unknown }>();
  if (typeof text !== "string" || text === "") return c.json({ error: "text is missing" }, 400);
  const note = { id: notes.length + 1, text };
  notes.push(note);
  return c.json(note, 201);
});

app.get("/notes/:id", (c) => {
  const note = notes.find(({ id }) => String(id) === c.req.param("id"));
  return note === undefined ? c.json({ error: "no such note" }, 404) : c.json(note);
});

export default app;
