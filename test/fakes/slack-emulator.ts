import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { freePort } from "./free-port.ts";
import type { Block } from "./slack-blocks.ts";

/** A message as the emulator keeps it; we read only these. */
export interface EmulatedMessage {
  readonly ts: string;
  readonly channel_id: string;
  readonly user: string;
  readonly text: string;
  readonly thread_ts?: string;
  /** Only this person sees it. */
  readonly target_user?: string;
  readonly blocks?: readonly Block[];
  readonly reactions?: readonly { readonly name: string; readonly users: readonly string[] }[];
  readonly files?: readonly { readonly file_id: string; readonly name: string; readonly content_base64?: string }[];
}

interface Collection<T> {
  all(): T[];
  insert(row: object): T;
  update(id: number, row: object): T;
}

interface Delivery {
  readonly payload: Payload;
  readonly status_code: number | null;
}

interface Payload {
  readonly event: { readonly type: string; readonly user?: string; readonly ts?: string };
}

interface Dispatcher {
  register(hook: object): void;
  dispatch(event: string, action: undefined, payload: Payload, owner: string): Promise<void>;
  getDeliveries(): readonly Delivery[];
}

interface Emulator {
  readonly url: string;
  readonly store: { collection<T>(name: string, indexes: readonly string[]): Collection<T> };
  readonly webhooks: Dispatcher;
  close(): Promise<void>;
}

type Who = "ann" | "spoofer" | "stranger" | "other-bot";

/**
 * `emulate`, a Slack that others wrote (`servers.md §11`): a Web API with a state, and signed events over HTTP. What it
 * lacks: Socket Mode, slash commands, presses, 429s, sending again, `app_mention`, tokens that are refused.
 */
export interface SlackEmulator extends Closable {
  readonly apiUrl: string;
  readonly token: string;
  readonly signingSecret: string;
  readonly botUser: string;
  /** A room that ann, bob and the bot are in; ann's talk with the bot. */
  readonly channel: string;
  readonly direct: string;
  /** What was said in every room, oldest first, and what only one person sees. */
  messages(): readonly EmulatedMessage[];
  /** Who has a token does something with the Web API. */
  call(who: Who, method: string, args: Readonly<Record<string, string>>): Promise<object>;
  /** Says something and waits until it is said, not until the bot has acknowledged it. @returns its `ts` */
  say(who: Who, channel: string, markup: string): Promise<string>;
  /** Sends the event of a message once more, newly signed. */
  again(ts: string): void;
  /** Whether the event of a message was answered 200. */
  acked(ts: string): boolean;
}

let copy: Promise<(init: object) => Promise<Emulator>> | undefined;

/** @param port where the bot listens */
export async function slackEmulator(port: number): Promise<SlackEmulator> {
  const signingSecret = "emulated-signing-secret";
  const tokens = {
    bot: "xoxb-emulated-bot",
    ann: "xoxp-ann",
    spoofer: "xoxp-spoofer",
    stranger: "xoxp-stranger",
    "other-bot": "xoxb-other",
  };
  copy ??= readCopy();
  const createEmulator = await copy;
  const emulator = await createEmulator({
    service: "slack",
    port: await freePort(),
    seed: {
      slack: {
        signing_secret: signingSecret,
        users: [
          { name: "ann", real_name: "Ann", profile: { display_name: "Ann" } },
          { name: "spoofer", real_name: "Ann", profile: { display_name: "Ann" } },
          { name: "stranger" },
        ],
        oauth_apps: [
          { client_id: "1", client_secret: "x", name: "micro", redirect_uris: [], bot_user_id: "UBOT" },
          { client_id: "2", client_secret: "x", name: "other", redirect_uris: [], bot_user_id: "UOTHER" },
        ],
        tokens: [
          { token: tokens.bot, type: "bot", user_id: "UBOT" },
          { token: tokens["other-bot"], type: "bot", user_id: "UOTHER" },
          { token: tokens.ann, type: "user", user: "ann" },
          { token: tokens.spoofer, type: "user", user: "spoofer" },
          { token: tokens.stranger, type: "user", user: "stranger" },
        ],
        channels: [{ name: "ops" }],
      },
    },
  });
  const { store, webhooks } = emulator;
  const messages = store.collection<EmulatedMessage>("slack.messages", ["ts", "channel_id"]);
  const whispers = store.collection<EmulatedMessage>("slack.ephemeral_messages", ["ts", "channel_id", "target_user"]);
  const users = store.collection<{ readonly id: number; readonly name: string; readonly user_id: string }>(
    "slack.users",
    ["user_id", "email"],
  );
  const stranger = users.all().find(({ name }) => name === "stranger");
  if (stranger) users.update(stranger.id, { team_id: "T9" });

  const sent: Payload[] = [];
  const dispatch = webhooks.dispatch.bind(webhooks);
  webhooks.dispatch = (event, action, payload, owner) => {
    sent.push(payload);
    return dispatch(event, action, payload, owner);
  };
  webhooks.register({ url: `http://127.0.0.1:${port}/slack/events`, events: ["*"], active: true, owner: "slack" });

  const call: SlackEmulator["call"] = (who, method, args) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${tokens[who]}`,
        "content-type": "application/x-www-form-urlencoded",
      };
      const asking = request(
        `${emulator.url}/api/${method}`,
        { method: "POST", agent: false, headers },
        async (got) => {
          const chunks: Buffer[] = [];
          for await (const chunk of got) chunks.push(chunk as Buffer);
          const answer = JSON.parse(Buffer.concat(chunks).toString()) as { ok: boolean; error?: string };
          if (answer.ok) resolve(answer);
          else reject(new Error(`${method}: ${answer.error}`));
        },
      );
      asking.on("error", reject);
      asking.end(new URLSearchParams(args).toString());
    });

  const everyone = store.collection<{ readonly id: number; readonly channel_id: string; readonly name: string }>(
    "slack.channels",
    ["channel_id", "name"],
  );
  const channel = everyone.all().find(({ name }) => name === "ops")?.channel_id ?? "";
  const opened = (await call("ann", "conversations.open", { users: "UBOT" })) as { channel: { id: string } };

  return {
    apiUrl: `${emulator.url}/api/`,
    token: tokens.bot,
    signingSecret,
    botUser: "UBOT",
    channel,
    direct: opened.channel.id,
    messages: () => [...messages.all(), ...whispers.all()].sort((a, b) => (a.ts < b.ts ? -1 : 1)),
    call,
    say: async (who, at, text) => {
      const before = messages.all().length;
      let failed: Error | undefined;
      // It is answered only when its event was: the bot may take its time, or be gone.
      call(who, "chat.postMessage", { channel: at, text }).catch((error: Error) => {
        failed = error;
      });
      for (const until = Date.now() + 4000; Date.now() < until; ) {
        const said = messages
          .all()
          .slice(before)
          .find((message) => message.text === text);
        if (said !== undefined) return said.ts;
        if (failed !== undefined) throw failed;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      throw new Error(`chat.postMessage: not said in 4 s: ${text.slice(0, 100)}`);
    },
    again: (ts) => {
      const payload = sent.find(({ event }) => event.ts === ts);
      if (payload) void webhooks.dispatch("message", undefined, payload, "slack");
    },
    acked: (ts) =>
      webhooks.getDeliveries().some(({ payload, status_code }) => payload.event.ts === ts && status_code === 200),
    ...closable(() => emulator.close()),
  };
}

/**
 * The published package offers no way to name the address for events, so a copy of its one file is read that also gives
 * away its dispatcher and its state.
 */
async function readCopy(): Promise<(init: object) => Promise<Emulator>> {
  const original = join(import.meta.dirname, "../../node_modules/emulate/dist/api.js");
  const text = await readFile(original, "utf8");
  const given = "      url: baseUrl,\n      generatedSecrets,\n      reset() {";
  if (!text.includes(given)) throw new Error("emulate is not the version that this was written for: 0.12.2");
  const folder = await mkdtemp(join(tmpdir(), "micro-emulate-"));
  try {
    const file = join(folder, "api.mjs");
    await writeFile(
      file,
      text
        .replace(given, given.replace("url: baseUrl,", "url: baseUrl, store, webhooks,"))
        .replaceAll(/(from |import |import\()"\.\//g, `$1"${new URL("./", pathToFileURL(original))}`)
        .replace(/^\/\/# sourceMappingURL=.*$/m, "")
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(original).href)),
    );
    const { createEmulator } = (await import(pathToFileURL(file).href)) as {
      readonly createEmulator: (init: object) => Promise<Emulator>;
    };
    return createEmulator;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
