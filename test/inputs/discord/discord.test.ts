import { discordInput } from "../../../src/inputs/discord/discord.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { ANN, DIRECT, fakeDiscord, GENERAL, OTHER, SELF } from "../../fakes/discord.ts";
import { shown } from "../../fakes/discord-markup.ts";

const noForms = "a form can only open from a button there, and nothing that the bot says asks for one";

inputContract("discord", {
  without: {
    sayAsStranger: "Discord tells no members from strangers; who may speak is a list of ids",
    pressAsStranger: "as above",
    taken: "the gateway has no acknowledgements",
    redeliver: "as above",
    whispered: "Discord hides only what answers a press, which has a test of its own",
    sayForForm: noForms,
    fill: noForms,
    failForm: noForms,
  },
  create: async () => {
    const discord = await fakeDiscord();
    let last: object = {};
    const say = (text: string, how?: Parameters<typeof discord.say>[1]) => {
      last = discord.say(text, how);
    };
    return {
      input: discordInput({ ...discord, lostMs: 2000 })(),
      say: (text) => say(`<@${SELF}> ${text}`),
      heard: () =>
        discord.posts.map(({ channel, text, file, live, pings, buttons }) => ({
          text,
          where: channel,
          file,
          live: [...live, ...pings],
          choices: buttons.map(({ label }) => label),
        })),
      alive: (raw) => shown(raw).live,
      remove: discord.remove,
      under: () =>
        discord.posts.map(({ channel, replyTo }) => {
          const above = discord.posts.find(({ message }) => message === channel || message === replyTo);
          return above?.text;
        }),
      alone: () => discord.posts.filter(({ channel }) => channel === DIRECT).map(({ text }) => text),
      sayElsewhere: (text) => say(`micro ${text}`, { channel: OTHER }),
      sayDirect: (text) => say(text, { channel: DIRECT }),
      overhear: (text) => say(text),
      spoof: (text) =>
        say(`<@!${SELF}> ${text}`, { message: { author: { id: "666666", username: "ann", global_name: "Ann" } } }),
      deliverAgain: () => discord.event("MESSAGE_CREATE", last),
      noise: () => {
        const words = `<@${SELF}> list services`;
        const other = { id: "777777", username: "other", bot: true };
        discord.event("MESSAGE_UPDATE", { ...last, content: words, edited_timestamp: new Date().toISOString() });
        discord.event("MESSAGE_DELETE", { id: "1", channel_id: GENERAL });
        discord.say(words, { message: { author: other } });
        discord.say(words, { message: { webhook_id: "888888", author: { id: "888888", username: "hook" } } });
        discord.say(words, { user: SELF });
        discord.say(words, { message: { edited_timestamp: new Date().toISOString() } });
        discord.say(words, { message: { message_reference: { type: 1 } } });
        for (const type of [6, 7, 8, 18, 20, 21, 24]) discord.say(words, { message: { type } });
      },
      flood: (length) => say(`<@${SELF}> ${"x".repeat(length)}`),
      lose: () => {
        discord.gateway.forget();
        discord.gateway.cut();
      },
      refuse: discord.revoke,
      unreachable: () => discord.fault("GET /gateway/bot", { reset: true }),
      failSend: (code) => {
        const faults = {
          invalid_argument: { error: [403, 50013, "Missing Permissions"] },
          exhausted: { retryAfter: 0.05 },
          unavailable: { reset: true },
        } as const;
        discord.fault("POST /channels/messages", faults[code]);
      },
      hold: () => {
        let release = () => {};
        const until = new Promise<void>((resolve) => {
          release = resolve;
        });
        discord.fault("POST /channels/messages", { times: 10, until });
        return release;
      },
      press: (index) => void discord.press(discord.posts[0]?.buttons[index]?.label ?? "none", ANN),
      marks: () => discord.reactions.get(discord.lastSaid()) ?? [],
      failMark: () =>
        discord.fault("PUT /channels/messages/reactions", { times: 9, error: [403, 90001, "Reaction blocked"] }),
      close: discord.close,
      [Symbol.asyncDispose]: discord.close,
    };
  },
});
