/** `godwit migrate`: a process goes to another node while it runs. */

import type { Command } from "commander";
import type { MoveReport } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { formatPlan } from "./move-plan.ts";
import { EXIT, print, printJson } from "./print.ts";
import { examples } from "./program.ts";
import { formatSize, parsePid } from "./quantity.ts";
import { printable } from "./table.ts";
import { UsageError } from "./usage.ts";

export function define(command: Command): void {
  command
    .argument("<pid>", "the process")
    .argument("[node]", "where it is to go (see godwit nodes)")
    .option("--cancel", "gives a move up that is under way: the process goes on where it was, if it is not too late")
    .option("--dry-run", "prints what would become of what it holds outside its memory, and moves nothing")
    .option("--weak", "its code and what it keeps (keep) go there, and are started anew")
    .addHelpText(
      "after",
      `${examples(
        ["godwit migrate 7 n2", "in the middle of a statement, with all that it has"],
        ["godwit migrate --weak 7 n2", "prints the pid that it has there; the old process is ended"],
        ["godwit migrate --dry-run 7 n2", "whether it can be moved: a row for each file, connection and so on"],
        ["godwit migrate --cancel 7", "gives it up: prints what came of it"],
        ["godwit migrate --json 7 n2", "the move's record"],
      )}

Its memory is copied while it runs; then it is stopped for the last pages, and goes on there. What arrives for it is
forwarded. If anything fails before it is there, it goes on where it was: the reason is told, and the exit code is 1. That of
--cancel is 1 when the process has moved all the same.`,
    )
    .action(migrate);
}

/** A move in a line. */
export function describeMove(move: MoveReport): string {
  const { pid, name, from, to, outcome, reason, rounds, pages, found, bytes, downtimeMs, totalMs, epoch } = move;
  const who = `${pid} ${printable(name)}`;
  const there = found === 0 ? "" : ` and ${found} that were there`;
  const what = `${rounds} rounds, ${pages} pages${there}, ${formatSize(bytes)}, ${totalMs.toFixed(1)} ms in all`;
  if (outcome === "moved")
    return `${who}: ${from} -> ${to}, stopped for ${downtimeMs.toFixed(1)} ms; ${what}; epoch ${epoch}`;
  const why = printable(reason ?? "others took its node for dead, and have it");
  return `${who}: not moved from ${from} to ${to}: ${why} (${what})`;
}

interface Flags {
  readonly cancel?: true;
  readonly weak?: true;
  readonly json?: true;
  readonly dryRun?: true;
}

async function cancel(pid: number, flags: Flags): Promise<void> {
  const move = await (await connect()).cancelMove(pid);
  if (flags.json === true) printJson(move);
  else print(`${describeMove(move)}\n`);
  if (move.outcome !== "stayed") process.exitCode = EXIT.error;
}

async function migrate(pid: string, node: string | undefined, flags: Flags): Promise<void> {
  const number = parsePid(pid);
  if (flags.cancel === true) {
    if (node !== undefined || flags.weak === true || flags.dryRun === true)
      throw new UsageError("--cancel is alone with the process: godwit migrate --cancel PID");
    return cancel(number, flags);
  }
  if (node === undefined) throw new UsageError("where is it to go? godwit migrate PID NODE (see godwit nodes)");
  if (flags.weak === true) {
    const anew = await (await connect()).restartAt(number, node);
    return flags.json === true ? printJson({ pid: anew, from: number, node }) : print(`${anew}\n`);
  }
  if (flags.dryRun === true) {
    const plan = await (await connect()).planMove(number, node);
    if (flags.json === true) printJson(plan);
    else print(formatPlan(plan));
    if (plan.obstacle !== undefined) process.exitCode = EXIT.error;
    return;
  }
  const move = await (await connect()).migrate(number, node);
  if (flags.json === true) printJson(move);
  else print(`${describeMove(move)}\n`);
  if (move.outcome !== "moved") process.exitCode = EXIT.error;
}
