import type { Catalog } from "../commands/catalog.ts";
import type { Pauses } from "../commands/pause.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Listening } from "../plugins/listening.ts";
import type { Broken } from "../plugins/plugins.ts";
import type { KnownAliases } from "./aliases.ts";
import type { Asking } from "./asking.ts";
import type { Context, Layer } from "./context.ts";
import type { Journals } from "./journals.ts";
import { again } from "./layers/again.ts";
import { alias } from "./layers/alias.ts";
import { answer } from "./layers/answer.ts";
import type { Audited } from "./layers/audit.ts";
import { authorize } from "./layers/authorize.ts";
import { begin } from "./layers/begin.ts";
import type { Confirm } from "./layers/confirm.ts";
import { fresh } from "./layers/fresh.ts";
import { hush } from "./layers/hush.ts";
import { marks } from "./layers/marks.ts";
import { once } from "./layers/once.ts";
import { type OrderInit, order } from "./layers/order.ts";
import { pipe } from "./layers/pipe.ts";
import { understand } from "./layers/understand.ts";
import type { Long } from "./long.ts";
import type { Mouth } from "./mouth.ts";
import type { Networks } from "./networks.ts";
import { askAll, permitted } from "./overhearing.ts";
import { refusePaused } from "./pause.ts";
import type { Policy } from "./policy.ts";
import type { Results } from "./results.ts";
import type { Rights } from "./rights.ts";
import type { LayerName } from "./steps.ts";
import { unloadedFor } from "./unloaded.ts";

/** Layers of parts that do more than stand in the path. */
export interface PartLayers {
  readonly told: Layer;
  readonly audited: Pick<Audited, "said" | "seen" | "begun">;
  readonly limits: { readonly heard: Layer; readonly meant: Layer };
  readonly commandQuestions: Pick<Asking, "heard">;
  readonly confirmation: Pick<Confirm, "heard" | "ask">;
  readonly long: Long;
  readonly pauses: Pick<Pauses, "paused">;
}

/** What the other layers are made of. */
export interface PathInit {
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly policy: Policy;
  readonly rights: Pick<Rights, "mayRun">;
  readonly catalog: () => Catalog;
  /** What did not become a command. */
  readonly broken: () => readonly Broken[];
  readonly listening: readonly Listening[];
  readonly aliases: Pick<KnownAliases, "expand">;
  readonly results: Results;
  readonly mouth: Mouth;
  readonly journals: Pick<Journals, "of">;
  readonly networks: Pick<Networks, "during">;
  /** As `BotInit` has them. */
  readonly maxAgeMs: number;
  readonly order?: OrderInit | undefined;
  readonly commandMs?: number | undefined;
  readonly outputBytes?: number | undefined;
}

/** Every layer by its name. */
export type Path = Readonly<Record<LayerName, Layer>>;

/** The way of a message, in the order in which it meets the layers: what each of them does stands in `docs/architecture.md`. */
export function createPath(parts: PartLayers, init: PathInit): Path {
  const { told, audited, limits, commandQuestions, confirmation, long, pauses } = parts;
  const { clock, log, redactor, policy, catalog, aliases, results, mouth, journals, networks } = init;
  const journalOf = ({ input }: Context) => journals.of(input);
  const notPaused = refusePaused(pauses);
  return {
    told,
    once: once(journalOf, clock, mouth.refuse),
    answer: answer(mouth, log, long, init.outputBytes),
    hush: hush(redactor),
    "audit said": audited.said,
    fresh: fresh(clock, init.maxAgeMs),
    "limit heard": limits.heard,
    "ask heard": commandQuestions.heard,
    "confirm heard": confirmation.heard,
    alias: alias(aliases, told),
    "audit line": audited.seen,
    pipe: pipe({ catalog, results, redactor, clock, during: networks.during }),
    understand: understanding(init),
    "audit parsed": audited.seen,
    authorize: authorize(policy, clock),
    "audit decided": audited.seen,
    "limit meant": limits.meant,
    pause: notPaused,
    long: long.offer,
    "confirm ask": confirmation.ask,
    again: again(clock, init.commandMs),
    marks: marks(clock, mouth.marker),
    order: order(clock, init.order),
    "pause again": notPaused,
    "audit begun": audited.begun,
    begin: begin(journalOf),
  };
}

/**
 * The way of a line that no message says (`perform.ts`): without what only a conversation needs. `audit begun` stands behind it.
 * @param stillHere looks whether whoever it is for is
 */
export function performedPath(path: Path, stillHere: Layer): readonly Layer[] {
  const heard = pick(path, ["told", "hush", "audit said", "audit line"]);
  const decided = pick(path, ["pipe", "understand", "audit parsed", "authorize", "audit decided", "pause"]);
  return [...heard, stillHere, ...decided];
}

/**
 * The way of what was not said to the bot (`overhearing.ts`): without what only a conversation with it needs.
 * @param quietly stands first within the answer
 */
export function overheardPath(path: Path, quietly: Layer): readonly Layer[] {
  const heard = pick(path, ["told", "once", "answer"]);
  const decided = pick(path, ["hush", "audit said", "understand", "audit parsed", "authorize", "audit decided"]);
  const begun = pick(path, ["limit meant", "pause", "confirm ask", "audit begun", "begin"]);
  return [...heard, quietly, ...decided, ...begun];
}

function pick(path: Path, names: readonly LayerName[]): readonly Layer[] {
  return names.map((name) => path[name]);
}

/** A line is a command, or what somebody who listens makes of it, or close to something that did not load. */
function understanding({ catalog, rights, listening, policy, clock, broken }: PathInit): Layer {
  const { mayRun } = rights;
  const ears = { ask: askAll(listening), choose: permitted(policy, clock) };
  return understand(catalog, mayRun, ears, (context, line) => {
    const sees = catalog().commands.some((command) => command.name === "plugins" && mayRun(context, command));
    return unloadedFor(line, broken(), sees);
  });
}
