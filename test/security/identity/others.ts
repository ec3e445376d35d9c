import { join } from "node:path";
import { PassThrough } from "node:stream";
import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import { localInput } from "../../../src/inputs/local/local.ts";
import { userName } from "../../../src/inputs/local/users.ts";
import { provenChat } from "../../fakes/chat-socket.ts";
import { ANN as DISCORD_ANN } from "../../fakes/discord.ts";
import { hubotChat } from "../../fakes/hubot-chat.ts";
import { collector } from "../../fakes/run-program.ts";
import { GROUP, ANN as TELEGRAM_ANN } from "../../fakes/telegram.ts";
import { discordAt, folderAt, telegramAt } from "../places.ts";
import type { StageRow } from "./stage.ts";

const ONE_WORLD = "there is one world of accounts";

export const telegram: StageRow = {
  name: "telegram",
  open: async (scene) => {
    const { telegram, input } = await telegramAt(scene);
    let names: object = { first_name: "Ann", username: "ann" };
    const as = (id: number, facts: object) => (line: string) =>
      void telegram.say(line, { user: id, chat: id, message: { from: { id, is_bot: false, ...facts } } });
    return {
      input,
      ann: `telegram:${TELEGRAM_ANN}`,
      say: (line) => as(TELEGRAM_ANN, names)(line),
      others: {
        "another account": as(7, { first_name: "Bob" }),
        "another account under her name": as(8, { first_name: "Ann", username: "ann" }),
        "another account whose name is her id": as(9, {
          first_name: String(TELEGRAM_ANN),
          username: String(TELEGRAM_ANN),
        }),
        "somebody called admin/x": as(10, { first_name: `${TELEGRAM_ANN}/x`, username: "admin" }),
        "the same name on another host": ONE_WORLD,
        "a foreign workspace": ONE_WORLD,
      },
      strangers: {
        "a guest account": "Telegram has none; --telegram_whitelist names who is heard",
        "a foreign account": ONE_WORLD,
        "an account that was deleted": "Telegram does not tell; nobody speaks by it",
        "somebody whom nobody vouches for": (line) => {
          const chat = { id: GROUP, title: "Ann" };
          telegram.say(`@micro_test_bot ${line}`, {
            chat: GROUP,
            message: { from: { id: 1087968824, is_bot: true }, sender_chat: chat },
          });
        },
      },
      changes: {
        "a nick of her own choice": () => {
          names = { first_name: "Ann", username: "admin" };
        },
        "another name in the directory": () => {
          names = { first_name: "admin/x", last_name: "Jones" };
        },
      },
      deleted: "Telegram does not tell; nobody speaks by it",
    };
  },
};

export const discord: StageRow = {
  name: "discord",
  open: async (scene) => {
    const { discord, input } = await discordAt(scene);
    let names: object = { author: { id: DISCORD_ANN, username: "ann", global_name: "Ann" } };
    const as = (id: string, username: string, nick?: string) => (line: string) =>
      void discord.say(`micro ${line}`, {
        message: { author: { id, username, global_name: username }, ...(nick && { member: { nick } }) },
      });
    return {
      input,
      ann: `discord:${DISCORD_ANN}`,
      say: (line) => void discord.say(`micro ${line}`, { message: names }),
      others: {
        "another account": as("7", "bob"),
        "another account under her name": as("8", "ann", "Ann"),
        "another account whose name is her id": as("9", DISCORD_ANN, DISCORD_ANN),
        "somebody called admin/x": as("10", `${DISCORD_ANN}/x`, "admin/x"),
        "the same name on another host": ONE_WORLD,
        "a foreign workspace": ONE_WORLD,
      },
      strangers: {
        "a guest account": "Discord has none; --discord_whitelist names who is heard",
        "a foreign account": ONE_WORLD,
        "an account that was deleted": "Discord does not tell; nobody speaks by it",
        "somebody whom nobody vouches for": "a webhook, which is never heard",
      },
      changes: {
        "a nick of her own choice": () => {
          names = { author: { id: DISCORD_ANN, username: "ann" }, member: { nick: "admin/x" } };
        },
        "another name in the directory": () => {
          names = { author: { id: DISCORD_ANN, username: "jones", global_name: "Jones" } };
        },
      },
      deleted: "Discord does not tell; nobody speaks by it",
    };
  },
};

/** The adapter is one that `--hubot_trusted` names. */
export const hubot: StageRow = {
  name: "hubot",
  open: async ({ later }) => {
    const chat = await hubotChat();
    later(chat.close);
    let user: object = { id: "U1", name: "ann" };
    const as = (who: object) => (line: string) => chat.say(`@micro ${line}`, { user: who });
    return {
      input: hubotInput({ ...chat.init, trusted: true })(),
      ann: "hubot:./hubot-adapter.mjs:U1",
      say: (line) => as(user)(line),
      others: {
        "another account": as({ id: "U2", name: "bob" }),
        "another account under her name": as({ id: "U3", name: "ann" }),
        "another account whose name is her id": as({ id: "U4", name: "U1" }),
        "somebody called admin/x": as({ id: "U1/x", name: "U1/x" }),
        "the same name on another host": "what an id is, the adapter says",
        "a foreign workspace": "what an id is, the adapter says",
      },
      strangers: {
        "a guest account": "Hubot knows none",
        "a foreign account": "Hubot knows none",
        "an account that was deleted": "Hubot does not tell",
        "somebody whom nobody vouches for": "a message of an adapter has always a user",
      },
      changes: {
        "a nick of her own choice": () => {
          user = { id: "U1", name: "admin/x" };
        },
        "another name in the directory": () => {
          user = { id: "U1", name: "jones" };
        },
      },
      deleted: "Hubot does not tell",
    };
  },
};

/** The adapter is none of those: it vouches for nobody. */
export const untrusted: StageRow = {
  name: "hubot with an adapter that is not trusted",
  open: async (scene) => {
    const stage = await hubot.open(scene);
    const chat = await hubotChat();
    scene.later(chat.close);
    const input = hubotInput(chat.init)();
    const nobody = "nobody is anybody";
    return {
      ...stage,
      input,
      ann: "",
      say: () => {},
      others: Object.fromEntries(Object.keys(stage.others).map((key) => [key, nobody])) as typeof stage.others,
      strangers: {
        ...stage.strangers,
        "somebody whom nobody vouches for": (line) => chat.say(`@micro ${line}`, { user: { id: "U1", name: "ann" } }),
      },
      changes: Object.fromEntries(Object.keys(stage.changes).map((key) => [key, nobody])) as typeof stage.changes,
    };
  },
};

/** Ann is the OS user that this runs as; others are tried among real users in `test/app/chat.test.ts`. */
export const local: StageRow = {
  name: "local",
  open: async (scene) => {
    const path = join(folderAt(scene), "chat.sock");
    const ann = await userName(process.getuid?.() ?? 0);
    let claims: object = {};
    const others = "it takes another user of the machine; test/app/chat.test.ts has them";
    return {
      input: localInput({ path })(),
      ann: `local:${ann}`,
      say: async (line) => {
        const chat = await provenChat(path, claims);
        scene.later(chat.destroy);
        chat.write(`${JSON.stringify({ type: "say", id: 1, text: line, ...claims })}\n`);
      },
      others: {
        "another account": others,
        "another account under her name": others,
        "another account whose name is her id": others,
        "somebody called admin/x": others,
        "the same name on another host": "the machine is the host",
        "a foreign workspace": "the machine is the host",
      },
      strangers: {
        "a guest account": "the machine knows its users",
        "a foreign account": "the machine is the host",
        "an account that was deleted": "a user without a name is a number, and nobody's name",
        "somebody whom nobody vouches for": "who proves nothing is hung up on",
      },
      changes: {
        "a nick of her own choice": () => {
          claims = { user: "eve", name: "admin/x" };
        },
        "another name in the directory": "who is called otherwise is another user for it: a policy names the name",
      },
      deleted: "a user without a name is a number, and nobody's name",
    };
  },
};

/** Whoever sits there is who the operating system says. */
export const terminal: StageRow = {
  name: "terminal",
  open: async ({ kit, later }) => {
    const input = new PassThrough();
    later(() => void input.end());
    const one = "one person sits there";
    return {
      input: kit.terminalInput({ input, output: collector(), user: "ann" })(),
      ann: "terminal:ann",
      say: (line) => void input.write(`${line}\n`),
      others: {
        "another account": one,
        "another account under her name": one,
        "another account whose name is her id": one,
        "somebody called admin/x": one,
        "the same name on another host": one,
        "a foreign workspace": one,
      },
      strangers: {
        "a guest account": one,
        "a foreign account": one,
        "an account that was deleted": one,
        "somebody whom nobody vouches for": one,
      },
      changes: { "a nick of her own choice": one, "another name in the directory": one },
      deleted: one,
    };
  },
};
