import { defineCommand, MicroError } from "micro-chatops";
import { z } from "zod";

/**
 * Deploys through the CI's HTTP interface. Who may, and who else has to say yes, is in the policy and not here:
 *
 *     rules: ["allow role:dev deploy approve 1 of role:lead"]
 */
export default defineCommand({
  name: "deploy",
  summary: "Roll out a version of a service",
  input: z.object({
    service: z.string().describe("its name"),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/, "a version is three numbers: 1.4.2")
      .describe("such as 1.4.2"),
  }),
  words: ["service", "version"],
  permission: "orders:deploy",
  effect: "write",
  needs: ["http", "secrets:CI_TOKEN"],
  examples: ["deploy orders 1.4.2"],
  run: async ({ service, version }, { http, secrets, person, caller }) => {
    const answer = await http("https://ci.example/api/deployments", {
      headers: { authorization: `Bearer ${await secrets.get("CI_TOKEN")}` },
      body: { service, version, by: person ?? caller },
    });
    if (!answer.ok)
      throw new MicroError("unavailable", `the CI did not take it (${answer.status}): ${answer.text.slice(0, 200)}`);
    return answer.json() as { id: number };
  },
  view: ({ id }, { service, version }) => ({
    kind: "text",
    text: `${service} ${version} is on its way: deployment ${id}`,
  }),
});
