import { z } from "zod";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { ServiceNode } from "../core/registry/registry.ts";
import { boundFields, boundsOf, closing, type Followed, follow, MAX_MS } from "./bounds.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { lookUpShort } from "./look-up.ts";
import { merge } from "./merge.ts";
import { serviceWord } from "./node-report.ts";
import { pastText, readPast } from "./past.ts";
import { serviceNames } from "./service-names.ts";

/** What a node logged, or why it does not say. */
type Told =
  | {
      readonly node: string;
      readonly seconds: number;
      readonly text: string;
      readonly metadata: Readonly<Record<string, string>>;
    }
  | { readonly node: string; readonly error: string };

/** How many nodes are asked; each costs a connection while it is followed. */
const NODES = 64;

/** How long nodes have that are not followed. */
const ANSWER_MS = 10_000;

/** So many records are put in order at most. */
const SORTED = 100_000;

const PERMISSION = { name: "logs", permission: "service:read", effect: "read" } as const;

export const logs = defineCommand({
  ...PERMISSION,
  summary: "Show what the nodes of a service have logged",
  input: z.object({
    service: serviceWord,
    since: pastText.optional().describe("not older than this, like 1h or today"),
    count: z.number().int().positive().optional().describe("so many records of each node; 100 unless --since is given"),
    follow: z.boolean().optional().describe("go on with what is logged from now on"),
    ...boundFields,
  }),
  words: ["service"],
  maxMs: MAX_MS,
  examples: ["logs go.micro.srv.greeter", "logs go.micro.srv.greeter --since 1h --count 20 --follow"],
  run: async (input, context) => {
    const bounds = boundsOf(input, context);
    const { service, records } = await lookUpShort(input.service, PERMISSION, context);
    const nodes = records.flatMap((version) => version.nodes);
    if (nodes.length === 0) throw new MicroError("not_found", `${service} has no node`);
    // Ends the streams of all nodes, whatever ends the command.
    using limit = deadline({ signal: context.signal }, input.follow ? 0 : ANSWER_MS, `the log of ${service}`);
    try {
      const sources = nodes.slice(0, NODES).map((node) => logOf(node, { ...input, service }, context, limit.signal));
      let silent = 0;
      const show = (told: Told) => {
        if ("error" in told) silent++;
        return context.emit({ kind: "report", text: lineOf(told) }, factOf(told));
      };
      const followed = input.follow
        ? await follow(merge(sources), bounds, context, show)
        : await follow(inOrder(merge(sources)), bounds, context, show);
      if (silent === sources.length && followed.count === silent) {
        throw new MicroError(
          "unavailable",
          `no node of ${service} tells its log; \`health ${service}\` asks how they are`,
        );
      }
      return { ...counted(followed, silent), nodes: sources.length, left: nodes.length - sources.length };
    } finally {
      limit.cancel();
    }
  },
  view: ({ nodes, left, ...followed }) => {
    const from = `${closing(followed, "record")}, from ${nodes} node${nodes === 1 ? "" : "s"}`;
    return { kind: "text", text: left === 0 ? from : `${from}; ${left} more were not asked` };
  },
  complete: (_field, _given, context) => serviceNames(context),
});

interface Asked {
  readonly service: string;
  readonly since?: string | undefined;
  readonly count?: number | undefined;
  readonly follow?: boolean | undefined;
}

/** The records of one node, then why there are no more, if that is no ordinary end (`wire.md §9`). */
async function* logOf(
  node: ServiceNode,
  { service, since, count, follow }: Asked,
  { client, clock }: CommandContext,
  signal: AbortSignal,
): AsyncGenerator<Told> {
  const from = since === undefined ? undefined : Math.floor(readPast(since, clock.now()) / 1000);
  const records = count ?? (since === undefined ? 100 : undefined);
  try {
    await using stream = await client.stream(service, "Debug.Log", { node, retries: 0, signal });
    await stream.send({
      service,
      ...(follow ? { stream: true } : {}),
      ...(records === undefined ? {} : { count: records }),
      ...(from === undefined ? {} : { since: from }),
    });
    for await (const record of stream) yield { node: node.id, ...recordOf(record) };
  } catch (thrown) {
    const error = MicroError.from(thrown);
    const late = signal.aborted && MicroError.from(signal.reason).code === "timeout";
    yield { node: node.id, error: late ? `did not end within ${ANSWER_MS / 1000} s` : reason(error) };
  }
}

/** v1.18 wrote `value`, v2 `message`; 64 bit numbers are strings where protobuf's own JSON is spoken (`wire.md §9`). */
function recordOf(record: unknown) {
  const { timestamp, value, message, metadata } = (record ?? {}) as Readonly<Record<string, unknown>>;
  const text = [message, value].find((candidate) => typeof candidate === "string" && candidate !== "");
  const seconds = Number(timestamp ?? 0);
  return {
    seconds: Number.isFinite(seconds) ? seconds : 0,
    text: String(text ?? "").replace(/\n+$/, ""),
    metadata: (metadata ?? {}) as Readonly<Record<string, string>>,
  };
}

/** How servers say that they do not know the method: those before v1.18 have no log, those from v4.8 on rarely. */
const UNKNOWN = /can't find|cannot find|not found|unknown (service|method)|unimplemented/i;

function reason(error: MicroError): string {
  const missing = error.code === "not_found" || error.code === "unimplemented" || UNKNOWN.test(error.message);
  return missing ? "has no Debug.Log" : `cannot be asked: ${error.message}`;
}

async function* inOrder(all: AsyncIterable<Told>): AsyncGenerator<Told> {
  const told: Told[] = [];
  for await (const one of all) if (told.push(one) >= SORTED) break;
  const at = (one: Told) => ("error" in one ? Number.POSITIVE_INFINITY : one.seconds);
  yield* told.sort((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
}

function lineOf(told: Told): string {
  if ("error" in told) return `-  ${told.node}  ${told.error}`;
  return `${timeOf(told.seconds)}  ${told.node}  ${told.text}`;
}

function factOf(told: Told): object {
  if ("error" in told) return told;
  const { node, seconds, text, metadata } = told;
  return { time: timeOf(seconds), node, text, metadata };
}

/** UTC, to the second; what is no time stays a number. */
function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace(/\.\d+Z$/, "Z");
}

function counted(followed: Followed, silent: number): Followed {
  return { ...followed, count: followed.count - silent };
}
