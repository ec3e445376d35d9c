import type { BrokerEvent } from "../../core/broker/broker.ts";
import type { MessageCodec } from "../../core/codec/codec.ts";
import { parseProto } from "../../core/codec/proto.ts";
import { MicroError } from "../../core/errors.ts";
import { lineOf } from "../receive/reading.ts";

/* What services publish about themselves with go-platform's monitor (`platform.md §1.8`). */

export const TOPICS = {
  healthcheck: "micro.monitor.healthcheck",
  status: "micro.monitor.status",
  stats: "micro.monitor.stats",
} as const;

const PROTO = `syntax = "proto3";
message Node { string id = 1; }
message Service { string name = 1; string version = 2; repeated Node nodes = 3; }
message HealthCheck {
  string id = 1; string description = 2; int64 timestamp = 3; int64 interval = 4; int64 ttl = 5;
  Service service = 6; int32 status = 7; map<string, string> results = 8; string error = 9;
}
message Status { Service service = 1; int32 status = 2; string info = 3; int64 timestamp = 4; int64 interval = 5; int64 ttl = 6; }
message CPU { uint64 user_time = 1; uint64 system_time = 2; uint64 vol_ctx_switch = 3; uint64 inv_ctx_switch = 4; }
message Memory { uint64 max_rss = 1; }
message Disk { uint64 in_block = 1; uint64 ou_block = 2; }
message Runtime { uint64 num_threads = 1; uint64 heap_total = 2; uint64 heap_in_use = 3; }
message Times { int64 count = 1; double mean = 2; double std_dev = 3; double upper95 = 4; }
message Endpoint { string service = 1; string method = 2; Times errors = 3; Times success = 4; Times dropped = 5; }
message Stats {
  Service service = 1; int64 timestamp = 2; int64 interval = 3; int64 ttl = 4;
  CPU cpu = 5; Memory memory = 6; Disk disk = 7; Runtime runtime = 8; repeated Endpoint endpoints = 9;
}`;

/** Which node of which service speaks, and how often it does. */
export interface Spoken {
  readonly service: string;
  readonly version: string;
  /** `""`: it does not say. */
  readonly node: string;
  /** Epoch ms by its clock. */
  readonly at: number;
  readonly intervalMs: number;
}

export interface CheckMessage extends Spoken {
  readonly check: string;
  readonly description: string;
  readonly status: "unknown" | "ok" | "error";
  readonly error: string;
}

export interface StatusMessage extends Spoken {
  readonly status: "unknown" | "started" | "running" | "stopped";
}

/** Latencies in ns. */
export interface Times {
  readonly count: number;
  readonly mean: number;
  readonly upper95: number;
}

/** Process numbers of one interval. */
export interface StatsMessage extends Spoken {
  /** In ns of the interval. */
  readonly cpu: { readonly user: number; readonly system: number };
  /** KiB. */
  readonly maxRss: number;
  readonly goroutines: number;
  /** Bytes. */
  readonly heap: { readonly total: number; readonly inUse: number };
  readonly endpoints: readonly {
    readonly name: string;
    readonly success: Times;
    readonly errors: Times;
    /** Ended by their deadline. */
    readonly dropped: Times;
  }[];
}

export interface MonitorMessages {
  /** @throws MicroError `invalid_argument`: it is none */
  check(event: BrokerEvent): CheckMessage;
  status(event: BrokerEvent): StatusMessage;
  stats(event: BrokerEvent): StatsMessage;
}

const MOST_ENDPOINTS = 500;
/** What says nothing, or nonsense, speaks as often as go-platform does. */
const USUAL_MS = 60_000;
const LONGEST_MS = 86_400_000;

/** Reads them; in protobuf, whatever their header says, unless it says JSON. */
export function monitorMessages(): MonitorMessages {
  const proto = parseProto(PROTO);
  const reading = (name: string) => {
    const codec = proto.message(name);
    return (event: BrokerEvent) => saidIn(codec, event);
  };
  const [check, status, stats] = ["HealthCheck", "Status", "Stats"].map(reading) as [Reading, Reading, Reading];
  return {
    check: (event) => {
      const said = check(event);
      const id = lineOf(said["id"], 200);
      if (id === "") throw new MicroError("invalid_argument", "a health check without an id");
      return {
        ...spokenIn(said),
        check: id,
        description: lineOf(said["description"]),
        status: (["unknown", "ok", "error"] as const)[Number(said["status"])] ?? "unknown",
        error: lineOf(said["error"]),
      };
    },
    status: (event) => {
      const said = status(event);
      const words = ["unknown", "started", "running", "stopped"] as const;
      return { ...spokenIn(said), status: words[Number(said["status"])] ?? "unknown" };
    },
    stats: (event) => {
      const said = stats(event);
      const [cpu, memory, runtime] = [part(said, "cpu"), part(said, "memory"), part(said, "runtime")];
      const endpoints = (said["endpoints"] as readonly Said[] | undefined) ?? [];
      return {
        ...spokenIn(said),
        cpu: { user: Number(cpu["user_time"] ?? 0), system: Number(cpu["system_time"] ?? 0) },
        maxRss: Number(memory["max_rss"] ?? 0),
        goroutines: Number(runtime["num_threads"] ?? 0),
        heap: { total: Number(runtime["heap_total"] ?? 0), inUse: Number(runtime["heap_in_use"] ?? 0) },
        endpoints: endpoints.slice(0, MOST_ENDPOINTS).map((one) => ({
          name: lineOf(one["method"], 200),
          success: timesIn(part(one, "success")),
          errors: timesIn(part(one, "errors")),
          dropped: timesIn(part(one, "dropped")),
        })),
      };
    },
  };
}

type Said = Readonly<Record<string, unknown>>;
type Reading = (event: BrokerEvent) => Said;

function saidIn(codec: MessageCodec, { header, body }: BrokerEvent): Said {
  if (!/json/.test(header["content-type"] ?? "")) return codec.decode(body) as Said;
  try {
    return codec.fromJson(JSON.parse(Buffer.from(body).toString())) as Said;
  } catch (error) {
    throw new MicroError("invalid_argument", "it is not the JSON of a monitor's message", { cause: error });
  }
}

function part(said: Said, name: string): Said {
  return (said[name] as Said | null | undefined) ?? {};
}

function spokenIn(said: Said): Spoken {
  const service = part(said, "service");
  const name = lineOf(service["name"], 200);
  if (name === "") throw new MicroError("invalid_argument", "it does not say of which service it is");
  const nodes = (service["nodes"] as readonly Said[] | undefined) ?? [];
  const interval = Number(said["interval"] ?? 0) * 1000;
  return {
    service: name,
    version: lineOf(service["version"], 100),
    node: lineOf(nodes[0]?.["id"], 200),
    at: Number(said["timestamp"] ?? 0) * 1000,
    intervalMs: interval > 0 && interval <= LONGEST_MS ? interval : USUAL_MS,
  };
}

function timesIn(said: Said): Times {
  return { count: Number(said["count"] ?? 0), mean: Number(said["mean"] ?? 0), upper95: Number(said["upper95"] ?? 0) };
}
