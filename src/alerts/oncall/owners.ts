import { z } from "zod";
import type { Client } from "../../core/client/client.ts";
import type { Clock } from "../../core/clock.ts";
import type { Registry } from "../../core/registry/registry.ts";
import { fits } from "../incidents/match.ts";
import { inLine } from "../incidents/words.ts";

/** Which team a service belongs to, and who says so. */
export interface Owner {
  readonly team: string;
  /** `its metadata`, `the file`, `go.micro.srv.oncall`. */
  readonly by: string;
}

export interface OwnersInit {
  readonly registry: Pick<Registry, "get">;
  readonly client: Pick<Client, "request">;
  readonly clock: Clock;
  /** By patterns with `*`; the first that fits. */
  readonly owners: Readonly<Record<string, string>>;
  /** Answers `OnCall.Owner {"service": "…"}` with `{"owner": "payments"}`. */
  readonly service?: string;
}

const FRESH_MS = 60_000;
const CALL_MS = 2000;
const KEPT = 2000;
const answerSchema = z.object({ owner: z.string().optional() });

/** Owners of services: by their metadata (`owner`, `team`), by the file, by a service. Never rejects. */
export function createOwners(init: OwnersInit): (service: string, signal?: AbortSignal) => Promise<Owner | undefined> {
  const { registry, client, clock, owners, service: teller } = init;
  const known = new Map<string, { readonly at: number; readonly owner: Promise<Owner | undefined> }>();

  const find = async (service: string, signal: AbortSignal | undefined): Promise<Owner | undefined> => {
    const options = { timeoutMs: CALL_MS, ...(signal && { signal }) };
    const records = await registry.get(service, options).catch(() => []);
    for (const { metadata, nodes } of records) {
      for (const one of [metadata, ...nodes.map((node) => node.metadata)]) {
        const team = inLine(one["owner"] ?? one["team"] ?? "", 100);
        if (team !== "") return { team, by: "its metadata" };
      }
    }
    const [, team] = Object.entries(owners).find(([pattern]) => fits(service, pattern)) ?? [];
    if (team !== undefined) return { team, by: "the file" };
    if (teller === undefined) return undefined;
    const said = await client.request(teller, "OnCall.Owner", { service }, options).catch(() => undefined);
    const owner = inLine(answerSchema.safeParse(said).data?.owner ?? "", 100);
    return owner === "" ? undefined : { team: owner, by: teller };
  };
  return (service, signal) => {
    const now = clock.now();
    const before = known.get(service);
    if (before && now - before.at < FRESH_MS) return before.owner;
    const owner = find(service, signal);
    known.delete(service);
    known.set(service, { at: now, owner });
    if (known.size > KEPT) known.delete(known.keys().next().value as string);
    return owner;
  };
}
