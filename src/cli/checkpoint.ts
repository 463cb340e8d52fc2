/** `godwit checkpoint`: a process, saved as it runs. */

import type { Command } from "commander";
import { connect } from "../client/node-client.ts";
import { examples } from "./program.ts";
import { print, printJson } from "./print.ts";
import { formatSize, parsePid } from "./quantity.ts";

interface Flags {
  readonly output: string;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument("<pid>", "the process")
    .requiredOption("-o, --output <file>", "the image file; one that is there is replaced")
    .addHelpText(
      "after",
      `${examples(
        ["godwit checkpoint 7 -o primes.image", "the process goes on"],
        ["godwit inspect primes.image", "what is in it"],
        ["godwit restore primes.image", "go on from it, here or on another machine"],
      )}\n\nThe image holds all that the process knows, its secrets too: only you may read the file.`,
    )
    .action(checkpoint);
}

async function checkpoint(pid: string, flags: Flags): Promise<void> {
  const number = parsePid(pid);
  const image = await (await connect()).checkpoint(number);
  const { writeImageFile } = await import("../node/image-file.ts");
  await writeImageFile(flags.output, image);
  if (flags.json === true) printJson({ pid: number, file: flags.output, sizeBytes: image.length });
  else print(`${flags.output}: ${formatSize(image.length)}\n`);
}
