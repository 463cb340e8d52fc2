/** Stack traces of guests, mapped to the lines of their TypeScript sources. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { mapStack, readProgramMap } from "../../src/abi/stack-map.ts";
import { compileProgram } from "../../src/node/program.ts";
import { temporaryFolder } from "./folder.ts";
import { evaluate } from "./guest.ts";

/** Generated line 2, columns 1 and 7 (from 1) come from lib/a.ts 10:3 and 12:5. */
const MAP = JSON.stringify({
  version: 3,
  names: [],
  sources: ["lib/a.ts"],
  mappings: ";AASE,MAEE",
});

suite("mapStack", () => {
  const map = readProgramMap("main.ts", MAP);
  assert(map !== undefined);

  test("frames of the program, with and without a function, whatever is around them", () => {
    const text =
      "TypeError: no\n    at f (main.ts:2:1)\n    at main.ts:2:9\n\nCaused by: x\n  at new A.b (main.ts:2:7)";
    const mapped =
      "TypeError: no\n    at f (lib/a.ts:10:3)\n    at lib/a.ts:12:5\n\nCaused by: x\n  at new A.b (lib/a.ts:12:5)";
    assert.equal(mapStack(text, map), mapped);
  });

  test("what is no frame of the program stays as it is", () => {
    for (const text of [
      "",
      "at",
      "    at sort (native)",
      "    at runThread (godwit:guest:2:1)",
      "    at f (other.ts:2:1)",
      "    at f (main.ts:99:1)",
      "    at f (main.ts:1:1)",
      "    at f (main.ts:0:0)",
      "    at f (main.ts:2:0)",
      "    at f (main.ts:2)",
      "Error: at main.ts:2:1",
      "see main.ts:2:1 for more",
      `    at ${"(".repeat(10_000)}main.ts:2:1`,
    ]) {
      assert.equal(mapStack(text, map), text);
    }
  });

  test("a map that cannot be read is none", () => {
    assert.equal(readProgramMap("main.ts", "{"), undefined);
    assert.equal(readProgramMap("main.ts", "null"), undefined);
    assert.equal(readProgramMap("main.ts", '{"version":3}'), undefined);
  });
});

suite("errors of real programs", () => {
  test("every frame is at the line and column where the program has it", async (t) => {
    const files = {
      "main.ts": `import { each } from "./lib/each.ts";
interface Unused { readonly a: number }
type Alias = Unused | undefined;

function outer(value: Alias): void {
  each([3, 1, 2], (item: number): void => {
    if (item === 2) throw new RangeError("two");
  });
  void value;
}
class Machine {
  readonly #name: string = "m";
  run(): string { outer(undefined); return this.#name; }
}
new Machine().run();
`,
      "lib/each.ts": `export function each<T>(items: readonly T[], on: (item: T) => void): void {
  items.forEach((item) => on(item));
}
`,
    };
    const workingDirectory = temporaryFolder(t, files);
    const program = await compileProgram("main.ts", { guestExports: [], workingDirectory });
    const { error } = await evaluate(program);
    assert(error !== undefined);
    const map = readProgramMap(program.name, program.sourceMap);
    assert(map !== undefined);
    const mapped = mapStack(error, map);
    const places = [...mapped.matchAll(/\(?((?:main|lib\/each)\.ts:\d+:\d+)\)?$/gm)].map((match) => match[1]);
    // Within a line the engine points at a call's method, or at the last variable that it read before the call.
    assert.deepEqual(
      places,
      ["main.ts:7:31", "lib/each.ts:2:30", "lib/each.ts:2:9", "main.ts:6:3", "main.ts:13:25", "main.ts:15:15"],
      mapped,
    );
  });
});
