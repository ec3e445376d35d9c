import type { Log } from "../core/log.ts";
import type { Catalogs } from "./catalogs.ts";
import type { Policy } from "./policy.ts";

/**
 * The catalogs, with the rules of a policy checked against them: now, or when they are started where sources bring commands.
 * @throws MicroError `invalid_argument` when a rule means none of them
 */
export function checkedBy(policy: Policy, catalogs: Catalogs, sourced: boolean, log: Log): Catalogs {
  // With sources, what a rule means may come yet.
  const later = sourced && { later: (words: string) => log.warn({}, words) };
  const check = () => policy.check?.({ commands: () => catalogs.current().commands, ...later });
  if (!sourced) {
    check();
    return catalogs;
  }
  return {
    ...catalogs,
    start: async (options) => {
      await catalogs.start(options);
      check();
    },
  };
}
