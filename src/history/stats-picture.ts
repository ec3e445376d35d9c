import type { AnyCommand } from "../commands/command.ts";
import { stats } from "../commands/stats.ts";
import type { Clock } from "../core/clock.ts";
import type { Painter } from "./chart/picture.ts";
import { chartOfLines } from "./lines.ts";
import { MEASURE_WORDS } from "./measures.ts";
import { pictureOf } from "./picture-of.ts";
import type { SampleReader } from "./samples.ts";

const HOUR_MS = 3_600_000;
/** Whoever asks how nodes are now does not wait long for how they were. */
const READ_MS = 1000;

/**
 * `stats` with a picture of the last hour's memory, where there are samples. They are read when it is drawn: the facts of `stats` stay
 * what scripts know.
 */
export function statsWithPicture(parts: {
  readonly samples: SampleReader;
  readonly painter: Painter;
  readonly clock: Clock;
  readonly zone: string;
}): AnyCommand {
  const { samples, painter, clock, zone } = parts;
  const drawn: AnyCommand = {
    ...stats,
    // The report has its whole name, which the line may not.
    file: async ({ service }: { readonly service: string }) => {
      const to = clock.now();
      const span = { from: to - HOUR_MS, to };
      const lines = await samples.of(service, "memory", span, { timeoutMs: READ_MS }).catch(() => new Map());
      if (lines.size === 0) return undefined;
      return pictureOf(chartOfLines({ of: service, ...MEASURE_WORDS.memory, lines, ...span, zone }), "memory", painter);
    },
  };
  return drawn;
}
