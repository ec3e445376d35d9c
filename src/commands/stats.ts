import { z } from "zod";
import { goDuration } from "../core/duration.ts";
import { type NodeStats, nodeStats } from "../core/health/node-stats.ts";
import { defineCommand } from "./command.ts";
import { askEachNode, drawNodes, nodeRows, serviceWord } from "./node-report.ts";
import { serviceNames } from "./service-names.ts";

const PERMISSION = { name: "stats", permission: "service:read", effect: "read" } as const;

export const stats = defineCommand({
  ...PERMISSION,
  summary: "Ask every node of a service for its uptime, memory and threads",
  input: z.object({ service: serviceWord }),
  words: ["service"],
  examples: ["stats go.micro.srv.greeter"],
  run: ({ service }, context) => askEachNode(service, PERMISSION, "Debug.Stats", told, context),
  records: {
    fields: ["node", "address", "version", "status", "started", "uptime", "memory", "threads", "gc", "error"],
    rows: (report) => nodeRows(report, rowOf),
  },
  view: (report) => drawNodes(report, "started\tuptime\tmemory\tthreads\tgc", cells),
  complete: (_field, _given, context) => serviceNames(context),
});

/** As the table has it: what newer versions tell beside is for graphs. */
function told(answer: unknown): NodeStats {
  const { requests: _, errors: __, ...rest } = nodeStats(answer);
  return rest;
}

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
