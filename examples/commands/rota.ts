import { defineCommand, MicroError } from "micro-chatops";
import { z } from "zod";

const shifts = z.array(z.object({ team: z.string(), person: z.string(), until: z.iso.datetime() }));

/** Asks the rota who is on call. What the rota answers is checked, since it is not ours. */
export default defineCommand({
  name: "rota",
  aliases: ["who has the rota"],
  summary: "Tell who is on call",
  input: z.object({ team: z.string().optional().describe("one team; all by default") }),
  words: ["team"],
  permission: "rota:read",
  effect: "read",
  needs: ["http"],
  examples: ["rota", "rota payments"],
  run: async ({ team }, { http }) => {
    const answer = await http("https://rota.example/api/now", { timeoutMs: 3000 });
    const read = shifts.safeParse(answer.ok ? answer.json() : undefined);
    if (!read.success)
      throw new MicroError(
        "unavailable",
        `the rota gives no rota (${answer.status}); its page is https://rota.example`,
      );
    const found = read.data.filter((shift) => team === undefined || shift.team === team);
    if (found.length > 0) return found;
    throw new MicroError(
      "not_found",
      `the rota knows no team "${team}"; there are ${read.data.map((one) => one.team).join(", ")}`,
    );
  },
  view: (found) => ({
    kind: "report",
    text: found
      .map(({ team, person, until }) => `${team}\t${person}\tuntil ${until.slice(0, 16).replace("T", " ")}`)
      .join("\n"),
  }),
});
