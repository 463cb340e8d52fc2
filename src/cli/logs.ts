/** `godwit logs`: what a process wrote. */

import type { Command } from "commander";
import type { Stream } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { remark } from "./print.ts";
import { examples } from "./program.ts";
import { parsePid } from "./quantity.ts";

interface Flags {
  readonly follow?: true;
  readonly json?: true;
}

export function define(command: Command): void {
  command
    .argument("<pid>", "the process; ended ones are remembered for a while")
    .option("-f, --follow", "go on until the process ends")
    .addHelpText(
      "after",
      `${examples(
        ["godwit logs 7", "what is kept: the last 256 KiB"],
        ["godwit logs --follow 7", "and what comes"],
        ["godwit logs 7 2>/dev/null", "standard output alone: the streams stay apart"],
        ["godwit logs --json 7", 'a line for each piece: {"stream":"stdout","text":"..."}'],
      )}\n\nA slow reader does not hold the process back: what it misses is left out, and told on standard error.`,
    )
    .action(logs);
}

/** Writes pieces to our own streams, or as lines of JSON. A promise while there is no room. */
function sink(json: boolean): (stream: Stream, bytes: Uint8Array) => void | Promise<void> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return (stream, bytes) => {
    const target = json || stream === "stdout" ? process.stdout : process.stderr;
    const text = () => JSON.stringify({ stream, text: decoders[stream].decode(bytes, { stream: true }) });
    if (target.write(json ? `${text()}\n` : bytes)) return undefined;
    return new Promise((resolve) => target.once("drain", resolve));
  };
}

async function logs(pid: string, flags: Flags): Promise<void> {
  const number = parsePid(pid);
  const node = await connect();
  await node.follow(number, sink(flags.json === true), {
    replay: true,
    keptOnly: flags.follow !== true,
    hold: false,
    onSkipped: (bytes) => remark(`${bytes} bytes of output left out: they came faster than they were read`),
  });
}
