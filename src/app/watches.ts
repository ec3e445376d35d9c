import type { Inbox } from "../alerts/alert.ts";
import type { Extension, House } from "../commands/house.ts";
import type { Client } from "../core/client/client.ts";
import { MicroError } from "../core/errors.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { History } from "../history/history.ts";
import type { BotSettings } from "./settings.ts";

const SHORTEST_MS = 1000;

/**
 * `watch …`, and alerts of the bot's own probes where `--alerts_probe` asks for them.
 * @throws MicroError `invalid_argument`: services that nobody probes, an interval that is too short
 */
export async function openWatches(
  { alerts_probe: everyMs, alerts_probe_services: services, lease: leaseMs }: BotSettings,
  {
    registry,
    client,
    history,
    inbox,
  }: {
    readonly registry: Registry;
    readonly client: Client;
    readonly history: History;
    readonly inbox: Inbox;
  },
): Promise<(house: House) => Extension> {
  if (everyMs === 0 && services.length > 0) {
    throw new MicroError(
      "invalid_argument",
      "--alerts_probe_services is given and no --alerts_probe=30s to probe them",
    );
  }
  if (everyMs > 0 && everyMs < SHORTEST_MS) {
    throw new MicroError("invalid_argument", `--alerts_probe=${everyMs}ms: nodes are asked once a second at most`);
  }
  const { watches } = await import("../watches/watches.ts");
  const raise = everyMs > 0 ? { inbox, everyMs, services } : undefined;
  return watches({ registry, client, leaseMs, last: history.last, ...(raise && { raise }) });
}
