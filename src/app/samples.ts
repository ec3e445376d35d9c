import type { StatsMessage } from "../alerts/monitor/messages.ts";
import type { AnyCommand } from "../commands/command.ts";
import type { Extension, House } from "../commands/house.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import { goDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { ServiceChanges } from "../core/registry/service-change.ts";
import { createPainter } from "../history/chart/picture.ts";
import { graphCommand } from "../history/graph.ts";
import type { GraphParts } from "../history/graphed.ts";
import { createSampler, type Heard } from "../history/sampler.ts";
import { createSamples } from "../history/samples.ts";
import { statsWithPicture } from "../history/stats-picture.ts";
import type { Db } from "../platform/db/db.ts";
import { ownZone, prometheusOf } from "./prometheus.ts";
import type { BotSettings } from "./settings.ts";

/** Samples of services, as this bot takes them. */
export interface OpenedSamples {
  /** Instead of the commands of the same names. */
  readonly commands: readonly AnyCommand[];
  readonly extension: (house: House) => Extension;
  /** What services publish of themselves fills in what they do not answer. */
  hear(stats: StatsMessage): void;
}

const SHORTEST_MS = 10_000;
const DAY_MS = 86_400_000;

/** @param init `db`: of `records.ts` @throws MicroError `invalid_argument` */
export async function openSamples(
  settings: BotSettings,
  init: {
    readonly registry: Registry;
    readonly client: Client;
    readonly db: Db;
    readonly changes: ServiceChanges;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<OpenedSamples> {
  const { registry, client, db, changes, clock, log } = init;
  const everyMs = settings.samples_every;
  if (everyMs !== 0 && (everyMs < SHORTEST_MS || everyMs > DAY_MS)) {
    throw new MicroError("invalid_argument", "--samples_every: each node is asked every 10s to 24h, or never, with 0");
  }
  const samples = createSamples({ db });
  const painter = createPainter();
  const zone = ownZone();
  const sampler = createSampler({ registry, client, samples, clock, log, everyMs: everyMs || DAY_MS });
  const prometheus = await prometheusOf(settings);
  const noneBecause = () =>
    everyMs === 0
      ? "none are taken here, since --samples_every is 0"
      : `they are taken every ${everyWords(everyMs)}, the next at ${timeIn(zone, sampler.nextAt())}`;
  const parts: GraphParts = { samples, changes, zone, noneBecause, ...(prometheus && { prometheus }) };
  const graph = graphCommand({ painter, parts: async () => parts });
  return {
    commands: [statsWithPicture({ samples, painter, clock, zone })],
    hear: (stats) => {
      if (everyMs > 0 && stats.node !== "") sampler.hear(heardIn(stats));
    },
    extension: () => ({
      commands: [graph],
      start: async () => {
        if (everyMs > 0) await sampler.start();
      },
      stop: async () => {
        await sampler.stop();
        await painter.stop();
        await prometheus?.close();
      },
    }),
  };
}

/** For what can be said of it; nothing is sampled. */
export function graphOfNothing(): AnyCommand {
  return graphCommand({
    painter: createPainter(),
    parts: () => Promise.reject(new MicroError("internal", "nothing is drawn here")),
  });
}

/** What a monitor's message says of a node. */
export function heardIn({ service, node, heap, goroutines, endpoints, intervalMs }: StatsMessage): Heard {
  const sum = (of: (one: StatsMessage["endpoints"][number]) => number) =>
    endpoints.reduce((all, one) => all + of(one), 0);
  const well = sum(({ success }) => success.count);
  const failed = sum(({ errors, dropped }) => errors.count + dropped.count);
  const seconds = intervalMs / 1000;
  return {
    service,
    node,
    sample: {
      ...(heap.inUse > 0 && { memory: heap.inUse }),
      ...(goroutines > 0 && { threads: goroutines }),
      ...(well > 0 && { latency: sum(({ success }) => success.count * success.mean) / well / 1e6 }),
      requests: (well + failed) / seconds,
      errors: failed / seconds,
    },
  };
}

function everyWords(ms: number): string {
  return ms === 60_000 ? "minute" : goDuration(ms * 1e6);
}

function timeIn(timeZone: string, at: number): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(at);
}
