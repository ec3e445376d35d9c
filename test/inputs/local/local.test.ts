import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localInput } from "../../../src/inputs/local/local.ts";
import { openTalk, type Talk } from "../../../src/inputs/local/client.ts";
import { inputContract } from "../../contract/input.contract.ts";

inputContract("local", {
  create: async () => {
    const folder = mkdtempSync(join(tmpdir(), "micro-local-"));
    const path = join(folder, "chat.sock");
    const heard: { text: string; where: string }[] = [];
    const talks: Talk[] = [];
    const come = async (where: string): Promise<Talk> => {
      const talk = await openTalk(path);
      talks.push(talk);
      const hear = async () => {
        for await (const { parts } of talk.answers) {
          heard.push({ where, text: parts.map((part) => part.text).join("\n") });
        }
      };
      hear().catch(() => {});
      return talk;
    };
    let here: Talk | undefined;
    let there: Talk | undefined;
    return {
      input: localInput({ path, shared: false })(),
      say: async (text) => {
        try {
          here ??= await come("here");
          here.say(text);
        } catch {
          // The bot has left.
        }
      },
      sayElsewhere: async (text) => {
        there ??= await come("there");
        there.say(text);
      },
      noise: async () => {
        const passing = await come("passing");
        await passing.complete("list s");
        passing.say("   ");
        await passing.close();
      },
      heard: () => heard.map((one) => ({ ...one, live: [] })),
      close: async () => {
        for (const talk of talks) await talk.close();
        rmSync(folder, { recursive: true });
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
  without: {
    overhear: "a session is between one person and the bot",
    sayAsStranger: "the machine knows its users",
    deliverAgain: "a line comes over one socket once",
    taken: "nobody waits for a sign that a line was taken",
    redeliver: "a line dies with its session",
    lose: "there is no network to lose it",
    refuse: "the bot needs no credentials",
    unreachable: "the bot waits, and nobody is there to be reached",
    failSend: "who is gone refuses nothing",
    hold: "the kernel takes what is written; links.test.ts has who does not read",
  },
});
