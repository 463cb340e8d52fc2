/** The command line's words: sizes, durations, capabilities, quotas, stress modes, and where the program's own begin. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Command } from "commander";
import fc from "fast-check";
import { takeListen } from "../../src/cli/address.ts";
import { type GrantFlags, addGrantOptions, grantsOf } from "../../src/cli/grants.ts";
import { COMMANDS, markBare, ownCount } from "../../src/cli/program.ts";
import { formatDuration, formatSize, parseDuration, parsePid, parseSize } from "../../src/cli/quantity.ts";
import { parseSignal } from "../../src/cli/signal.ts";
import { formatTable, printable } from "../../src/cli/table.ts";
import { usages } from "../../src/cli/top.ts";
import { UsageError } from "../../src/cli/usage.ts";

suite("quantities", () => {
  test("sizes", () => {
    const sizes = { "0": 0, "4096": 4096, "1K": 1024, "64M": 2 ** 26, "64m": 2 ** 26, "1.5G": 1.5 * 2 ** 30 } as const;
    for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
    assert.equal(parseSize("2MiB"), 2 ** 21);
    assert.equal(parseSize("2MB"), 2 ** 21);
    for (const text of ["", "M", "-1", "1T", "1 M", "0x10", "1e3", "Infinity", "9".repeat(30), "1MM", "64M "]) {
      assert.throws(() => parseSize(text), UsageError, text);
    }
  });

  test("durations", () => {
    const durations = { "0s": 0, "500ms": 500, "5s": 5000, "1.5m": 90_000, "2h": 7_200_000, "1d": 86_400_000 } as const;
    for (const [text, durationMs] of Object.entries(durations)) assert.equal(parseDuration(text), durationMs, text);
    for (const text of ["", "5", "s", "-5s", "5 s", "5S", "1h30m", `${"9".repeat(20)}d`]) {
      assert.throws(() => parseDuration(text), UsageError, text);
    }
  });

  test("what is printed reads well", () => {
    assert.deepEqual([0, 812, 1024, 1536, 2 ** 20, 150 * 2 ** 20, 5 * 2 ** 30].map(formatSize), [
      "0 B",
      "812 B",
      "1 KiB",
      "1.5 KiB",
      "1 MiB",
      "150 MiB",
      "5 GiB",
    ]);
    const durations = [0, 999.4, 1000, 59_999, 60_000, 3_600_000, 90_000_000];
    assert.deepEqual(durations.map(formatDuration), ["0ms", "999ms", "1.0s", "59.9s", "1m00s", "1h00m", "1d01h"]);
  });

  test("pids and signals", () => {
    assert.equal(parsePid("7"), 7);
    for (const text of ["0", "-1", "1.5", "x", "", "1e3", "9".repeat(16)])
      assert.throws(() => parsePid(text), UsageError);
    for (const text of ["TERM", "term", "SIGTERM", "sigterm"]) assert.equal(parseSignal(text), "SIGTERM");
    for (const text of ["", "SIG", "SEGV", "15"]) assert.throws(() => parseSignal(text), /choose one of SIGINT/);
  });
});

suite("where a program is told to listen", () => {
  test("right after its file as well as before it; further on is the program's", () => {
    const address = "127.0.0.1:8080";
    assert.deepEqual(takeListen({}, ["--listen", "8080", "--x"]), [{ listen: address }, ["--x"]]);
    assert.deepEqual(takeListen({}, ["--listen=:8080"]), [{ listen: address }, []]);
    for (const args of [[], ["x", "--listen", "8080"], ["--", "--listen", "8080"], ["--listener", "8080"]])
      assert.deepEqual(takeListen({}, args), [{}, args]);
    const given = { listen: "0.0.0.0:80" };
    assert.deepEqual(takeListen(given, ["--listen", "8080"]), [given, ["--listen", "8080"]]);
    for (const args of [["--listen"], ["--listen", "x"], ["--listen=99999"]])
      assert.throws(() => takeListen({}, args), UsageError);
  });
});

interface Parsed {
  readonly flags: GrantFlags;
  readonly operands: readonly string[];
}

/** As `godwit run` parses: its own flags, and then the program's words. */
function parsed(...args: string[]): Parsed {
  const command = addGrantOptions(new Command().argument("<file>").argument("[args...]").passThroughOptions())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse(markBare(command, args, ownCount(command, args)), { from: "user" });
  return { flags: command.opts(), operands: command.args };
}

suite("capabilities", () => {
  test("nothing by default", () => {
    const { flags } = parsed("p.ts");
    const grants = grantsOf(flags);
    assert.deepEqual(grants, { environment: {}, quotas: {}, capabilities: {}, workingDirectory: process.cwd() });
  });

  test("a bare flag allows all, and takes no word after it", () => {
    const { flags, operands } = parsed("--allow-read", "p.ts", "--allow-write");
    assert.deepEqual(grantsOf(flags).capabilities, { read: "all" });
    assert.deepEqual(operands, ["p.ts", "--allow-write"]);
  });

  test("lists: made absolute, added up, of names as they are", () => {
    const { flags } = parsed(
      "--allow-read=a,/b",
      "--allow-read=c/..",
      "--allow-env=HOME,LANG",
      "--allow-run=x.ts",
      "p.ts",
    );
    assert.deepEqual(grantsOf(flags).capabilities, {
      read: [join(process.cwd(), "a"), "/b", process.cwd()],
      environment: ["HOME", "LANG"],
      run: [join(process.cwd(), "x.ts")],
    });
    assert.deepEqual(parsed("--allow-write=a", "--allow-write", "--allow-write=b", "p.ts").flags.allowWrite, "all");
  });

  test("an empty value is a mistake and never means all", () => {
    for (const flag of ["--allow-read=", "--allow-env=", "--allow-write=a,,b", "--allow-run=,"]) {
      assert.throws(() => parsed(flag, "p.ts"), /To allow everything, leave the = out/);
    }
  });

  test("--allow-all is all six", () => {
    const all = { read: "all", write: "all", environment: "all", run: "all", net: "all", listen: "all" };
    assert.deepEqual(grantsOf(parsed("-A", "p.ts").flags).capabilities, all);
  });

  test("only the variables that are allowed are passed", (t) => {
    process.env["GODWIT_TEST_A"] = "a";
    process.env["GODWIT_TEST_B"] = "b";
    t.after(() => {
      delete process.env["GODWIT_TEST_A"];
      delete process.env["GODWIT_TEST_B"];
    });
    const some = grantsOf(parsed("--allow-env=GODWIT_TEST_A,GODWIT_TEST_NONE", "p.ts").flags);
    assert.deepEqual(some.environment, { GODWIT_TEST_A: "a" });
    const all = grantsOf(parsed("--allow-env", "p.ts").flags);
    assert.equal(all.environment["GODWIT_TEST_B"], "b");
  });
});

suite("quotas and stress", () => {
  test("quotas in their units", () => {
    const { flags } = parsed(
      "--memory",
      "64M",
      "--cpu=50",
      "--threads",
      "4",
      "--processes",
      "2",
      "--timeout",
      "1.5s",
      "p.ts",
    );
    const quotas = { memoryBytes: 2 ** 26, cpuShare: 50, threadsMax: 4, processesMax: 2, timeoutMs: 1500 };
    assert.deepEqual(grantsOf(flags).quotas, quotas);
    for (const args of [["--memory", "lots"], ["--cpu", "0"], ["--threads=-1"], ["--timeout", "5"]]) {
      assert.throws(() => parsed(...args, "p.ts"), /is invalid/);
    }
  });

  test("stress modes", () => {
    const mode = (...args: string[]) => grantsOf(parsed(...args, "p.ts").flags).stress;
    assert.equal(mode(), undefined);
    assert.deepEqual(mode("--stress"), { every: 1, at: "poll" });
    assert.deepEqual(mode("--stress=poll"), { every: 1, at: "poll" });
    assert.deepEqual(mode("--stress=call"), { every: 1, at: "call" });
    assert.deepEqual(mode("--stress=17"), { every: 17, at: "poll" });
    for (const text of ["0", "", "-1", "calls", "1.5"]) assert.throws(() => mode(`--stress=${text}`), /is invalid/);
  });

  test("whatever a program is given after its name, it gets", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--allow-read", "--stress", "-A", "--", "--json", "--memory", "-d"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const { flags, operands } = parsed("--stress", "--memory", "1M", "p.ts", ...words);
        assert.deepEqual(operands, ["p.ts", ...words]);
        assert.deepEqual(flags, { stress: { every: 1, at: "poll" }, memory: 2 ** 20 });
      }),
      { numRuns: 500 },
    );
  });
});

suite("what is shown", () => {
  test("columns are aligned, and hostile names tamed", () => {
    const table = formatTable(
      [{ title: "PID", align: "right" }, { title: "NAME" }],
      [
        ["7", "a"],
        ["1234", "\u001b[31mred\n\u202Etxt"],
      ],
    );
    assert.equal(table, " PID  NAME\n   7  a\n1234  \ufffd[31mred\ufffd\ufffdtxt\n");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // oxlint-disable-next-line no-control-regex -- control characters are what this is about
        assert.doesNotMatch(printable(text), /[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });

  test("top's shares are of the time between two looks, the busiest first", () => {
    const info = (pid: number, cpuMs: number, state: "running" | "ended" = "running") => ({
      pid,
      cpuMs,
      state,
      parent: 0,
      name: "p",
      node: "n",
      lwp: 0,
      threads: 1,
      memoryBytes: 0,
      startedMs: 0,
      mailbox: 0,
      epoch: 0,
    });
    const rows = usages(
      [info(1, 100), info(2, 0)],
      [info(1, 150), info(2, 400), info(3, 10), info(4, 9, "ended")],
      500,
    );
    assert.deepEqual(
      rows.map((row) => [row.pid, row.cpuPercent]),
      [
        [2, 80],
        [1, 10],
        [3, 2],
      ],
    );
  });

  test("every command has examples and takes --json", async () => {
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      const command = new Command(name);
      (await load()).define(command);
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      assert.match(help, new RegExp(`\\nExamples:\\n.*godwit ${name}`, "s"));
    }
  });
});
