/** Aligned columns, for people. */

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Text that a terminal shows as it is: names come from programs and images, which may be hostile. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** Rows under their titles; columns are as wide as their widest cell, two blanks apart. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        return align === "right" ? (row[index] ?? "").padStart(width) : (row[index] ?? "").padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return cells.map((row) => `${line(row)}\n`).join("");
}
