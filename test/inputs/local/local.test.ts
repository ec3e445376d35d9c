import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { openTalk, type Talk } from "../../../src/inputs/local/client.ts";
import { localInput } from "../../../src/inputs/local/local.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { provenChat } from "../../fakes/chat-socket.ts";

const controlsIn = (text: string) => text.match(/(?![\n\t])\p{Cc}/gu) ?? [];

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
    const input = localInput({ path })();
    let here: Talk | undefined;
    let there: Talk | undefined;
    return {
      input: {
        ...input,
        // Two sessions are two sockets: what comes over them has an order only if one waits for the other.
        connect: async (options) => {
          const link = await input.connect(options);
          const send = async (...args: Parameters<typeof link.send>) => {
            const before = heard.length;
            await link.send(...args);
            await expect.poll(() => heard.length).toBeGreaterThan(before);
          };
          return { ...link, send };
        },
      },
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
      flood: async (length) => {
        const flooding = await provenChat(path);
        flooding.write(`{"type":"say","id":1,"text":"${"x".repeat(length)}"}\n`);
        expect(await flooding.next("refused")).toMatchObject({ code: "invalid_argument" });
        await flooding.closed;
        flooding.destroy();
      },
      heard: () => heard.map((one) => ({ ...one, live: controlsIn(one.text) })),
      alive: controlsIn,
      close: async () => {
        for (const talk of talks) await talk.close();
        rmSync(folder, { recursive: true });
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
  without: {
    sayDirect: "every session is direct talk",
    spoof: "that takes another user of the machine; chat.test.ts has one",
    overhear: "a session is between one person and the bot",
    sayAsStranger: "the machine knows its users",
    deliverAgain: "a line comes over one socket once",
    taken: "nobody waits for a sign that a line was taken",
    redeliver: "a line dies with its session",
    lose: "there is no network to lose it",
    refuse: "the bot needs no credentials",
    unreachable: "the bot waits, and nobody is there to be reached",
    failSend: "who is gone refuses nothing",
    hold: "the kernel takes what is written; sessions.test.ts has who does not read",
    press: "a terminal has nothing to press",
    pressAsStranger: "a terminal has nothing to press",
    sayForForm: "a terminal has no forms",
    fill: "a terminal has no forms",
    failForm: "a terminal has no forms",
    marks: "a terminal has no signs",
    failMark: "a terminal has no signs",
    whispered: "every session is between one person and the bot",
    remove: "what is written stays",
    under: "lines stand below each other",
    alone: "a session is there when somebody has come",
  },
});
