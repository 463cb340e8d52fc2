/** Which files of tests run with no other beside them: their first comment says `@alone: REASON`. */

const FIRST_COMMENT = /^\/\*\*(?:(?!\*\/).)*\*\//s;
const MARK = /@alone: \S/;

/** Whether the file with this text is one of them. */
export function isAlone(source: string): boolean {
  return MARK.test(FIRST_COMMENT.exec(source)?.[0] ?? "");
}
