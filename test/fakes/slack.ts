import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { type Block, refusedBlocks, shownBlocks } from "./slack-blocks.ts";
import { shown, typed } from "./slack-markup.ts";
import { type SlackPeople, type Surroundings, slackPeople } from "./slack-people.ts";
import { type SlackSockets, slackSockets } from "./slack-socket.ts";
import { type Answer, type Arguments, type Call, type Fault, type Method, slackHttp } from "./slack-web-api.ts";

/** One workspace with a bot in it: Web API over HTTP, Socket Mode over WebSockets, people who speak. */
export interface FakeSlack extends Closable {
  /** `http://127.0.0.1:…/api/` */
  readonly apiUrl: string;
  /** Of 127.0.0.1, wherever it seems to be. */
  readonly port: number;
  readonly token: string;
  readonly appToken: string;
  /** `T1`, `UBOT`. */
  readonly team: string;
  readonly botUser: string;
  readonly sockets: SlackSockets;
  /** What the bot said, as people see it, oldest first. */
  readonly posts: readonly Post[];
  /** Timestamps of those that are deleted. */
  readonly removed: ReadonlySet<string>;
  readonly calls: readonly Call[];
  /** What people do beside writing: slash commands, presses, forms, home tabs; and what they see beside channels. */
  readonly people: SlackPeople;
  /** A person speaks; the bot hears it as Slack tells it: a mention in a channel is two events. */
  say(text: string, how?: Say): Said;
  /** Somebody edits (`message_changed`), or deletes, what was said. */
  edit(said: Said, text: string): void;
  remove(said: Pick<Said, "channel" | "ts">): void;
  /** Another bot speaks, the old way with a subtype or the new way without. */
  botSays(text: string, subtype?: "bot_message"): void;
  /** An event of any shape, in a payload with everything that Slack adds. @param at the workspace it is for */
  event(event: object, payload?: object, at?: string): string;
  user(id: string, facts?: object): void;
  /** The app is installed in another workspace, too. */
  install(installation: Installation): void;
  /** The app is removed from a workspace. */
  uninstall(team: string): void;
  channel(id: string, facts?: Channel): void;
  /** What goes wrong with the next calls of a method. */
  fault(method: string, fault: Fault): void;
  /** Both tokens are worthless from now on. */
  revoke(): void;
  /** New sockets are not greeted. */
  mute(): void;
  /** Whether any event of what was said has been acknowledged. */
  acked(said: Said): boolean;
  /** Slack is away: nobody listens, all sockets are cut. What people say meanwhile is told to the next socket. */
  kill(): Promise<void>;
  /** It is back, at the same address. */
  restart(): Promise<void>;
}

interface Say {
  /** Default `C1`; ids of direct talks begin with D. */
  readonly channel?: string;
  /** Default `U1`. */
  readonly user?: string;
  readonly thread?: string;
  /** Slack Connect: the workspace of the person. */
  readonly team?: string;
  /** The workspace where it is said, as an installation of the app hears it. Default the first. */
  readonly workspace?: string;
  /** `text` is markup already. */
  readonly raw?: boolean;
  /** More facts of the event: `subtype`, `files`. */
  readonly event?: object;
}

export interface Said {
  readonly channel: string;
  readonly ts: string;
  readonly user: string;
  readonly eventIds: readonly string[];
}

interface Post {
  readonly channel: string;
  readonly ts: string;
  /** How often it was changed; the rest is as it is now. */
  readonly edits: number;
  readonly thread?: string;
  /** As it was sent. */
  readonly markup: string;
  /** As people see it. */
  readonly text: string;
  /** What would act: links, mentions. */
  readonly live: readonly string[];
  readonly file?: { readonly name: string; readonly text: string; readonly png?: Uint8Array };
  /** Sections and buttons, instead of the text. */
  readonly blocks?: readonly Block[];
  readonly args: Arguments;
  /** The workspace whose token was used. */
  readonly team: string;
}

/** Where else the app is installed. */
interface Installation {
  readonly team: string;
  readonly botUser: string;
  readonly token: string;
}

interface Channel {
  readonly archived?: boolean;
  /** The bot was not invited. */
  readonly absent?: boolean;
}

/** How events leave Slack: over a socket, or as signed requests. */
export interface Deliveries {
  deliver(payload: { readonly event_id: string }): void;
  readonly acked: readonly string[];
}

export interface FakeSlackInit {
  /** Where it seems to be, to who reaches it through something else: `https://192.0.2.1`. Default where it listens. */
  readonly seenAt?: string;
  /** How long Slack waits for an ack. Default 3000. */
  readonly ackMs?: number;
  /** Default over sockets. */
  readonly deliveries?: Deliveries;
  /** How slash commands and presses leave Slack. Default over sockets; gives a name for what was handed over. */
  readonly hand?: (type: "slash_commands" | "interactive", payload: object) => string;
}

export async function fakeSlack(init: FakeSlackInit = {}): Promise<FakeSlack> {
  const { ackMs = 3000, deliveries, hand } = init;
  const team = "T1";
  const botUser = "UBOT";
  const token = "xoxb-1111-2222-planted-bot-secret";
  const appToken = "xapp-1-A1-3333-planted-app-secret";
  const names = new Map([
    ["@micro", `<@${botUser}>`],
    ["@here", "<!here>"],
    ["#general", "<#C1|general>"],
  ]);
  const users = new Map<string, object>();
  const channels = new Map<string, Channel>([
    ["C1", {}],
    ["C2", {}],
    ["G1", {}],
    ["D1", {}],
  ]);
  const posts: Post[] = [];
  const removed = new Set<string>();
  const uploads = new Map<string, { name: string; text: string; png?: Uint8Array }>();
  let valid = true;
  let greeting = true;
  let count = 0;

  const seconds = () => Math.floor(Date.now() / 1000);
  const timestamp = () => `${seconds()}.${String(++count).padStart(6, "0")}`;

  const installations: Installation[] = [{ team, botUser, token }];
  const installed = (given: string) => installations.find((one) => one.token === given);

  const event = (event: object, payload: object = {}, at = team): string => {
    const event_id = `Ev${++count}`;
    const bot = installations.find((one) => one.team === at)?.botUser ?? botUser;
    (deliveries ?? sockets).deliver({
      token: "verification",
      team_id: at,
      context_team_id: at,
      context_enterprise_id: null,
      api_app_id: "A1",
      event,
      type: "event_callback",
      event_id,
      event_time: seconds(),
      authorizations: [{ enterprise_id: null, team_id: at, user_id: bot, is_bot: true, is_enterprise_install: false }],
      is_ext_shared_channel: false,
      event_context: `4-${event_id}`,
      ...payload,
    } as { event_id: string });
    return event_id;
  };

  const say: FakeSlack["say"] = (text, how = {}) => {
    const { channel = "C1", user = "U1", workspace = team } = how;
    const bot = installations.find((one) => one.team === workspace)?.botUser ?? botUser;
    const ts = timestamp();
    const markup = how.raw ? text : typed(text, names);
    const common = {
      client_msg_id: `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`,
      text: markup,
      user,
      ts,
      team: how.team ?? workspace,
      ...(how.team && { user_team: how.team, source_team: how.team }),
      ...(how.thread && { thread_ts: how.thread, parent_user_id: "U1" }),
      channel,
      event_ts: ts,
      ...how.event,
    };
    const payload = { is_ext_shared_channel: how.team !== undefined };
    const kind = { C: "channel", G: "group", D: "im", M: "mpim" }[channel[0] ?? "C"];
    const eventIds = [event({ type: "message", ...common, channel_type: kind }, payload, workspace)];
    const mentioned = markup.includes(`<@${bot}>`) || markup.includes(`<@${bot}|`);
    if (mentioned && kind !== "im") eventIds.push(event({ type: "app_mention", ...common }, payload, workspace));
    return { channel, ts, user, eventIds };
  };

  const refused = (channel: string): string | undefined => {
    const place = channels.get(channel);
    if (place === undefined) return "channel_not_found";
    if (place.archived) return "is_archived";
    return place.absent ? "not_in_channel" : undefined;
  };

  /** What people see: the blocks, where there are any. Both must be harmless, since notifications show the text. */
  const seen = (markup: string, blocks: readonly Block[] | undefined) =>
    blocks?.length
      ? { text: shownBlocks(blocks).text, live: [...shown(markup).live, ...shownBlocks(blocks).live], blocks }
      : shown(markup);

  /** Slack tells a bot what it said itself, like anything else that is said. */
  const post = (args: Arguments, markup: string, given: string, file?: Post["file"]): Answer => {
    const { team: by, botUser: bot } = installed(given) ?? { team, botUser };
    const where = args["channel"] ?? args["channel_id"] ?? "";
    // A person's id stands for the direct talk with them, but not where a file is to go.
    const person = users.has(where) && file === undefined;
    const channel = person ? `D${where}` : where;
    if (person) channels.set(channel, {});
    const error = refused(channel);
    if (error !== undefined) return { error };
    const blocks = args["blocks"] === undefined ? undefined : (JSON.parse(args["blocks"]) as readonly Block[]);
    const wrong = blocks && refusedBlocks(blocks, "message");
    if (wrong !== undefined) return { error: wrong };
    if (markup === "" && file === undefined) return { error: "no_text" };
    if (markup.length > 40_000) return { error: "msg_too_long" };
    const thread = args["thread_ts"];
    const ts = timestamp();
    posts.push({
      channel,
      ts,
      edits: 0,
      ...(thread && { thread }),
      markup,
      ...seen(markup, blocks),
      ...(file && { file }),
      args,
      team: by,
    });
    const own = {
      type: "message",
      user: bot,
      bot_id: "B1",
      app_id: "A1",
      team: by,
      channel,
      text: markup,
      ts,
      event_ts: ts,
    };
    event({ ...own, channel_type: "channel", ...(thread && { thread_ts: thread }) }, {}, by);
    return { channel, ts, message: { ...own } };
  };

  /** Slack tells the bot of its own edits, too. */
  const update = (args: Arguments): Answer => {
    const { channel = "", ts = "", text = "" } = args;
    const at = posts.findIndex((post) => post.channel === channel && post.ts === ts);
    const before = posts[at];
    if (before === undefined || removed.has(ts)) return { error: "message_not_found" };
    if (text === "") return { error: "no_text" };
    if (text.length > 4000) return { error: "msg_too_long" };
    const given = args["blocks"] === undefined ? undefined : (JSON.parse(args["blocks"]) as readonly Block[]);
    const wrong = given && refusedBlocks(given, "message");
    if (wrong !== undefined) return { error: wrong };
    // Blocks that an update does not speak of stay.
    const { blocks: old, ...rest } = before;
    posts[at] = { ...rest, edits: before.edits + 1, markup: text, ...seen(text, given ?? old), args };
    const stamp = timestamp();
    const message = { type: "message", user: botUser, bot_id: "B1", text, ts, edited: { user: botUser, ts: stamp } };
    event({
      type: "message",
      subtype: "message_changed",
      hidden: true,
      channel,
      message,
      ts: stamp,
      event_ts: stamp,
      channel_type: "channel",
    });
    return { channel, ts, text };
  };

  /** What was said in a channel, newest first; or in a thread, oldest first. */
  const told = (channel: string, thread: string | undefined, limit: number, oldest = "0"): Answer => {
    const error = refused(channel);
    if (error !== undefined) return { error };
    const there = posts.filter((one) => one.channel === channel && one.thread === thread && one.ts >= oldest);
    const messages = there.map(({ ts, markup, args }) => ({
      type: "message",
      ts,
      text: markup,
      ...(args["metadata"] && { metadata: JSON.parse(args["metadata"]) as object }),
    }));
    return { messages: thread === undefined ? messages.reverse().slice(0, limit) : messages.slice(0, limit) };
  };

  const withBot =
    (method: Method): Method =>
    (args, given) => {
      if (given === "") return { error: "not_authed" };
      if (given === appToken) return { error: "not_allowed_token_type" };
      return valid && installed(given) ? method(args, given) : { error: "invalid_auth" };
    };

  const around: Surroundings = {
    team,
    address: () => address(),
    timestamp,
    refused,
    posts,
    hand: (type, payload) => hand?.(type, payload) ?? sockets.hand(type, payload),
    event: (happened) => event(happened),
  };
  const { people, methods, respond } = slackPeople(around);

  const http = slackHttp(
    {
      ...Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, withBot(method)])),
      "auth.test": withBot((_args, given) => ({
        url: "https://team.slack.com/",
        team: "Team",
        user: "micro",
        team_id: installed(given)?.team,
        user_id: installed(given)?.botUser,
        bot_id: "B1",
      })),
      "apps.connections.open": (_args, given) => {
        if (given === token) return { error: "not_allowed_token_type" };
        return valid && given === appToken ? { url: sockets.ticket() } : { error: "invalid_auth" };
      },
      "users.info": withBot(({ user = "" }) => {
        const found = users.get(user);
        return found ? { user: { id: user, ...found } } : { error: "user_not_found" };
      }),
      "conversations.info": withBot(({ channel = "" }) =>
        channels.has(channel)
          ? { channel: { id: channel, name: channel.toLowerCase() } }
          : { error: "channel_not_found" },
      ),
      "conversations.history": withBot(({ channel = "", limit = "100" }) => told(channel, undefined, Number(limit))),
      "conversations.replies": withBot(({ channel = "", ts = "", limit = "100", oldest = "0" }) =>
        told(channel, ts, Number(limit), oldest),
      ),
      "chat.postMessage": withBot((args, given) => post(args, args["text"] ?? "", given)),
      "chat.update": withBot(update),
      "files.getUploadURLExternal": withBot(({ filename = "", length = "0" }) => {
        if (Number(length) === 0) return { error: "invalid_arguments" };
        const file_id = `F${++count}`;
        uploads.set(file_id, { name: filename, text: "" });
        return { file_id, upload_url: `${address()}/upload/${file_id}` };
      }),
      "files.completeUploadExternal": withBot((args, given) => {
        const [file] = JSON.parse(args["files"] ?? "[]") as { id: string }[];
        const upload = uploads.get(file?.id ?? "");
        if (upload === undefined) return { error: "file_not_found" };
        const posted = post(args, args["initial_comment"] ?? "", given, upload);
        return "error" in posted ? posted : { files: [{ id: file?.id }] };
      }),
    },
    (id, bytes) => {
      const upload = uploads.get(id);
      if (upload === undefined) return;
      upload.text = bytes.toString();
      if (upload.name.endsWith(".png")) upload.png = new Uint8Array(bytes);
    },
    respond,
  );
  http.server.on("upgrade", (request, socket, head) => sockets.upgrade(request, socket, head));
  http.server.listen(0, "127.0.0.1");
  await once(http.server, "listening");
  const { port } = http.server.address() as AddressInfo;
  const address = () => init.seenAt ?? `http://127.0.0.1:${port}`;
  const sockets = slackSockets(address, { ackMs, hello: () => greeting });

  const user: FakeSlack["user"] = (id, facts = {}) => {
    users.set(id, {
      team_id: team,
      name: id.toLowerCase(),
      real_name: `Person ${id}`,
      is_bot: false,
      profile: {},
      ...facts,
    });
  };
  user("U1", { name: "ann", profile: { display_name: "Ann" } });
  user("U2");
  user(botUser, { is_bot: true });

  return {
    apiUrl: `${address()}/api/`,
    port,
    token,
    appToken,
    team,
    botUser,
    sockets,
    posts,
    removed,
    calls: http.calls,
    people,
    say,
    edit: ({ channel, ts, user }, text) => {
      const message = { type: "message", text: typed(text, names), user, ts, team, edited: { user, ts: timestamp() } };
      const stamp = timestamp();
      event({
        type: "message",
        subtype: "message_changed",
        hidden: true,
        channel,
        message,
        ts: stamp,
        event_ts: stamp,
        channel_type: "channel",
      });
      // Slack tells of a mention in an edit like of any other, only with `edited`.
      if (message.text.includes(`<@${botUser}>`)) event({ ...message, type: "app_mention", channel, event_ts: stamp });
    },
    remove: ({ channel, ts }) => {
      removed.add(ts);
      const stamp = timestamp();
      event({
        type: "message",
        subtype: "message_deleted",
        hidden: true,
        channel,
        deleted_ts: ts,
        ts: stamp,
        event_ts: stamp,
        channel_type: "channel",
      });
    },
    botSays: (text, subtype) => {
      const ts = timestamp();
      const who = subtype ? { subtype, username: "other" } : { user: "UOTHER", team };
      const common = { bot_id: "B9", text: typed(text, names), channel: "C1", ts, event_ts: ts, ...who };
      event({ type: "message", ...common, channel_type: "channel" });
      if (common.text.includes(`<@${botUser}>`)) event({ type: "app_mention", ...common });
    },
    event,
    user,
    install: (installation) => {
      installations.push(installation);
      names.set(`@${installation.botUser.toLowerCase()}`, `<@${installation.botUser}>`);
    },
    uninstall: (gone) => {
      installations.splice(
        installations.findIndex((one) => one.team === gone),
        1,
      );
    },
    channel: (id, facts = {}) => void channels.set(id, facts),
    fault: http.plan,
    revoke: () => {
      valid = false;
    },
    mute: () => {
      greeting = false;
    },
    acked: ({ eventIds }) => eventIds.some((id) => (deliveries ?? sockets).acked.includes(id)),
    kill: async () => {
      const gone = once(http.server, "close");
      http.server.close();
      sockets.cut();
      http.server.closeAllConnections();
      await gone;
    },
    restart: async () => {
      http.server.listen(port, "127.0.0.1");
      await once(http.server, "listening");
    },
    ...closable(async () => {
      sockets.close();
      http.server.closeAllConnections();
      http.server.close();
      await once(http.server, "close");
    }),
  };
}
