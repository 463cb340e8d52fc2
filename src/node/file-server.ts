/**
 * Files of this machine for processes that run on other nodes. What such a process may open here its home knows, and nobody
 * asks its host; what it had open, or has opened, here is known by a ticket.
 */

import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import * as v from "valibot";

import type { Link } from "../cluster/link.ts";
import { unreachable } from "../assert.ts";
import { failure } from "../errors.ts";
import { type Holder, LocalFiles, type ProcessFiles } from "../kernel/file-access.ts";
import type { FileOperation, FileQuestion, RemoteOpening, Taken, TicketOperation } from "../kernel/remote-files.ts";
import type { OpenFile } from "../kernel/resource.ts";
import { type FileState, inScratch, openRequest, type ScratchState } from "../kernel/resource-state.ts";
import { Scratch } from "../kernel/scratch.ts";
import {
  FILE_COPY_MAX_BYTES,
  FILES_SERVED_MAX,
  HANDLES_MAX,
  IO_MAX_BYTES,
  MOVE_FRAME_MAX_BYTES,
  PID_MAX,
  SCRATCH_MAX_BYTES,
} from "../limits.ts";
import { hostFiles } from "../resources/file.ts";
import type { Node } from "./node.ts";

const bytes = (maxBytes: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length <= maxBytes, `at most ${maxBytes} bytes`),
  );
const path = v.pipe(v.string(), v.maxLength(4096));
const integer = (low: number, high: number) => v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const size = integer(0, Number.MAX_SAFE_INTEGER);
const byPath = v.variant("do", [
  v.object({ do: v.literal("open"), path, request: v.looseObject({}) }),
  v.object({ do: v.picklist(["stat", "readDirectory"]), path }),
  v.object({ do: v.picklist(["makeDirectory", "remove"]), path, recursive: v.boolean() }),
  v.object({ do: v.literal("rename"), path, to: path }),
  v.object({ do: v.literal("writeWhole"), path, bytes: bytes(MOVE_FRAME_MAX_BYTES) }),
]);
const byTicket = v.variant("do", [
  v.object({ do: v.picklist(["claim", "twin", "close", "sync", "size", "take"]) }),
  v.object({ do: v.literal("read"), maxBytes: integer(0, IO_MAX_BYTES) }),
  v.object({ do: v.literal("write"), bytes: bytes(2 * IO_MAX_BYTES) }),
  v.object({ do: v.literal("seek"), offset: v.number(), from: v.picklist(["start", "current", "end"]) }),
  v.object({ do: v.literal("truncate"), sizeBytes: size }),
]);
const place = v.union([v.object({ ticket: v.pipe(v.string(), v.uuid()) }), v.object({ pid: integer(1, PID_MAX) })]);
const TICKET_OPERATIONS: ReadonlySet<unknown> = new Set(
  byTicket.options.flatMap(({ entries }) => operations(entries.do)),
);

function operations(one: { readonly options: readonly string[] } | { readonly literal: string }): readonly string[] {
  return "options" in one ? one.options : [one.literal];
}

/** Whose something is. */
interface Owner {
  readonly pid: number;
  readonly name: string;
}

/** Something of a process's that stays here. */
interface Stay extends Owner {
  readonly ticket: string;
  readonly holder: Holder;
  readonly state: FileState | ScratchState;
  /** The node that uses it. */
  user: string;
  /** Opened when it is first used. */
  open: Promise<OpenFile> | undefined;
  readonly scratch: Scratch | undefined;
}

function placeOf({ holder, state }: Stay): string {
  return resolve(holder.workingDirectory, state.path);
}

/** The content of what stays, for a process that may read it. @throws GodwitError EMSGSIZE, EACCES. */
async function taken(stay: Stay): Promise<Taken> {
  if (stay.scratch !== undefined) return { content: await hostFiles.pack(stay.scratch.path, SCRATCH_MAX_BYTES) };
  const path = placeOf(stay);
  await (await new LocalFiles(hostFiles, stay.holder).open(path, { read: true })).close();
  return { content: await hostFiles.content(path, FILE_COPY_MAX_BYTES) };
}

function parsed<S extends v.GenericSchema>(shape: S, body: unknown): v.InferOutput<S> {
  const checked = v.safeParse(shape, body);
  if (checked.success) return checked.output;
  throw failure("EPROTO", `a question about files is malformed: ${checked.issues[0].message}`);
}

export class FileServer {
  readonly #node: Node;
  readonly #stays = new Map<string, Stay>();
  readonly #watched = new WeakSet<Link>();

  constructor(node: Node) {
    this.#node = node;
  }

  /** What is open here for processes that are elsewhere. */
  get count(): number {
    return this.#stays.size;
  }

  /** Processes that have something open here, and where each ran when it was last heard of. */
  holders(): (Owner & { readonly node: string })[] {
    const holders = [...this.#stays.values()].map(({ pid, name, user: node }) => ({ pid, name, node }));
    return [...new Map(holders.map((one) => [one.pid, one])).values()];
  }

  // ---- Tickets

  /** A ticket for what a process that goes to another node leaves open here. Throws ENOSPC. */
  issue(owner: Owner, handle: number, holder: Holder, state: FileState | ScratchState, user: string): string {
    const { pid, name } = owner;
    this.#checkRoom(pid);
    const ticket = randomUUID();
    const { workingDirectory, capabilities } = holder;
    const scratch = state.kind === "scratch" ? new Scratch(hostFiles, state.path, state.binding ?? "type") : undefined;
    if (scratch !== undefined) scratch.handle = handle;
    this.#stays.set(ticket, {
      pid,
      name,
      ticket,
      holder: { workingDirectory, capabilities },
      state,
      user,
      open: undefined,
      scratch,
    });
    return ticket;
  }

  /** Of a process that came back, or never left: what it had open is its own again. */
  async redeem(pid: number, ticket: string): Promise<FileState | ScratchState> {
    const stay = this.#stays.get(ticket);
    if (stay?.pid !== pid) throw failure("EBADF", "what stayed here of the process is not open any more");
    this.#stays.delete(ticket);
    const file = await stay.open?.catch(() => undefined);
    const { position } = (file?.state?.() ?? { position: 0 }) as FileState;
    await file?.leave();
    return file === undefined ? stay.state : { ...(stay.state as FileState), position };
  }

  #checkRoom(pid: number): void {
    if (this.#stays.size >= FILES_SERVED_MAX) this.#sweep();
    const mine = [...this.#stays.values()].filter((stay) => stay.pid === pid).length;
    if (this.#stays.size >= FILES_SERVED_MAX || mine >= 2 * HANDLES_MAX)
      throw failure("ENOSPC", `${this.#stays.size} files are open here for processes of other nodes: close some`);
  }

  /** Those of processes of ours that have ended without letting go of them. */
  #sweep(): void {
    for (const stay of this.#stays.values()) if (this.#node.table.find(stay.pid)?.exit !== undefined) this.#drop(stay);
  }

  #drop(stay: Stay): void {
    this.#stays.delete(stay.ticket);
    void stay.open?.then((file) => file.close()).catch(() => {});
    void stay.scratch?.close().catch(() => {});
  }

  // ---- Questions

  /** Answers what a process asks that runs here. */
  async askedHere(pid: number, body: FileQuestion): Promise<unknown> {
    if (body.do === "redeem") return this.redeem(pid, body.ticket);
    return this.#answer(body, this.#node.name);
  }

  /** Answers what a process that runs at `link`'s peer asks. Throws coded errors. */
  async asked(link: Link, body: unknown): Promise<unknown> {
    this.#watch(link);
    return this.#answer(body, link.peer);
  }

  async #answer(body: unknown, peer: string): Promise<unknown> {
    const where = parsed(place, body);
    const isAboutOpen = TICKET_OPERATIONS.has((body as { readonly do?: unknown }).do);
    if ("pid" in where) {
      if (isAboutOpen) throw failure("EPROTO", "what is open is asked for by its ticket");
      const holder = await this.#hosted(peer, where.pid);
      const files = new LocalFiles(hostFiles, holder);
      return this.#onPath(files, parsed(byPath, body), (state) => this.#keep(holder, holder, state, peer));
    }
    const stay = this.#stays.get(where.ticket);
    if (stay === undefined) throw failure("EBADF", "that is not open on this node any more");
    if (this.#node.table.find(stay.pid) !== undefined) await this.#hosted(peer, stay.pid);
    if (isAboutOpen) return this.#onOpen(stay, parsed(byTicket, body), peer);
    const { scratch } = stay;
    if (scratch === undefined) throw failure("EPROTO", "paths are in directories, and this is a file");
    const holder = {
      workingDirectory: scratch.path,
      capabilities: { read: [scratch.path], write: [scratch.path], run: [] },
    };
    return this.#onPath(scratch.files, parsed(byPath, body), (state) => this.#keep(stay, holder, state, peer));
  }

  /** A process of ours that a node says it runs. It may just have arrived there, before we heard. Throws ESRCH. */
  async #hosted(peer: string, pid: number): Promise<Owner & Holder> {
    for (;;) {
      const entry = this.#node.table.find(pid);
      if (entry !== undefined && entry.exit === undefined && entry.lwp.nodeName === peer) return entry;
      if (entry?.held === undefined) throw failure("ESRCH", `process ${pid} is not run by node ${peer}`);
      await entry.held.over;
    }
  }

  #keep(owner: Owner, holder: Holder, file: OpenFile, user: string): Stay {
    const state = file.state() as FileState;
    // In a scratch directory, the holder's paths are from there.
    const at = inScratch(state.path)?.path ?? state.path;
    const ticket = this.issue(owner, 0, holder, { ...state, path: at }, user);
    const stay = this.#stays.get(ticket) as Stay;
    stay.open = Promise.resolve(file);
    return stay;
  }

  #onPath(files: ProcessFiles, asked: v.InferOutput<typeof byPath>, keep: (file: OpenFile) => Stay): Promise<unknown> {
    const question = asked as FileOperation;
    switch (question.do) {
      case "open":
        return this.#open(files, question.path, openRequest(question.request), keep);
      case "stat":
      case "readDirectory":
        return files[question.do](question.path);
      case "makeDirectory":
      case "remove":
        return files[question.do](question.path, question.recursive);
      case "rename":
        return files.rename(question.path, question.to);
      case "writeWhole":
        return files.writeWhole(question.path, question.bytes);
      default:
        return unreachable(question, "question about files");
    }
  }

  async #open(
    files: ProcessFiles,
    at: string,
    request: ReturnType<typeof openRequest>,
    keep: (file: OpenFile) => Stay,
  ): Promise<RemoteOpening> {
    const file = await files.open(at, request);
    try {
      const { ticket } = keep(file);
      const { path: opened, position, device } = file.state() as FileState;
      return { node: this.#node.name, ticket, path: opened, position, device };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #onOpen(stay: Stay, asked: v.InferOutput<typeof byTicket>, user: string): Promise<unknown> {
    const question = asked as TicketOperation;
    if (question.do === "claim") {
      stay.user = user;
      // So that what is gone is known at once.
      if (stay.scratch === undefined) await this.#file(stay);
      return undefined;
    }
    if (question.do === "twin") return this.#twin(stay, user);
    if (question.do === "close") return this.#close(stay);
    if (question.do === "size") return hostFiles.size(placeOf(stay));
    if (question.do === "take") return taken(stay);
    if (question.do === "redeem") throw failure("EPROTO", "only a node itself gives back what stayed there");
    const file = await this.#file(stay);
    switch (question.do) {
      case "read":
        return file.read(question.maxBytes);
      case "write":
        return file.write(question.bytes);
      case "seek":
        return file.seek(question.offset, question.from);
      case "truncate":
        return file.truncate(question.sizeBytes);
      case "sync":
        return file.sync();
      default:
        return unreachable(question, "question about an open file");
    }
  }

  #file(stay: Stay): Promise<OpenFile> {
    if (stay.state.kind === "scratch") throw failure("EISDIR", "a scratch directory is not read or written");
    stay.open ??= new LocalFiles(hostFiles, stay.holder).reopen(stay.state);
    return stay.open;
  }

  async #close(stay: Stay): Promise<void> {
    this.#stays.delete(stay.ticket);
    await (await stay.open?.catch(() => undefined))?.close();
    await stay.scratch?.close();
  }

  /** For a fork's child: the same file, with a position of its own; or a copy of the directory. */
  async #twin(stay: Stay, user: string): Promise<{ ticket: string }> {
    const { holder, state, open, scratch } = stay;
    if (scratch === undefined || state.kind === "file") {
      const { position } = ((await open)?.state?.() ?? state) as FileState;
      return { ticket: this.issue(stay, 0, holder, { ...(state as FileState), position }, user) };
    }
    const copy = await hostFiles.makeScratch(await hostFiles.pack(scratch.path, Infinity));
    return { ticket: this.issue(stay, scratch.handle, holder, { ...state, path: copy }, user) };
  }

  /** A node that is gone uses nothing any more; of a process of ours we hear otherwise. */
  #watch(link: Link): void {
    if (this.#watched.has(link)) return;
    this.#watched.add(link);
    void link.lost.then(() => {
      for (const stay of this.#stays.values()) if (stay.user === link.peer) this.#drop(stay);
    });
  }
}
