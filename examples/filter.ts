/**
 * A filter, as in a shell pipe: reads standard input line by line, writes standard output, counts, and tells which words
 * come up most. It holds one line at a time, so its input may be of any length.
 *
 *     npx godwit run examples/filter.ts < LICENSE
 *
 * prints
 *
 *     21 lines, 171 words, 1075 characters
 *       15 the
 *        9 or
 *        9 software
 *        8 of
 *        8 to
 */

import { stdin } from "godwit";

let lines = 0;
let words = 0;
let characters = 0;
const counts = new Map<string, number>();

for (const line of stdin.lines()) {
  lines++;
  characters += line.length + 1;
  for (const [word] of line.toLowerCase().matchAll(/[\p{L}\p{N}'-]+/gu)) {
    words++;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}

console.log(`${lines} lines, ${words} words, ${characters} characters`);
const most = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
for (const [word, count] of most.slice(0, 5)) console.log(`${String(count).padStart(4)} ${word}`);
