/**
 * The Web Platform Tests in guests: each file of a checkout runs, unchanged, in a process of its own, with the suite's
 * own harness (`resources/testharness.js`), and tells what became of each of its subtests.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { NodeControl, StressMode } from "../../src/abi/control.ts";
import { shell } from "./shell.ts";

export interface Subtest {
  readonly name: string;
  readonly status: "pass" | "fail" | "timeout" | "not run" | "precondition failed";
  /** Why it failed; empty for a pass. */
  readonly message: string;
}

export interface FileResult {
  /** Within the checkout. */
  readonly path: string;
  /** Empty when the harness came to its end; else what kept it from that. */
  readonly error: string;
  readonly subtests: readonly Subtest[];
}

/** The folders of the suite whose subject guests have. */
export const FOLDERS = [
  "FileAPI",
  "WebCryptoAPI",
  "compression",
  "console",
  "dom/abort",
  "dom/events",
  "encoding",
  "fetch/api",
  "hr-time",
  "html/webappapis",
  "performance-timeline",
  "streams",
  "url",
  "user-timing",
  "webidl",
] as const;

/** Files and folders that are left out, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "FileAPI/FileReader/": "guests have no `FileReader`",
  "FileAPI/reading-data-section/": "guests have no `FileReader`",
  "FileAPI/filelist-section/": "guests have no `FileList`",
  "FileAPI/url/": "guests have no blob URLs: what one names would have to outlive its process",
  "WebCryptoAPI/historical.any.js": "it is about pages that came by plain HTTP",
  "performance-timeline/webtiming-resolution.any.js":
    "it wants two calls of `performance.now()` to be 5 µs apart, and fails where they are faster",
};

function isLeftOut(path: string): boolean {
  return Object.keys(LEFT_OUT).some((start) => path.startsWith(start));
}

/** The files of `checkout` that run without a document: `*.any.js`. */
export function testFiles(checkout: string): string[] {
  const folders = FOLDERS.filter((folder) => existsSync(join(checkout, folder)));
  return folders
    .flatMap((folder) =>
      readdirSync(join(checkout, folder), { recursive: true, encoding: "utf8" }).map((path) =>
        posix.join(folder, path),
      ),
    )
    .filter((path) => path.endsWith(".any.js") && !isLeftOut(path))
    .sort();
}

/** How a run differs from a whole, undisturbed one. */
export interface RunOptions {
  readonly stress?: StressMode;
  /** Of files that say how to cut them in equal parts, as they take long, the first part only. */
  readonly firstParts?: boolean;
}

/** What a file offers as its first part: `// META: variant=?1-10`. Variants that are not numbered are other subtests. */
export function firstPart(checkout: string, path: string): string {
  const [, variant = ""] = /^\/\/ META: variant=(\?\d+-\d+)$/m.exec(readFileSync(join(checkout, path), "utf8")) ?? [];
  return variant;
}

/** What a file asks for in its first lines: `// META: script=...`. */
function scriptsOf(checkout: string, path: string): string[] {
  const text = readFileSync(join(checkout, path), "utf8");
  const scripts = [...text.matchAll(/^\/\/ META: script=(\S+)/gm)].map(([, script = ""]) => script);
  return scripts.map(
    (script) => MOVED[script] ?? (script.startsWith("/") ? script.slice(1) : posix.join(dirname(path), script)),
  );
}

/** Where the suite's server finds what has another address. */
const MOVED: Readonly<Record<string, string>> = { "/resources/WebIDLParser.js": "resources/webidl2/lib/webidl2.js" };

/** A process that writes nothing more for so long has a subtest that never ends. */
const SILENCE_MS = 60_000;
const TIMEOUT_MS = 600_000;
const MEMORY_BYTES = 512 * 2 ** 20;

/** Runs one file to its end. */
async function runFile(
  node: NodeControl,
  checkout: string,
  path: string,
  { stress, firstParts = false }: RunOptions = {},
): Promise<FileResult> {
  const search = firstParts ? firstPart(checkout, path) : "";
  const pid = await node.spawn({
    name: path,
    source: shell({ checkout, path, search, scripts: scriptsOf(checkout, path), silenceMs: SILENCE_MS }),
    workingDirectory: checkout,
    capabilities: { read: [checkout] },
    quotas: { timeoutMs: TIMEOUT_MS, memoryBytes: MEMORY_BYTES },
    ...(stress === undefined ? {} : { stress }),
  });
  const pieces: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  node.output(pid, true, (stream, bytes) => void pieces[stream].push(Buffer.from(bytes)));
  const status = await node.wait(pid);
  return resultOf(path, Buffer.concat(pieces.stdout).toString(), () => {
    const why = Buffer.concat(pieces.stderr).toString().trim();
    return why === "" ? JSON.stringify(status) : why;
  });
}

/** Runs files, as many at a time as the node has processors for them; results come in the files' order. */
export async function runFiles(
  node: NodeControl,
  checkout: string,
  files: readonly string[],
  atATime: number,
  options: RunOptions = {},
): Promise<FileResult[]> {
  const results = new Map<string, FileResult>();
  const left = [...files];
  const work = async (): Promise<void> => {
    for (let path = left.shift(); path !== undefined; path = left.shift())
      results.set(path, await runFile(node, checkout, path, options));
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return files.flatMap((path) => results.get(path) ?? []);
}

const STATUSES = ["pass", "fail", "timeout", "not run", "precondition failed"] as const;
type Report =
  { readonly subtest: string; readonly status: number; readonly message: string | null } | { readonly end: string };

function resultOf(path: string, output: string, whyNoEnd: () => string): FileResult {
  const subtests: Subtest[] = [];
  let error: string | undefined;
  for (const line of output.split("\n")) {
    if (!line.startsWith(MARK)) continue;
    const report = JSON.parse(line.slice(MARK.length)) as Report;
    if ("end" in report) error = report.end;
    else
      subtests.push({ name: report.subtest, status: STATUSES[report.status] ?? "fail", message: report.message ?? "" });
  }
  return { path, error: error ?? whyNoEnd(), subtests };
}

/** Begins a line of output that is a report; others are the test's own. */
const MARK = "\u0001";
