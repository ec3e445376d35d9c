import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TITLES } from "./eras.ts";
import { clearTable, drawTable, readTable } from "./table.ts";

const README = join(import.meta.dirname, "table.md");

/** Before the tests: an empty table. After them: it is printed, and kept for the README if `MICRO_INTEROP_KEEP` says so. */
export function setup(): () => void {
  clearTable();
  return () => {
    const table = drawTable(readTable(), TITLES);
    console.log(`\n${table}`);
    if (process.env["MICRO_INTEROP_KEEP"] === "1") writeFileSync(README, table);
    else if (readFileSync(README, "utf8") !== table) {
      console.log(
        "test/interop/table.md says something else; MICRO_INTEROP_KEEP=1 npm run test:interop keeps this one",
      );
    }
  };
}
