import { defineCommand } from "micro-chatops";
import { z } from "zod";

/** Scales through a service of one's own, which knows how: `go.micro.srv.scaler`, endpoint `Scaler.Scale`. */
export default defineCommand({
  name: "scale",
  summary: "Run more or fewer nodes of a service",
  input: z.object({
    service: z.string().describe("its name"),
    nodes: z.coerce.number().int().min(1).max(50).describe("how many it is to have"),
  }),
  words: ["service", "nodes"],
  permission: "orders:scale",
  effect: "write",
  needs: ["client"],
  examples: ["scale orders 5"],
  run: async (wanted, { client, signal }) => {
    const answer = await client.request("go.micro.srv.scaler", "Scaler.Scale", wanted, { signal });
    return answer as { before: number; after: number };
  },
  view: ({ before, after }, { service }) => ({
    kind: "text",
    text: `${service} had ${before} nodes and gets ${after}`,
  }),
});
