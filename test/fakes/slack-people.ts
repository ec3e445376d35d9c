import { type Block, buttons, labelOf, refusedBlocks, refusedView, shownBlocks, type View } from "./slack-blocks.ts";
import { shown } from "./slack-markup.ts";
import type { Answer, Arguments, Method } from "./slack-web-api.ts";

/** What only one person sees, or what was said by a response_url. */
export interface Whisper {
  readonly channel: string;
  readonly user: string;
  readonly thread?: string;
  readonly ts: string;
  readonly text: string;
  readonly live: readonly string[];
  readonly blocks?: readonly Block[];
  /** By a response_url. */
  readonly response: boolean;
}

/** What people do beside writing messages, and what they see beside channels. */
export interface SlackPeople {
  /** Types `/micro …`. Gives the envelope's id, as all of these do. */
  slash(text: string, how?: SlashHow): string;
  /** Presses the newest button with that label, wherever it is shown. */
  press(label: string, how?: PressHow): string;
  /** Sends off the form that was opened last, filled in by label; `true` ticks a box. */
  submit(values: Readonly<Record<string, string | true>>, how?: { readonly user?: string }): string;
  openHome(user?: string, tab?: "home" | "messages"): string;
  /** Newest last. */
  readonly whispers: readonly Whisper[];
  /** Forms that were opened, newest last. */
  readonly forms: readonly (View & { readonly id: string; readonly user: string })[];
  /** Home tabs by user: what they show. */
  readonly homes: ReadonlyMap<string, { readonly text: string; readonly live: readonly string[]; readonly view: View }>;
  /** Names of the bot's reactions on a message. */
  reactions(message: { readonly channel: string; readonly ts: string }): readonly string[];
  /** An address that takes five answers for somebody in a channel. */
  responseUrl(user: string, channel: string): string;
  /** No trigger opens a form from now on: three seconds have gone by. They do not by themselves, however slow a test is. */
  late(): void;
  /** What was done last is told once more, as it was. */
  again(): string;
}

interface SlashHow {
  readonly channel?: string;
  readonly user?: string;
  readonly command?: string;
  /** As it goes over the wire, whatever it holds. */
  readonly payload?: object;
}

interface PressHow {
  readonly user?: string;
  /** Slack Connect: the workspace of the person. */
  readonly team?: string;
  readonly payload?: object;
}

interface Board {
  readonly channel?: string;
  readonly ts: string;
  readonly thread?: string;
  readonly blocks?: readonly Block[];
  readonly only?: string;
  readonly home?: string;
}

/** The rest of a workspace, as `people` needs it. */
export interface Surroundings {
  readonly team: string;
  readonly address: () => string;
  readonly timestamp: () => string;
  /** Why the bot cannot speak in a channel. */
  readonly refused: (channel: string) => string | undefined;
  readonly posts: readonly Board[];
  /** Brings an envelope to the bot. */
  readonly hand: (type: "slash_commands" | "interactive", payload: object) => string;
  readonly event: (event: object) => string;
}

export function slackPeople(around: Surroundings): {
  readonly people: SlackPeople;
  readonly methods: Readonly<Record<string, Method>>;
  /** HTTP status for what is posted to a response_url. */
  readonly respond: (id: string, body: string) => number;
} {
  const { team, timestamp } = around;
  const whispers: Whisper[] = [];
  const forms: (View & { id: string; user: string })[] = [];
  const homes = new Map<string, { text: string; live: readonly string[]; view: View }>();
  const reactions = new Map<string, Set<string>>();
  const triggers = new Map<string, { readonly user: string; spent: boolean }>();
  const responses = new Map<string, { readonly user: string; readonly channel: string; left: number }>();
  let count = 0;
  let late = false;
  let last: readonly ["slash_commands" | "interactive", object] = ["interactive", {}];

  const hand = (type: "slash_commands" | "interactive", payload: object): string => {
    last = [type, payload];
    return around.hand(type, payload);
  };
  const trigger = (user: string): string => {
    const id = `${++count}.${team}.${"a".repeat(32)}`;
    triggers.set(id, { user, spent: false });
    return id;
  };
  const responseUrl = (user: string, channel: string): string => {
    const id = `R${++count}`;
    responses.set(id, { user, channel, left: 5 });
    return `${around.address()}/respond/${id}`;
  };
  const parse = (json: string | undefined): readonly Block[] | undefined =>
    json === undefined ? undefined : (JSON.parse(json) as readonly Block[]);

  const whisper = (args: Arguments): Answer => {
    const { channel = "", user = "", text = "", thread_ts: thread } = args;
    const refused = around.refused(channel);
    if (refused !== undefined) return { error: refused };
    if (user === "") return { error: "user_not_in_channel" };
    const blocks = parse(args["blocks"]);
    const wrong = blocks && refusedBlocks(blocks, "message");
    if (wrong !== undefined) return { error: wrong };
    if (text === "" && blocks === undefined) return { error: "no_text" };
    if (text.length > 3000) return { error: "msg_too_long" };
    const ts = timestamp();
    const seen = blocks?.length ? shownBlocks(blocks) : shown(text);
    whispers.push({
      channel,
      user,
      ts,
      ...(thread !== undefined && { thread }),
      ...seen,
      ...(blocks && { blocks }),
      response: false,
    });
    return { message_ts: ts };
  };

  const open = (args: Arguments): Answer => {
    const found = triggers.get(args["trigger_id"] ?? "");
    if (found === undefined) return { error: "invalid_trigger_id" };
    if (late) return { error: "expired_trigger_id" };
    if (found.spent) return { error: "exchanged_trigger_id" };
    const view = JSON.parse(args["view"] ?? "{}") as View;
    const wrong = refusedView(view);
    if (wrong !== undefined || view.type !== "modal") return { error: wrong ?? "invalid_arguments" };
    found.spent = true;
    const id = `V${++count}`;
    forms.push({ ...view, id, user: found.user });
    return { view: { id } };
  };

  const react = (args: Arguments, add: boolean): Answer => {
    const key = `${args["channel"]}/${args["timestamp"]}`;
    const name = args["name"] ?? "";
    const there = reactions.get(key) ?? new Set();
    reactions.set(key, there);
    if (add && there.has(name)) return { error: "already_reacted" };
    if (!add && !there.has(name)) return { error: "no_reaction" };
    if (add) there.add(name);
    else there.delete(name);
    return {};
  };

  const boards = (): readonly Board[] => [
    ...[...homes].map(([user, { view }]) => ({ home: user, ts: "", blocks: view.blocks ?? [] })),
    ...whispers.map(({ user, ...rest }) => ({ ...rest, only: user })),
    ...around.posts,
  ];

  const people: SlackPeople = {
    slash: (text, { channel = "C1", user = "U1", command = "/micro", payload } = {}) =>
      hand("slash_commands", {
        token: "verification",
        team_id: team,
        team_domain: "team",
        channel_id: channel,
        channel_name: channel.startsWith("D") ? "directmessage" : "general",
        user_id: user,
        user_name: user.toLowerCase(),
        command,
        text,
        api_app_id: "A1",
        is_enterprise_install: "false",
        response_url: responseUrl(user, channel),
        trigger_id: trigger(user),
        ...payload,
      }),
    press: (label, { user = "U1", team: home = team, payload } = {}) => {
      const board = boards().findLast(({ blocks }) => buttons(blocks).some((button) => labelOf(button) === label));
      const button = buttons(board?.blocks).find((one) => labelOf(one) === label);
      if (board === undefined || button === undefined) throw new Error(`no button ${label} is shown`);
      const { channel, ts, thread } = board;
      const where =
        channel === undefined
          ? {
              container: { type: "view", view_id: "VHOME" },
              view: { id: "VHOME", type: "home", team_id: team, app_installed_team_id: team },
            }
          : {
              container: {
                type: "message",
                message_ts: ts,
                channel_id: channel,
                is_ephemeral: board.only !== undefined,
                ...(thread !== undefined && { thread_ts: thread }),
              },
              channel: { id: channel, name: "general" },
              ...(board.only === undefined && { message: { type: "message", bot_id: "B1", ts, team, text: "said" } }),
              response_url: responseUrl(user, channel),
            };
      return hand("interactive", {
        type: "block_actions",
        user: { id: user, username: user.toLowerCase(), name: user.toLowerCase(), team_id: home },
        api_app_id: "A1",
        token: "verification",
        trigger_id: trigger(user),
        team: { id: team, domain: "team" },
        enterprise: null,
        is_enterprise_install: false,
        state: { values: {} },
        ...where,
        actions: [
          {
            action_id: button.action_id,
            block_id: "b1",
            text: button.text,
            value: button.value,
            type: "button",
            action_ts: timestamp(),
          },
        ],
        ...payload,
      });
    },
    submit: (values, { user } = {}) => {
      const form = forms.at(-1);
      if (form === undefined) throw new Error("no form is open");
      const inputs = (form.blocks ?? []).filter(({ type }) => type === "input");
      for (const name of Object.keys(values)) {
        if (!inputs.some(({ label }) => label?.text === name)) throw new Error(`the form has no field ${name}`);
      }
      const state = inputs.map(({ block_id = "", label, element = {} }) => {
        const given = values[String(label?.text)];
        return [block_id, { [element.action_id ?? ""]: stateOf(element, given) }];
      });
      const who = user ?? form.user;
      return hand("interactive", {
        type: "view_submission",
        team: { id: team, domain: "team" },
        user: { id: who, username: who.toLowerCase(), name: who.toLowerCase(), team_id: team },
        api_app_id: "A1",
        token: "verification",
        trigger_id: trigger(who),
        view: { ...form, team_id: team, app_installed_team_id: team, state: { values: Object.fromEntries(state) } },
        response_urls: [],
        is_enterprise_install: false,
        enterprise: null,
      });
    },
    openHome: (user = "U1", tab = "home") =>
      around.event({ type: "app_home_opened", user, channel: "D1", tab, event_ts: timestamp() }),
    whispers,
    forms,
    homes,
    reactions: ({ channel, ts }) => [...(reactions.get(`${channel}/${ts}`) ?? [])],
    responseUrl,
    late: () => {
      late = true;
    },
    again: () => around.hand(...last),
  };

  return {
    people,
    methods: {
      "chat.postEphemeral": whisper,
      "views.open": open,
      "views.publish": (args) => {
        const view = JSON.parse(args["view"] ?? "{}") as View;
        const wrong = refusedView(view);
        if (wrong !== undefined || view.type !== "home") return { error: wrong ?? "invalid_arguments" };
        homes.set(args["user_id"] ?? "", { ...shownBlocks(view.blocks ?? []), view });
        return { view: { id: "VHOME" } };
      },
      "reactions.add": (args) => react(args, true),
      "reactions.remove": (args) => react(args, false),
    },
    respond: (id, body) => {
      const found = responses.get(id);
      if (found === undefined || found.left === 0) return 404;
      found.left -= 1;
      const {
        text = "",
        blocks,
        thread_ts: thread,
      } = JSON.parse(body) as {
        readonly text?: string;
        readonly blocks?: readonly Block[];
        readonly thread_ts?: string;
      };
      if (text.length > 3000 || (blocks !== undefined && refusedBlocks(blocks, "message") !== undefined)) return 400;
      const { user, channel } = found;
      const seen = blocks === undefined ? shown(text) : shownBlocks(blocks);
      whispers.push({
        channel,
        user,
        ts: timestamp(),
        ...(thread && { thread }),
        ...seen,
        ...(blocks && { blocks }),
        response: true,
      });
      return 200;
    },
  };
}

/** How Slack tells what is in a field. */
function stateOf(element: Block, given: string | true | undefined): object {
  switch (element.type) {
    case "checkboxes":
      return { type: element.type, selected_options: given === undefined ? [] : (element.options ?? []) };
    case "static_select": {
      const picked = element.options?.find((option) => labelOf(option) === given);
      if (given !== undefined && picked === undefined) throw new Error(`there is no ${given} to pick`);
      return { type: element.type, selected_option: picked ?? null };
    }
    default:
      return { type: element.type, value: given ?? null };
  }
}
