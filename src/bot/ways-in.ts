import type { Audit } from "../commands/audit-record.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { Line } from "../commands/line.ts";
import type { Performer } from "../commands/perform.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { compose } from "../core/middleware.ts";
import type { Heeded } from "../inputs/input.ts";
import type { Listening } from "../plugins/listening.ts";
import { wasDoneBy } from "./audit/reader.ts";
import type { Answer, Context } from "./context.ts";
import { createIds } from "./heard.ts";
import { createHearing, type Hearing } from "./hearing.ts";
import { createInterrupted } from "./interrupted.ts";
import type { Journals } from "./journals.ts";
import type { Networks } from "./networks.ts";
import { createOverhearing, type Overhearing } from "./overhearing.ts";
import { overheardPath, type Path, performedPath } from "./path.ts";
import { withPerson } from "./people.ts";
import { createPerformer, stillHere } from "./perform.ts";
import type { Policy } from "./policy.ts";
import type { Runner } from "./run.ts";
import { between, stepped } from "./steps.ts";

export interface WaysInInit {
  readonly path: Path;
  readonly runner: Pick<Runner, "run" | "jobs">;
  readonly networks: Networks;
  readonly journals: Pick<Journals, "lasting">;
  readonly policy: Policy;
  readonly catalog: () => Catalog;
  /** What was written down here. */
  readonly written: Pick<Audit, "find">;
  readonly listening: readonly Listening[];
  readonly saidTo: (message: Heeded) => Line | undefined;
  /** As `OverhearingInit.maxAgeMs`. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** How something gets onto the path of a message. */
export interface WaysIn {
  /** It was said to the bot, now or to a process that went away. */
  readonly hearing: Hearing;
  /** It was said to others. */
  readonly overhearing: Overhearing;
  /** Nobody said it: a runbook's step, a schedule. */
  readonly performer: Performer;
}

export function createWaysIn(init: WaysInInit): WaysIn {
  const { path, runner, networks, catalog, written, listening, saidTo, maxAgeMs, clock, log } = init;
  const journal = init.journals.lasting;
  const known = withPerson(init.policy);
  const nextId = createIds();
  const run = (context: Context) => runner.run(context);
  const performer = createPerformer({
    links: networks.all,
    clock,
    known,
    layers: performedPath(path, stillHere(networks.standing)),
    begun: path["audit begun"],
    run,
    cancel: (id) => void runner.jobs.cancel(id),
  });
  const overhearing = createOverhearing({
    listening,
    clock,
    log,
    maxAgeMs,
    nextId,
    known,
    during: (input, work) => networks.during({ input }, work),
    run,
    layers: (quietly) => overheardPath(path, quietly),
  });
  const interrupted = createInterrupted(
    clock,
    () => catalog().commands.some(({ name }) => name === "explain"),
    wasDoneBy(written),
    async ({ claim }, told) => (told ? journal.done(claim) : journal.drop(claim)),
  );
  const handle = compose<Context, Answer | undefined>(stepped(path), (context) =>
    between("running", () => run(context), "ran"),
  );
  const hearing = createHearing({
    saidTo,
    overhearing,
    catalog,
    nextId,
    known,
    handle,
    networks,
    journal,
    interrupted,
  });
  return { hearing, overhearing, performer };
}
