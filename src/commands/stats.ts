import { z } from "zod";
import { goDuration } from "../core/duration.ts";
import { defineCommand } from "./command.ts";
import { askEachNode, drawNodes, nodeRows, serviceWord } from "./node-report.ts";
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
  input: z.object({ service: serviceWord }),
  words: ["service"],
  permission: "service:read",
  effect: "read",
  examples: ["stats go.micro.srv.greeter"],
  run: ({ service }, context) => askEachNode(service, "Debug.Stats", statsOf, context),
  records: {
    fields: ["node", "address", "version", "status", "started", "uptime", "memory", "threads", "gc", "error"],
    rows: (report) => nodeRows(report, rowOf),
  },
  view: (report) => drawNodes(report, "started\tuptime\tmemory\tthreads\tgc", cells),
  complete: (_field, _given, context) => serviceNames(context),
});

/** In the spelling of the table, but for the start, which is to be sorted by. */
function rowOf({ started, uptime, memory, threads, gc }: NodeStats) {
  return {
    status: "ok",
    started: new Date(started * 1000).toISOString(),
    uptime: goDuration(uptime * 1e9),
    memory: megabytes(memory),
    threads,
    gc: goDuration(gc),
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(2)}mb`;
}

function cells({ started, uptime, memory, threads, gc }: NodeStats): string {
  return [
    stamp(new Date(started * 1000)),
    goDuration(uptime * 1e9),
    megabytes(memory),
    String(threads),
    goDuration(gc),
  ].join("\t");
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Jan 2 15:04:05`, local time. */
function stamp(date: Date): string {
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0"));
  return `${MONTHS[date.getMonth()]} ${date.getDate()} ${clock.join(":")}`;
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
