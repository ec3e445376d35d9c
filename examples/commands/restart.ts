import { defineCommand, MicroError } from "micro-chatops";
import { z } from "zod";

/** Restarts a service node by node, showing each as it is done. A write: the bot asks before it begins. */
export default defineCommand({
  name: "restart",
  summary: "Restart a service, one node after the other",
  input: z.object({
    service: z.string().describe("its name"),
    pause: z.coerce.number().min(0).max(60).default(5).describe("seconds between two nodes"),
  }),
  words: ["service"],
  permission: "orders:restart",
  effect: "write",
  maxMs: 600_000,
  needs: ["registry", "client"],
  examples: ["restart orders", "restart orders --pause 10"],
  run: async ({ service, pause }, { registry, client, clock, signal, emit }) => {
    const nodes = (await registry.get(service, { signal })).flatMap((version) => version.nodes);
    for (const [at, node] of nodes.entries()) {
      if (at > 0) await clock.sleep(pause * 1000, { signal });
      const answer = await client.request(service, "Admin.Restart", { node: node.id }, { node, signal });
      const { ok } = answer as { ok?: boolean };
      if (ok !== true)
        throw new MicroError("unavailable", `${node.id} did not restart; ${at} of ${nodes.length} were done`);
      await emit({ kind: "text", text: `${node.id} is back (${at + 1} of ${nodes.length})` });
    }
    return { service, nodes: nodes.length };
  },
  view: ({ service, nodes }) => ({ kind: "text", text: `${service} was restarted: ${nodes} nodes` }),
});
