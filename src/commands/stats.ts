import { z } from "zod";
import { askNodes, type VersionAnswers } from "../core/health/health.ts";
import { errorText } from "../core/wire/error.ts";
import { defineCommand } from "./command.ts";
import { lookUp } from "./look-up.ts";
import { remembered } from "./remembered.ts";
import { serviceNames } from "./service-names.ts";

/** What every Go Micro server says of itself; what one leaves out is zero (`wire.md §9`). */
interface NodeStats {
  /** Unix seconds. */
  readonly started: number;
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  readonly threads: number;
  /** Nanoseconds. */
  readonly gc: number;
}

export const stats = defineCommand({
  name: "stats",
  summary: "Ask every node of a service for its uptime, memory and threads",
  input: z.object({ service: z.string({ error: "require service name" }).describe("its name") }),
  words: ["service"],
  permission: "service:read",
  effect: "read",
  examples: ["stats go.micro.srv.greeter"],
  run: async ({ service }, context) => {
    const found = await lookUp(service, context);
    const versions = await askNodes(context.client, found, "Debug.Stats", statsOf, { signal: context.signal });
    return { service, versions, ...remembered(context.registry, context.clock) };
  },
  view: ({ service, versions, note }) => ({ kind: "report", text: statsReport(service, versions), note }),
  complete: (_field, _given, context) => serviceNames(context),
});

/** The layout of `toolkit.md §1.9`; a node that failed shows its error, where the original showed zeros. */
function statsReport(service: string, versions: readonly VersionAnswers<NodeStats>[]): string {
  const lines = [`service  ${service}`];
  for (const { version, nodes } of versions) {
    lines.push("", `version ${version}`, "", "node\t\taddress:port\t\tstarted\tuptime\tmemory\tthreads\tgc");
    for (const { node, answer, error } of nodes) {
      lines.push(`${node.id}\t\t${node.address}\t\t${error ? errorText(error) : cells(answer).join("\t")}`);
    }
  }
  return lines.join("\n");
}

function cells({ started, uptime, memory, threads, gc }: NodeStats): readonly string[] {
  return [
    stamp(new Date(started * 1000)),
    goDuration(uptime * 1e9),
    `${(memory / (1024 * 1024)).toFixed(2)}mb`,
    String(threads),
    goDuration(gc),
  ];
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Jan 2 15:04:05`, local time. */
function stamp(date: Date): string {
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0"));
  return `${MONTHS[date.getMonth()]} ${date.getDate()} ${clock.join(":")}`;
}

/** Nanoseconds as Go prints them: `1h2m3s`, `1.234567ms`, `0s`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${trimmed(nanoseconds / 1e3, 3)}µs`;
  if (nanoseconds < 1e9) return `${trimmed(nanoseconds / 1e6, 6)}ms`;
  const total = nanoseconds / 1e9;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = `${trimmed(total - hours * 3600 - minutes * 60, 9)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.?0+$/, "");
}

function statsOf(answer: unknown): NodeStats {
  const said = (answer ?? {}) as Partial<Record<keyof NodeStats, unknown>>;
  const number = (value: unknown) => {
    const read = typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
    return typeof read === "number" && Number.isFinite(read) ? read : 0;
  };
  return {
    started: number(said.started),
    uptime: number(said.uptime),
    memory: number(said.memory),
    threads: number(said.threads),
    gc: number(said.gc),
  };
}
