import type { AuditFound } from "../commands/audit-record.ts";
import type { CommandContext } from "../commands/command.ts";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";

const MOST = 200;

/** What who asks has said in this room, newest first; on the command line, in any room. @throws MicroError `unimplemented` */
export async function visibleRecords(since: string, context: CommandContext): Promise<readonly AuditFound[]> {
  const { audit, caller, person = caller, room, clock } = context;
  if (audit === undefined)
    throw new MicroError("unimplemented", "no audit is kept here, so there is nothing to be recorded from");
  return audit.search({
    ...(context.oneShot ? {} : { person }),
    ...(room !== undefined && { room }),
    since: clock.now() - readDuration(since),
    limit: MOST,
  });
}
