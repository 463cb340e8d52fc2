/** The lines of an inetd.conf, and the words on them. */

export interface ConfigLine {
  /** Of its first line in the file, from 1 on. */
  readonly number: number;
  readonly words: readonly string[];
  /** Why its words cannot be told apart. */
  readonly fault?: string;
}

/**
 * Cuts a file into entries. A line that begins with `#` is a comment; one that begins with a blank goes on with the entry
 * before it. A word that begins with a quotation mark, `"` or `'`, goes to the next such mark.
 */
export function configLines(text: string): ConfigLine[] {
  const lines: ConfigLine[] = [];
  let entry: { number: number; words: string[]; fault?: string } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line.startsWith("#")) continue;
    if (entry === undefined || !/^[ \t]/.test(line)) {
      entry = { number: index + 1, words: [] };
      lines.push(entry);
    }
    const { words, fault } = cutWords(line);
    entry.words.push(...words);
    if (fault !== undefined) entry.fault ??= fault;
  }
  return lines.filter(({ words, fault }) => words.length > 0 || fault !== undefined);
}

function cutWords(line: string): { words: string[]; fault?: string } {
  const words: string[] = [];
  if (line.includes("\0")) return { words, fault: "it has a NUL byte: this is no text file" };
  let rest = line;
  for (;;) {
    rest = rest.replace(/^[ \t]+/, "");
    const [mark] = rest;
    if (mark === undefined) return { words };
    const isQuoted = mark === '"' || mark === "'";
    const end = isQuoted ? rest.indexOf(mark, 1) : rest.search(/[ \t]|$/);
    if (end < 0) return { words, fault: `the quotation mark ${mark} is not closed` };
    words.push(rest.slice(isQuoted ? 1 : 0, end));
    rest = rest.slice(isQuoted ? end + 1 : end);
  }
}
