import { expect, it } from "vitest";
import { openWatches } from "../../src/app/watches.ts";

/* What `--alerts_probe` and its services may be. */

const host = {} as Parameters<typeof openWatches>[1];
const settings = (alerts_probe: number, alerts_probe_services: readonly string[]) =>
  ({ alerts_probe, alerts_probe_services, lease: 10_000 }) as unknown as Parameters<typeof openWatches>[0];

it.each([
  [0, ["orders"], "--alerts_probe_services is given and no --alerts_probe=30s to probe them"],
  [200, [], "--alerts_probe=200ms: nodes are asked once a second at most"],
])("refuses --alerts_probe of %d ms with services %s", async (everyMs, services, words) => {
  await expect(openWatches(settings(everyMs, services), host)).rejects.toThrow(words);
});
