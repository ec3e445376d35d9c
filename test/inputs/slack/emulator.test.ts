import { describe, expect, it } from "vitest";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { buttons, labelOf, shownBlocks } from "../../fakes/slack-blocks.ts";
import { type SlackEmulator, slackEmulator } from "../../fakes/slack-emulator.ts";
import { shown, typed } from "../../fakes/slack-markup.ts";

function inputFor(slack: SlackEmulator, port: number) {
  const { token, signingSecret, apiUrl } = slack;
  return slackInput({ token, signingSecret, apiUrl, address: `127.0.0.1:${port}` })();
}

inputContract("slack over http, beside an independent emulator", {
  without: {
    lose: "there is no link to lose: Slack calls us",
    redeliver: "the emulator never sends an event again",
    refuse: "the emulator lets any token in",
    failSend: "the emulator has no 429 and no failure",
    hold: "the emulator answers at once",
    press: "the emulator has no presses",
    pressAsStranger: "the emulator has no presses",
    sayForForm: "the emulator has no slash commands",
    fill: "the emulator has no slash commands",
    failForm: "the emulator has no slash commands",
    failMark: "the emulator takes every reaction",
    remove: "the emulator's people delete nothing",
    alone: "the emulator knows no channel by a person's id",
  },
  create: async () => {
    const port = await freePort();
    const slack = await slackEmulator(port);
    const said: string[] = [];
    const names = new Map([["@micro", `<@${slack.botUser}>`]]);
    const say = async (text: string, channel = slack.channel) => {
      said.push(await slack.say("ann", channel, typed(text, names)));
    };
    return {
      input: inputFor(slack, port),
      say: (text) => say(`@micro ${text}`),
      heard: () =>
        slack
          .messages()
          .filter(({ user }) => user === slack.botUser)
          .map(({ channel_id, thread_ts, text, files, blocks }) => ({
            ...(blocks === undefined || blocks.length === 0 ? shown(text) : shownBlocks(blocks)),
            choices: buttons(blocks).map(labelOf),
            where: `${channel_id}/${thread_ts}`,
            file: files?.map(({ name, content_base64 = "" }) => ({
              name,
              text: Buffer.from(content_base64, "base64").toString(),
              ...(name.endsWith(".png") && { png: new Uint8Array(Buffer.from(content_base64, "base64")) }),
            }))[0],
          })),
      alive: (raw) => shown(raw).live,
      under: () => {
        const all = slack.messages();
        const above = (thread?: string | null) => all.find(({ ts }) => ts === thread)?.text;
        return all.filter(({ user }) => user === slack.botUser).map(({ thread_ts }) => above(thread_ts));
      },
      whispered: () =>
        slack
          .messages()
          .filter(({ target_user }) => target_user !== undefined)
          .map(({ text }) => shown(text).text),
      marks: () =>
        slack
          .messages()
          .find(({ ts }) => ts === said.at(-1))
          ?.reactions?.filter(({ users }) => users.includes(slack.botUser))
          .map(({ name }) => name) ?? [],
      sayDirect: (text) => say(text, slack.direct),
      spoof: async (text) => {
        said.push(await slack.say("spoofer", slack.channel, typed(`@micro ${text}`, names)));
      },
      flood: (length) => {
        // The emulator cuts it, and answers when its event is acknowledged.
        const text = `<@${slack.botUser}> ${"x".repeat(length)}`;
        void slack.call("ann", "chat.postMessage", { channel: slack.channel, text });
      },
      sayElsewhere: (text) => say(text, slack.direct),
      overhear: (text) => say(text),
      sayAsStranger: async (text) => {
        said.push(await slack.say("stranger", slack.channel, typed(`@micro ${text}`, names)));
      },
      deliverAgain: () => slack.again(said.at(-1) ?? ""),
      noise: async () => {
        const channel = slack.channel;
        const [ts = ""] = said;
        const text = typed("@micro list services, please", names);
        await slack.call("ann", "reactions.add", { channel, timestamp: ts, name: "eyes" });
        await slack.call("ann", "chat.update", { channel, ts, text });
        await slack.call("ann", "chat.delete", { channel, ts });
        await slack.say("other-bot", channel, text);
        await slack.call("other-bot", "conversations.join", { channel });
      },
      taken: () => said.filter(slack.acked).length,
      unreachable: slack.close,
      close: slack.close,
      [Symbol.asyncDispose]: slack.close,
    };
  },
});

describe("what an independent emulator signs", () => {
  it("is verified with its secret, and refused with any other", async () => {
    const port = await freePort();
    await using slack = await slackEmulator(port);
    const { token, apiUrl } = slack;
    const address = `127.0.0.1:${port}`;
    await using wrong = await slackInput({ token, apiUrl, address, signingSecret: "another" })().connect();
    const iterator = wrong[Symbol.asyncIterator]();
    const first = iterator.next();
    await slack.call("ann", "chat.postMessage", { channel: slack.direct, text: "ping" });
    await wrong.close();
    expect(await first).toMatchObject({ done: true });

    await using right = await inputFor(slack, port).connect();
    void slack.say("ann", slack.direct, "ping");
    expect(await right[Symbol.asyncIterator]().next()).toMatchObject({ value: { text: "ping", addressed: true } });
  });
});
