import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One cell: `pass`, what to know about a pass, `fail`, or why it was not run. */
export type Cell = "pass" | `pass: ${string}` | "fail" | `not run: ${string}`;

const FOLDER = join(import.meta.dirname, "../../node_modules/.cache/micro-interop");
const FILE = join(FOLDER, "table.json");

type Cells = Record<string, Record<string, Cell>>;

export function clearTable(): void {
  mkdirSync(FOLDER, { recursive: true });
  rmSync(FILE, { force: true });
}

/** One run fails for good: a feature has as many tests as it needs. */
export function record(era: string, feature: string, cell: Cell): void {
  const cells = readTable();
  const row = cells[feature] ?? {};
  cells[feature] = row;
  if (row[era] !== "fail") row[era] = cell;
  writeFileSync(FILE, JSON.stringify(cells));
}

export function readTable(): Cells {
  try {
    return JSON.parse(readFileSync(FILE, "utf8")) as Cells;
  } catch {
    return {};
  }
}

/** The table as Markdown, with the reasons below it. */
export function drawTable(cells: Cells, eras: readonly (readonly [era: string, title: string])[]): string {
  const reasons: string[] = [];
  const shown = (cell: Cell | undefined): string => {
    if (cell === "pass" || cell === "fail") return cell;
    const [, result = "not run", reason = "was not reached"] = /^(pass|not run): (.*)$/s.exec(cell ?? "") ?? [];
    let at = reasons.indexOf(reason);
    if (at === -1) at = reasons.push(reason) - 1;
    return `${result} [${at + 1}]`;
  };
  const rows = Object.entries(cells).map(
    ([feature, row]) => `| ${feature} | ${eras.map(([era]) => shown(row[era])).join(" | ")} |`,
  );
  return [
    `| feature | ${eras.map(([, title]) => title).join(" | ")} |`,
    `|---|${eras.map(() => "---|").join("")}`,
    ...rows,
    ...(reasons.length > 0 ? ["", ...reasons.map((reason, at) => `[${at + 1}] ${reason}`)] : []),
    "",
  ].join("\n");
}
