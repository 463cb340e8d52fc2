/** `godwit restore`: a process from an image file, here or on the node. */

import type { Command } from "commander";
import { foreground } from "./foreground.ts";
import { type GrantFlags, addGrantOptions, grantsOf } from "./grants.ts";
import { examples } from "./program.ts";
import { placeOf, printPid, startOwnNode } from "./run.ts";

interface Flags extends GrantFlags {
  readonly detach?: true;
  readonly node?: string;
  readonly input: boolean;
  readonly json?: true;
}

export function define(command: Command): void {
  addGrantOptions(
    command
      .usage("[options] FILE")
      .argument("<file>", "image file, as checkpoint writes it")
      .option("-d, --detach", "restore it on the node (see godwit up), print its pid, and return")
      .option("--node <name>", "with --detach: which node of the cluster is its home (see godwit nodes)")
      .option("--no-input", "do not read standard input"),
  )
    .addHelpText(
      "after",
      `${examples(
        ["godwit restore primes.image", "goes on in the foreground, from where it was saved"],
        ["godwit restore --detach primes.image", "goes on in the background"],
        ["godwit restore --allow-read=data count.image", "an image grants nothing: allow again what it needs"],
      )}\n\nExit codes: as those of run; 126 when the image cannot be used, 127 when there is no such file.`,
    )
    .action(restore);
}

async function restore(file: string, flags: Flags): Promise<void> {
  const grants = { ...grantsOf(flags), ...placeOf(flags) };
  const { readImageFile } = await import("../node/image-file.ts");
  const image = await readImageFile(file);
  if (flags.detach === true) {
    const { connect } = await import("../client/node-client.ts");
    printPid(await (await connect()).restore(image, grants), flags.json === true);
    return;
  }
  const node = await startOwnNode();
  const pid = await node.restore(image, grants);
  process.exitCode = await foreground(node, pid, { input: flags.input, bond: "own" });
  await node.stop();
}
