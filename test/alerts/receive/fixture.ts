import { readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../../fixtures/alerts");

/**
 * A body of `test/fixtures/alerts`. Those of Alertmanager were sent by the real one, 0.25, with other host names; Grafana's is
 * written after its documentation, since it is not in Debian.
 */
export function fixture(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
}
