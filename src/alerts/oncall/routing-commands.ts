import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { type AnyCommand, defineCommand } from "../../commands/command.ts";
import { lookUpShort } from "../../commands/look-up.ts";
import { MicroError } from "../../core/errors.ts";
import { timeIn } from "../../core/zone.ts";
import { inLine } from "../incidents/words.ts";
import type { Owner } from "./owners.ts";
import { type QuietHours, quietUntil } from "./quiet.ts";

export interface RoutingCommandsInit {
  readonly quiet: Readonly<Record<string, QuietHours>>;
  readonly ownerOf: (service: string, signal?: AbortSignal) => Promise<Owner | undefined>;
}

const NONE = "there are no quiet hours: --alerts=alerts.yaml names them under quiet_hours";
const READ = { permission: "oncall:read", effect: "read" } as const;

/** `quiet` and `who owns`. */
export function routingCommands({ quiet, ownerOf }: RoutingCommandsInit): readonly AnyCommand[] {
  const names = Object.keys(quiet);

  const hours = defineCommand({
    ...READ,
    name: "quiet",
    summary: "Tell whether these are quiet hours, and until when",
    input: z.object({
      name: z.string().max(60).optional().describe("a name of the configuration; left out: all of them"),
    }),
    words: ["name"],
    complete: async () => names,
    examples: ["quiet", "quiet nights"],
    run: async ({ name }, { clock }) => {
      if (name !== undefined && !Object.hasOwn(quiet, name)) {
        const words =
          names.length === 0
            ? NONE
            : `no quiet hours are called ${inLine(name, 60)}; did you mean ${closest(name, names)}?`;
        throw new MicroError("not_found", words);
      }
      const now = clock.now();
      const wanted = name === undefined ? names : [name];
      return {
        hours: wanted.map((one) => {
          const times = quiet[one] as QuietHours;
          const until = quietUntil(times, now);
          return { name: one, quiet: until !== undefined, zone: times.zone, ...(until !== undefined && { until }) };
        }),
      };
    },
    records: { fields: ["name", "quiet", "until", "zone"], rows: (result) => result.hours },
    view: ({ hours: all }) => ({
      kind: "text",
      text:
        all.length === 0
          ? NONE
          : all
              .map(({ name, until, zone }) =>
                until === undefined
                  ? `${name}: not quiet now`
                  : `${name}: quiet until ${timeIn(until, zone)}; only what is critical is said at once`,
              )
              .join("\n"),
    }),
  });

  const owns = { name: "who owns", ...READ } as const;
  const who = defineCommand({
    ...owns,
    summary: "Tell which team a service belongs to",
    input: z.object({
      service: z
        .string({ error: "of which service? As in who owns payments" })
        .max(200)
        .describe("its name, or the end of it"),
    }),
    words: ["service"],
    examples: ["who owns payments"],
    run: async ({ service: said }, context) => {
      const { service } = await lookUpShort(said, owns, context).catch((error: unknown) => {
        // What is not registered now belongs to somebody all the same.
        if (MicroError.from(error).code !== "not_found") throw error;
        return { service: said };
      });
      const owner = await ownerOf(service, context.signal);
      return { service, ...owner };
    },
    view: ({ service, team, by }) => ({
      kind: "text",
      text:
        team === undefined
          ? `nobody is known to own ${inLine(service, 100)}: its metadata has no owner or team, and no file names it under owners`
          : `${inLine(service, 100)} belongs to ${team}, by ${by}`,
    }),
  });
  return [hours, who];
}
