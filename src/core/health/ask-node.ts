import type { Client } from "../client/client.ts";
import { type Deadline, deadline } from "../deadline.ts";
import type { ServiceNode } from "../registry/registry.ts";
import { errorRecord, toRecord } from "../wire/error.ts";
import { causeOf } from "./cause.ts";
import type { ExaminedNode } from "./examination.ts";
import type { Probes } from "./probes.ts";

/** A node that is well has so long to say since when, and costs the others no more than that. */
const STATS_MS = 500;

/** What a node says of itself, or why it says nothing. */
type Said = Pick<ExaminedNode, "ok" | "status" | "latencyMs" | "cause" | "error" | "startedAt">;

export interface AskParts {
  readonly client: Client;
  readonly probes: Probes;
  /** No answer is waited for longer. */
  readonly limit: Deadline;
  /** Whether to ask how long it is up, where it does not register that. */
  readonly uptime: boolean;
  /** Epoch ms: now. */
  readonly at: number;
}

/** Asks one node how it is (`Debug.Health`). That it does not answer is an answer, too: never rejects. */
export async function askNode(parts: AskParts, service: string, node: ServiceNode): Promise<Said> {
  const { client, probes, limit, uptime, at } = parts;
  const probe = await limit.race(probes.ask(client, service, node, "Debug.Health")).catch(() => undefined);
  if (probe === undefined) return { ok: false, status: "", cause: "timeout", error: LATE };
  const started = startedIn(node.metadata["started"], at);
  const startedAt = started === undefined ? {} : { startedAt: started };
  if (probe.error) {
    const cause = causeOf(probe.error);
    const heard = cause === "failed" || cause === "unknown" ? { latencyMs: probe.latencyMs } : {};
    return { ok: false, status: "", cause, error: toRecord(probe.error), ...heard, ...startedAt };
  }
  const status = statusOf(probe.answer);
  const ok = WELL.has(status.toLowerCase());
  const since = ok && uptime && started === undefined ? await startOf(parts, service, node) : startedAt;
  return { ok, status, latencyMs: probe.latencyMs, ...(ok ? {} : { cause: "unwell" }), ...since };
}

async function startOf(
  { client, probes, limit, at }: AskParts,
  service: string,
  node: ServiceNode,
): Promise<Pick<ExaminedNode, "startedAt">> {
  using own = deadline({ signal: limit.signal }, STATS_MS, node.id);
  const probe = await own.race(probes.ask(client, service, node, "Debug.Stats")).catch(() => undefined);
  const { started, uptime } = (probe?.answer ?? {}) as { readonly started?: unknown; readonly uptime?: unknown };
  const upSeconds = Number(uptime ?? 0);
  // By its uptime, since its clock may be another than ours.
  if (upSeconds > 0 && Number.isFinite(upSeconds)) return { startedAt: at - upSeconds * 1000 };
  const known = startedIn(started === undefined ? undefined : String(started), at);
  return known === undefined ? {} : { startedAt: known };
}

/** Unix seconds or milliseconds, or a date as RFC 3339 has it. */
function startedIn(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  const ms = Number.isFinite(number) ? (number < 1e11 ? number * 1000 : number) : Date.parse(text);
  return ms > 0 && ms <= now + 60_000 ? ms : undefined;
}

/** What a node says that is well; one that leaves it out says nothing bad (`wire.md §9`). */
const WELL: ReadonlySet<string> = new Set(["", "ok", "healthy", "up", "passing", "serving"]);

/** What a node says of itself. */
function statusOf(answer: unknown): string {
  const status = (answer as { readonly status?: unknown } | null)?.status;
  return typeof status === "string" ? status : "";
}

/** In the words of Go's client. */
const LATE = errorRecord("go.micro.client", 408, "call timeout: context deadline exceeded");
