import { afterEach, describe, expect, it, vi } from "vitest";
import { deploying, MEMBERS, only } from "./deploying.ts";
import { discord, hubot, local, telegram, terminal, untrusted } from "./identity/others.ts";
import { slackHttp, slackSocket } from "./identity/slack.ts";
import { CHANGES, OTHERS, STRANGERS, type StageRow } from "./identity/stage.ts";
import { hiddenRoom, hipchat, xmpp } from "./identity/xmpp.ts";
import { real } from "./mutant.ts";
import type { Scene } from "./proven.ts";

/*
 * Who may run a write, on every input of the bot: people who are taken for others elsewhere (`chat.md §6`, Identity confusion and
 * Outsiders in the room), what happens to people, and the same person on two networks.
 */

const STAGES: readonly StageRow[] = [
  ...[slackSocket, slackHttp, xmpp, hiddenRoom, hipchat],
  ...[telegram, discord, local, terminal, hubot, untrusted],
];

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});
const scene: Scene = { kit: real, later: (one) => void undo.push(one) };

/** A bot there under a policy, which is made when it is known who Ann is. */
async function at(row: StageRow, policy: (ann: string) => string) {
  const stage = await row.open(scene);
  const bot = await deploying(scene, [stage.input], { policy: policy(stage.ann) });
  return {
    ...stage,
    ...bot,
    /** They were told something, and nothing was done. */
    refused: async (speak: (line: string) => unknown, line: string) => {
      const before = bot.said.length;
      await speak(`deploy ${line}`);
      await vi.waitFor(() => expect(bot.said.length).toBeGreaterThan(before), { timeout: 4000 });
      expect(bot.done).not.toContain(line);
    },
    allowed: async (line: string) => {
      await stage.say(`deploy ${line}`);
      await bot.deployed(line);
    },
  };
}

describe.each(STAGES)("who may run a write on $name", (row) => {
  it("only Ann, where only she may: whoever is like her in something is told no", { timeout: 30_000 }, async () => {
    const { ann, others, refused, allowed } = await at(row, (ann) => only(ann || "nobody:at-all"));
    for (const other of OTHERS) {
      const speak = others[other];
      if (typeof speak === "string") continue;
      await refused(speak, other.replaceAll(" ", "-"));
    }
    if (ann !== "") await allowed("hers");
  });

  it("no stranger, where members may", { timeout: 30_000 }, async () => {
    const { ann, strangers, refused, allowed } = await at(row, () => MEMBERS);
    for (const stranger of STRANGERS) {
      const speak = strangers[stranger];
      if (typeof speak === "string") continue;
      await refused(speak, stranger.replaceAll(" ", "-"));
    }
    if (ann !== "") await allowed("hers");
  });

  it.for(CHANGES)("Ann, after %s as before", async (change, { skip }) => {
    const { changes, allowed } = await at(row, (ann) => only(ann || "nobody:at-all"));
    const happens = changes[change];
    if (typeof happens === "string") return skip(happens);
    await allowed("before");
    await happens();
    await allowed("after");
  });

  it("Ann no more when her account is deleted, though a policy names her", async ({ skip }) => {
    const { deleted, refused, say } = await at(row, (ann) => only(ann || "nobody:at-all"));
    if (typeof deleted === "string") return skip(deleted);
    deleted();
    await refused(say, "after");
  });

  it("an account once it is linked, and not before", async ({ skip }) => {
    const linked = (...ids: readonly string[]) =>
      JSON.stringify({
        people: { ann: ["elsewhere:ann", ...ids] },
        roles: { ops: { members: ["ann"], grants: ["test:*"] } },
      });
    const before = await at(row, () => linked());
    if (before.ann === "") return skip("there is no account");
    await before.refused(before.say, "before");
    await before.bot.stop();
    const after = await at(row, (ann) => linked(ann));
    await after.allowed("after");
  });
});
