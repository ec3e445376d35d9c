import { MicroError } from "../core/errors.ts";
import type { GraphParts } from "../history/graphed.ts";
import { queriesWith } from "../history/prometheus/queries.ts";
import type { BotSettings } from "./settings.ts";

/** @throws MicroError `invalid_argument` */
export async function prometheusOf(
  settings: Pick<BotSettings, "prometheus_address" | "prometheus_secret" | "prometheus_query">,
): Promise<GraphParts["prometheus"]> {
  const { prometheus_address: address, prometheus_secret: secret, prometheus_query: own } = settings;
  if (address === "") {
    if (Object.keys(own).length === 0) return undefined;
    throw new MicroError("invalid_argument", "--prometheus_query without --prometheus_address: where is it asked?");
  }
  const { createPrometheus } = await import("../history/prometheus/prometheus.ts");
  const made = createPrometheus({ address, ...(secret !== undefined && { secret }) });
  return { ...made, queries: queriesWith(own) };
}

/** IANA name. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
