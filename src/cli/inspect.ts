/** `godwit inspect`: a process or an image, from inside. */

import type { Command } from "commander";
import type { Inspection, ThreadInfo } from "../abi/control.ts";
import { connect } from "../client/node-client.ts";
import { PAGE_BYTES } from "../limits.ts";
import { examples } from "./program.ts";
import { print, printJson, style } from "./print.ts";
import { formatDuration, formatSize } from "./quantity.ts";
import { formatTable, printable } from "./table.ts";

export function define(command: Command): void {
  command
    .usage("[options] PID|IMAGE")
    .argument("<pid|image>", "a process's number, or else an image file")
    .addHelpText(
      "after",
      `${examples(
        ["godwit inspect 7", "regions, threads with their stacks, resources, mailbox"],
        ["godwit inspect primes.image", "an image file: no node is needed"],
        ["godwit inspect --json 7", "all fields"],
      )}

The process is stopped for the moment of the picture. Stacks are shown in the program's own lines, innermost first.`,
    )
    .action(inspect);
}

async function inspect(target: string, flags: { readonly json?: true }): Promise<void> {
  if (/^\d+$/.test(target)) {
    const found = await (await connect()).inspect(Number(target));
    if (flags.json === true) printJson(found);
    else print(describeProcess(found));
    return;
  }
  const { describeImageFile } = await import("../node/image-file.ts");
  const found = await describeImageFile(target);
  if (flags.json === true) printJson(imageSummary(found));
  else print(describeImage(target, imageSummary(found)));
}

function heading(text: string): string {
  return `\n${style("bold", text)}\n`;
}

/** Name and value, one pair a line. */
function facts(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join("");
}

function address(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** What a capability allows. */
function allowed(names: readonly string[] | "all"): string {
  if (names === "all") return "all";
  return names.length === 0 ? "nothing" : names.join(", ");
}

function describeHead({ process: info, quotas, capabilities, mailbox, image }: Inspection): string {
  const state =
    info.exit === undefined ? info.state : `${info.state} (${info.exit.reason ?? `exit ${info.exit.code}`})`;
  const limit = quotas.timeoutMs === 0 ? "none" : formatDuration(quotas.timeoutMs);
  return (
    facts([
      ["process", `${info.pid} (parent ${info.parent}, epoch ${info.epoch})`],
      ["program", info.name],
      ["state", `${state}, on node ${info.node}, LWP ${info.lwp}`],
      ["processor", `${formatDuration(info.cpuMs)} used, share ${quotas.cpuShare}, time limit ${limit}`],
      ["memory", `${formatSize(info.memoryBytes)} of ${formatSize(quotas.memoryBytes)}`],
      ["pages", `${image.pages} own, ${image.templatePages} as in the template, ${image.zeroPages} zero`],
      ["threads", `${info.threads} of ${quotas.threadsMax}`],
      ["processes", `at most ${quotas.processesMax}`],
      ["may read", allowed(capabilities.read)],
      ["may write", allowed(capabilities.write)],
      ["may run", allowed(capabilities.run)],
      ["environment", allowed(capabilities.environment)],
    ]) +
    heading("Mailbox") +
    facts([
      ["messages", `${mailbox.messages} (${formatSize(mailbox.bytes)})`],
      ["names", mailbox.names.length === 0 ? "none" : mailbox.names.join(", ")],
    ])
  );
}

function describeThread(thread: ThreadInfo): string {
  const waits = thread.blockedIn === undefined ? "" : ` in ${thread.blockedIn}`;
  const depth = formatSize(thread.stackDepthBytes);
  const what = `priority ${thread.priority}, ${formatDuration(thread.cpuMs)} used, stack ${depth} deep`;
  const frames = thread.stack.map((frame) => `    ${printable(frame.trim())}\n`).join("");
  return `${thread.tid}  ${printable(thread.name)}: ${thread.state}${waits}, ${what}\n${frames}`;
}

function describeProcess(found: Inspection): string {
  const regions = found.regions.map((region) => [
    region.kind + (region.tid === undefined ? "" : ` (thread ${region.tid})`),
    address(region.start),
    address(region.end),
    formatSize(region.end - region.start),
    formatSize(region.residentBytes),
    region.grows === "no" ? "-" : `${region.grows} to ${address(region.limit)}`,
  ]);
  const resources = found.resources.map((resource) => [
    String(resource.handle),
    resource.kind,
    resource.attachment,
    resource.binding,
    resource.description,
  ]);
  const regionColumns = [
    { title: "REGION" },
    { title: "START" },
    { title: "END" },
    { title: "SIZE", align: "right" },
    { title: "RESIDENT", align: "right" },
    { title: "GROWS" },
  ] as const;
  const resourceTitles = ["HANDLE", "KIND", "ATTACHMENT", "BINDING", "WHAT"].map((title) => ({ title }));
  return (
    describeHead(found) +
    heading("Address space") +
    formatTable(regionColumns, regions) +
    heading("Threads") +
    found.threads.map(describeThread).join("") +
    heading("Resources") +
    (resources.length === 0 ? "none\n" : formatTable(resourceTitles, resources))
  );
}

/** What an image says of itself. Its process record is not checked: fields that are not as expected are left out. */
interface ImageSummary {
  readonly formatVersion: number;
  readonly engine: string;
  readonly memoryBytes: number;
  readonly pages: number;
  readonly distinctPages: number;
  readonly zeroedPages: number;
  readonly contentBytes: number;
  readonly totalBytes: number;
  readonly program?: string;
  readonly pid?: number;
  readonly epoch?: number;
  readonly threads?: number;
}

function field(record: unknown, name: string): unknown {
  return typeof record === "object" && record !== null ? Reflect.get(record, name) : undefined;
}

function imageSummary({ state, ...sizes }: ImageSummary & { readonly state: unknown }): ImageSummary {
  const program = field(field(state, "program"), "name");
  const pid = field(state, "pid");
  const epoch = field(state, "epoch");
  const threads = field(state, "threads");
  return {
    ...sizes,
    ...(typeof program === "string" ? { program } : {}),
    ...(typeof pid === "number" ? { pid } : {}),
    ...(typeof epoch === "number" ? { epoch } : {}),
    ...(Array.isArray(threads) ? { threads: threads.length } : {}),
  };
}

function describeImage(file: string, image: ImageSummary): string {
  const pages = `${image.pages} own (${image.distinctPages} distinct), ${image.zeroedPages} zeroed`;
  const content = `${formatSize(image.contentBytes)} stored for ${formatSize(image.pages * PAGE_BYTES)}`;
  return facts([
    ["image", `${file}: format ${image.formatVersion}, ${formatSize(image.totalBytes)}`],
    ["program", image.program ?? "unknown"],
    ["process", `${image.pid ?? "unknown"} (epoch ${image.epoch ?? "unknown"})`],
    ["threads", String(image.threads ?? "unknown")],
    ["memory", formatSize(image.memoryBytes)],
    ["pages", `${pages}; ${content}`],
    ["engine", image.engine],
  ]);
}
