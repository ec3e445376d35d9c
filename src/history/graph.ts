import { z } from "zod";
import { align } from "../commands/columns.ts";
import { type AnyCommand, type CommandContext, defineCommand, type View } from "../commands/command.ts";
import { wireName } from "../commands/names.ts";
import { pastText } from "../commands/past.ts";
import { serviceNames } from "../commands/service-names.ts";
import { MicroError } from "../core/errors.ts";
import { marked } from "../core/look-alike.ts";
import type { Painter } from "./chart/picture.ts";
import { greatestOf, leastOf, sparklines, valuesOf } from "./chart/sparkline.ts";
import { written } from "./chart/units.ts";
import { MEASURES } from "./chunk.ts";
import { type Graphed, type GraphParts, graphOf } from "./graphed.ts";
import { pictureOf } from "./picture-of.ts";

export interface GraphInit {
  /** Where samples are, for one line. @param where fields of `fields` */
  parts(context: CommandContext, where: Readonly<Record<string, string | undefined>>): Promise<GraphParts>;
  /** Who draws the picture in chat; left out: the answer is text. */
  readonly painter?: Painter;
  /** Options beside those that every front end has: where samples are. */
  readonly fields?: Readonly<Record<string, z.ZodOptional<z.ZodString>>>;
  /** Names of `fields` that are secret. */
  readonly secrets?: readonly string[];
  /** Writes a picture of it; there in a shell. @throws MicroError */
  save?(path: string, graphed: Graphed, options: Pick<CommandContext, "signal">): Promise<void>;
}

const PERMISSION = { name: "graph", permission: "service:read", effect: "read" } as const;
/** Whoever asks Prometheus in its own words can ask it for everything that it knows. */
const QUERY = { name: "graph --query", permission: "metrics:query", effect: "write" } as const;
const file = { file: z.string().min(1).optional().describe("write a picture of it (PNG) to this file") };

/** `graph`, of a service's samples or of a query. */
export function graphCommand({ parts, painter, fields = {}, secrets = [], save }: GraphInit): AnyCommand {
  return defineCommand({
    ...PERMISSION,
    summary: "Draw how a service's nodes were lately: latency, memory, threads, garbage collection, requests, errors",
    input: z.object({
      service: wireName("graph of which service?")
        .optional()
        .describe("its name, or what its name ends with; with --query how far back instead"),
      measure: z.enum(MEASURES).default("latency").describe("what is drawn"),
      last: pastText.default("1h").describe("how far back, like 15m, 6h or today; 24h at most of what the bot samples"),
      node: z.string().min(1).optional().describe("only the nodes whose ids have this in them"),
      query: z.string().min(1).max(4000).optional().describe("ask Prometheus this instead (needs metrics:query)"),
      ...(save ? file : {}),
      ...fields,
    }),
    words: ["service", "measure", "last"],
    secrets: secrets as readonly never[],
    target: ({ service, query }) => (query === undefined ? service : undefined),
    examples: [
      "graph go.micro.srv.greeter",
      "graph go.micro.srv.greeter memory 6h",
      'graph --query "sum(rate(micro_request_total[5m]))" 6h',
    ],
    run: async (input, context) => {
      const { service, query } = input;
      if (query === undefined && service === undefined) {
        throw new MicroError("invalid_argument", "graph of which service? as in graph go.micro.srv.greeter latency 1h");
      }
      if (query !== undefined && !context.mayRun(QUERY)) {
        throw new MicroError("permission_denied", "`graph --query` needs the grant metrics:query, which you have not");
      }
      // Most of the first picture's time is loading what draws it.
      painter?.ready();
      const question = query === undefined ? input : { ...input, last: backOf(service, input.last) };
      const from = await parts(context, whereOf(input, fields));
      const graphed = await graphOf(question, PERMISSION, context, from).finally(() => from.close?.());
      const path = (input as { readonly file?: string }).file;
      if (path !== undefined) await save?.(path, graphed, context);
      return { ...graphed, ...(path !== undefined && { file: path }) };
    },
    records: {
      fields: ["name", "min", "max", "now"],
      rows: ({ chart }) =>
        chart.series.map((one) => {
          const values = valuesOf(one);
          if (values.length === 0) return { name: one.name };
          return { name: one.name, min: leastOf(values), max: greatestOf(values), now: values.at(-1) };
        }),
    },
    view: (graphed) => (painter ? inWords(graphed) : asText(graphed)),
    ...(painter && { file: (graphed: Graphed) => pictureOf(graphed.chart, graphed.measure, painter) }),
    complete: async (field, _given, context) => (field === "service" ? serviceNames(context) : []),
  });
}

/** With a query the first word is no service. @throws MicroError `invalid_argument` */
function backOf(said: string | undefined, usual: string): string {
  if (said === undefined) return usual;
  if (pastText.safeParse(said).success) return said;
  throw new MicroError("invalid_argument", "a service or --query, not both: the query says what it is about");
}

/** Beside a picture: what is now, and what was greatest where. */
function inWords({ chart, note }: Graphed): View {
  const { title, unit, series } = chart;
  const lines = series
    .map((one) => ({ name: one.name, values: valuesOf(one) }))
    .filter(({ values }) => values.length > 0);
  const now = lines.flatMap(({ values }) => values.at(-1) ?? []);
  const [worst] = lines.map(({ name, values }) => ({ name, most: greatestOf(values) })).sort((a, b) => b.most - a.most);
  if (worst === undefined) return { kind: "text", text: `${title}: there are no values` };
  const [least, most] = [written(leastOf(now), unit), written(greatestOf(now), unit)];
  const where = series.length === 1 ? "" : ` (${marked(worst.name)})`;
  const text = `${title}: now ${least === most ? most : `${least} to ${most}`}, at most ${written(worst.most, unit)}${where}`;
  return { kind: "text", text: note === undefined ? text : `${text}\n${note}` };
}

/** Where there are no pictures. */
function asText({ chart, note, file: path }: Graphed & { readonly file?: string }): View {
  const notes = [note, path === undefined ? undefined : `drawn in ${path}`].filter((line) => line !== undefined);
  return { kind: "report", text: [align(sparklines(chart)), ...notes].join("\n") };
}

function whereOf(input: object, fields: object): Readonly<Record<string, string | undefined>> {
  const said = input as Readonly<Record<string, string | undefined>>;
  return Object.fromEntries(Object.keys(fields).map((name) => [name, said[name]]));
}
