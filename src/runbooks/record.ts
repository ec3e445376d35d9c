import { stringify } from "yaml";
import type { AuditFound } from "../commands/audit-record.ts";

/** What is about the bot itself, and no step of anything. */
const NOT_STEPS =
  /^(runbook|audit|explain|replay|help|jobs|cancel|more|requests|replicas|plugins|policy|who|why|link|pause|resume|yes|no)\b/;

/**
 * A draft of a runbook out of what somebody has said and what went well, oldest first. What they typed stands in it as it was,
 * with what would be a hole made plain; who looks through it puts in parameters and rollbacks.
 * @param found newest first
 */
export function draftOf(name: string, found: readonly AuditFound[]): { readonly yaml: string; readonly steps: number } {
  const said = found
    .filter(({ outcome, command }) => outcome === "ok" && command !== undefined && !NOT_STEPS.test(command))
    .toReversed()
    .slice(-50);
  const steps = said.map(({ line, text, effect }, index) => ({
    id: `step${index + 1}`,
    run: (line ?? text).replaceAll("${", () => "$${").trim(),
    ...(effect === "write" && { rollback: "TODO what takes this back, or remove this line" }),
  }));
  const yaml = stringify(
    { name, summary: `TODO what ${name} is for`, parameters: {}, steps },
    { lineWidth: 0, defaultStringType: "PLAIN" },
  );
  return {
    yaml: `# Recorded; put what changes from time to time under parameters, and \${name} in its stead.\n${yaml}`,
    steps: steps.length,
  };
}
