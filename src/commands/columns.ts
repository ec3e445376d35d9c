/**
 * Lines with tabs become columns, each as wide as its widest cell among its neighbours. For a report that no script of the
 * reference knows; what is one of those keeps its tabs in a shell, and chat aligns it.
 */
export function align(text: string): string {
  if (!text.includes("\t")) return text;
  const lines = text.split("\n");
  const rows = lines.map(cellsOf);
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while ((rows[end]?.cells.length ?? 0) > 1) end++;
    if (end === at) end++;
    const widths: number[] = [];
    // Others wait while a long table is drawn, so it is done in few steps.
    for (let row = at; row < end; row++) {
      const cells = rows[row]?.cells ?? [];
      for (let column = 0; column < cells.length; column++) {
        const width = cells[column]?.length ?? 0;
        if (width > (widths[column] ?? 0)) widths[column] = width;
      }
    }
    for (let row = at; row < end; row++) {
      const { indent, cells } = rows[row] as Row;
      let line = "  ".repeat(indent);
      for (let column = 0; column < cells.length - 1; column++) {
        line += (cells[column] as string).padEnd((widths[column] ?? 0) + 2);
      }
      lines[row] = (line + (cells.at(-1) ?? "")).trimEnd();
    }
    at = end;
  }
  return lines.join("\n");
}

interface Row {
  /** How many tabs it begins with. */
  readonly indent: number;
  readonly cells: readonly string[];
}

/** Several tabs are one, as the reference's own tables have them. */
function cellsOf(line: string): Row {
  let indent = 0;
  while (line[indent] === "\t") indent++;
  const rest = indent === 0 ? line : line.slice(indent);
  return { indent, cells: rest.includes("\t\t") ? rest.split(/\t+/) : rest.split("\t") };
}
