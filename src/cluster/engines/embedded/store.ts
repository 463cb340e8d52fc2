/** The embedded engine's durable directory: one table in an SQLite database that one OS process has open. */

import { join } from "node:path";
import Database from "libsql";
import { assert } from "../../../assert.ts";
import { type ErrorCode, type GodwitError, failure } from "../../../errors.ts";
import { TOMBSTONE_MS } from "../../../limits.ts";
import type { Entry } from "../../engine.ts";

const SCHEMA_VERSION = 1;
/** How long the database of an engine that has just ended may still be locked, ms. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * A deleted key keeps its row for a while, with no value: a watch that was broken and a write that is tried again find out
 * what happened. `mark` tells the write that made the row from all others.
 */
const SCHEMA = `
  CREATE TABLE entry (
    key TEXT PRIMARY KEY,
    value BLOB,
    revision INTEGER NOT NULL,
    mark TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE counter (revision INTEGER NOT NULL);
  INSERT INTO counter VALUES (0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export interface Write {
  readonly key: string;
  /** null to delete. */
  readonly value: Uint8Array | null;
  /** What the key's entry must have; 0 for a key that is not there. */
  readonly revision: number;
  readonly mark: string;
}

export type Written =
  | { readonly ok: true; readonly revision: number; readonly isNew: boolean }
  | { readonly ok: false; readonly error: GodwitError };

interface Row {
  readonly value: Uint8Array | null;
  readonly revision: number;
  readonly mark: string;
}

export class Store {
  readonly #database: Database.Database;
  readonly #select: Database.Statement;
  readonly #keys: Database.Statement;
  readonly #upsert: Database.Statement;
  readonly #count: Database.Statement;
  readonly #sweep: Database.Statement;
  #revision: number;

  /** @throws GodwitError ECLUSTER when another has it open or it is of another version; ECORRUPT; EIO. */
  constructor(folder: string, isLasting = true) {
    this.#database = openDatabase(join(folder, "directory.db"), isLasting);
    this.#select = this.#database.prepare("SELECT value, revision, mark FROM entry WHERE key = ?");
    this.#keys = this.#database.prepare(
      "SELECT key FROM entry WHERE value IS NOT NULL AND key >= ? AND key < ? ORDER BY key",
    );
    this.#upsert = this.#database.prepare(
      "INSERT INTO entry VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET " +
        "value = excluded.value, revision = excluded.revision, mark = excluded.mark, changed_ms = excluded.changed_ms",
    );
    this.#count = this.#database.prepare("UPDATE counter SET revision = ?");
    this.#sweep = this.#database.prepare("DELETE FROM entry WHERE value IS NULL AND changed_ms < ?");
    const counter = this.#database.prepare("SELECT revision FROM counter").get() as { revision: number };
    this.#revision = counter.revision;
  }

  get(key: string): Entry | undefined {
    const row = this.#row(key);
    if (row === undefined || row.value === null) return undefined;
    return { key, value: row.value, revision: row.revision };
  }

  /** The keys below a prefix, in order. */
  keys(prefix: string): string[] {
    // "0" comes after "/", the last character of every prefix.
    const end = prefix === "" ? "\u{10ffff}" : `${prefix.slice(0, -1)}0`;
    return (this.#keys.all(prefix, end) as { key: string }[]).map((row) => row.key);
  }

  /** Carries out writes in order; on disk when it returns. @throws GodwitError ENOSPC, ECORRUPT or EIO: then none took place. */
  write(writes: readonly Write[], nowMs: number): Written[] {
    const before = this.#revision;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const written = writes.map((write) => this.#writeOne(write, nowMs));
      if (this.#revision !== before) this.#count.run(this.#revision);
      this.#database.exec("COMMIT");
      return written;
    } catch (error) {
      this.#revision = before;
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw storeError(error, "write to");
    }
  }

  /** Forgets what was deleted long ago. */
  sweep(nowMs: number): void {
    this.#sweep.run(nowMs - TOMBSTONE_MS);
  }

  close(): void {
    // The library finalises statements only when they are collected as garbage, and till then the database is not quite
    // closed: so the lock is given up by hand. That takes leaving the log's mode, which lives by the lock.
    this.#database.exec("PRAGMA journal_mode = DELETE");
    this.#database.exec("PRAGMA locking_mode = NORMAL");
    this.#database.prepare("SELECT revision FROM counter").get();
    this.#database.close();
  }

  #row(key: string): Row | undefined {
    // libsql says so where there is no row; better-sqlite3, whose types it has, as well.
    const row = this.#select.get(key) as Row | undefined;
    assert(row === undefined || typeof row.revision === "number", "revisions are safe integers");
    return row;
  }

  #writeOne({ key, value, revision, mark }: Write, nowMs: number): Written {
    const row = this.#row(key);
    if (row?.mark === mark) return { ok: true, revision: row.revision, isNew: false };
    const present = row === undefined || row.value === null ? 0 : row.revision;
    if (present !== revision) return { ok: false, error: conflict(key, revision, present) };
    this.#revision++;
    this.#upsert.run(key, value, this.#revision, mark, nowMs);
    return { ok: true, revision: this.#revision, isNew: true };
  }
}

/** The error of a compare-and-set that expected another revision, 0 being none, than is present. */
function conflict(key: string, expected: number, present: number): GodwitError {
  if (expected === 0) return failure("EEXIST", `the key ${key} is there already, with revision ${present}`);
  const now = present === 0 ? "it is gone" : `it has revision ${present}`;
  return failure("ESTALE", `the key ${key} does not have revision ${expected} any more: ${now}`);
}

function openDatabase(path: string, isLasting: boolean): Database.Database {
  let database: Database.Database;
  try {
    database = new Database(path, { timeout: LOCK_TIMEOUT_MS });
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA journal_mode = WAL");
    // A commit is on disk when it returns, or with the operating system: that is enough for what does not outlive that.
    database.exec(`PRAGMA synchronous = ${isLasting ? "FULL" : "NORMAL"}`);
    database.exec("BEGIN EXCLUSIVE");
    const version = versionOf(database);
    if (version === 0) database.exec(SCHEMA);
    database.exec("COMMIT");
    if (version === 0 || version === SCHEMA_VERSION) return database;
  } catch (error) {
    throw storeError(error, "open", path);
  }
  database.close();
  throw failure("ECLUSTER", `${path} was written by another version of godwit: use that one, or another folder`);
}

function versionOf(database: Database.Database): number {
  const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
  return row.user_version;
}

const CODES: readonly (readonly [prefix: string, code: ErrorCode, advice: string])[] = [
  ["SQLITE_BUSY", "ECLUSTER", "another process has it open: use its engine, or another folder"],
  ["SQLITE_FULL", "ENOSPC", "no space is left on the disk"],
  ["SQLITE_CORRUPT", "ECORRUPT", "it is damaged: put a copy in its place, or begin with an empty folder"],
  ["SQLITE_NOTADB", "ECORRUPT", "it is no database: put a copy in its place, or begin with an empty folder"],
];

function storeError(error: unknown, what: string, path = "the directory's database"): GodwitError {
  const code = error instanceof Error ? String(Reflect.get(error, "code")) : "";
  const known = CODES.find(([prefix]) => code.startsWith(prefix));
  if (known !== undefined) return failure(known[1], `cannot ${what} ${path}: ${known[2]}`, error);
  return failure("EIO", `cannot ${what} ${path}: ${String(error)}`, error);
}
