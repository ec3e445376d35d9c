import { readFile } from "node:fs/promises";
import { readAlertsFile } from "../alerts/file/read.ts";
import { checkReach } from "../alerts/file/references.ts";
import { alertsFile } from "../alerts/file/sections.ts";
import { MicroError } from "../core/errors.ts";
import { INPUTS } from "./inputs.ts";
import type { Linted } from "./lint.ts";

/**
 * The configuration of alerts, without the networks that a bot would be in: that their names are right, and not who is in them.
 * @param said as its path was given
 */
export async function lintAlerts(path: string, said: string): Promise<Linted> {
  const what = "1 configuration of alerts";
  const known = Object.keys(INPUTS);
  const input = (name: string) =>
    known.includes(name) ? undefined : `there is no input ${name.slice(0, 40)}; there is ${known.join(", ")}`;
  // Names may be of the policy, which is not looked at here.
  const reach = { room: input, person: input, named: () => true };
  try {
    readAlertsFile(await readFile(path, "utf8"), said, alertsFile.superRefine(checkReach(reach)));
    return { what, flaws: [] };
  } catch (error) {
    const { message, details } = MicroError.from(error);
    const { line, column } = details;
    const at = typeof line === "number" && typeof column === "number" ? `${said}:${line}:${column}` : said;
    return { what, flaws: [{ at, why: message.replace(/^.*?, line \d+, column \d+: /, "") }] };
  }
}
