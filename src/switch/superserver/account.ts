/** Users and groups of this machine, and as whom we may start programs. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Mistake } from "./entry.ts";

const run = promisify(execFile);

/** Whom a program is started as; nothing where it is who we are. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Who we are: what decides who else we may be. */
export interface Self {
  readonly uid: number;
  readonly gid: number;
}

/** A line of the user or group database, as fields; by the system's own way where it has one, else from its file. */
async function databaseLine(database: "passwd" | "group", name: string): Promise<string[] | undefined> {
  let text: string;
  try {
    text = (await run("getent", [database, name])).stdout;
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, "code") !== "ENOENT") return undefined; // there is no such name
    text = await readFile(`/etc/${database}`, "utf8").catch(() => "");
  }
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([first]) => first === name);
}

/**
 * @throws Mistake when there is no such user or group, or when we may not start programs as them: only root may, and
 * everyone as themselves
 */
export async function accountOf(user: string, group: string | undefined, self: Self): Promise<Account> {
  const [, , uid, primary] = (await databaseLine("passwd", user)) ?? [];
  if (uid === undefined || primary === undefined) throw new Mistake(`there is no user "${user}"`);
  const gid = group === undefined ? primary : (await databaseLine("group", group))?.[2];
  if (gid === undefined) throw new Mistake(`there is no group "${group ?? ""}"`);
  const account = { uid: Number(uid), gid: Number(gid) };
  const isSelf = account.uid === self.uid && (account.gid === self.gid || (group === undefined && self.uid !== 0));
  if (isSelf) return {};
  if (self.uid === 0) return account;
  const whom = group === undefined ? `user ${user}` : `user ${user} and group ${group}`;
  throw new Mistake(`only root may start programs as ${whom}, and this is user ${self.uid}`);
}
