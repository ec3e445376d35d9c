import { z } from "zod";
import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import { defineCommand } from "../../commands/command.ts";
import type { Extension, House } from "../../commands/house.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { Listening, Meant, Said } from "../listening.ts";
import type { CommandSource, Offer, Owned } from "../plugins.ts";
import { type BrainStore, createBrainStore } from "./brain-store.ts";
import { type Acted, createHost, type Host } from "./host.ts";
import { createHttpDoor, type HttpDoor } from "./http-door.ts";
import { eventOf, helpLines, listenerNames, reachedBy } from "./names.ts";
import { createPlaces } from "./places.ts";
import type { HeardText, OfferedScripts } from "./protocol.ts";
import { typedCommand } from "./typed.ts";

export interface HubotScriptsInit {
  /** The user's directory, with `external-scripts.json` and `node_modules`. */
  readonly cwd: string;
  /** Of the scripts. */
  readonly folder: string;
  /** What the bot is called. */
  readonly name: string;
  /** All that scripts see of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Scripts that may change things: what they do needs a grant and a yes, and stops while writes are paused. */
  readonly writes?: readonly string[];
  /** Where `robot.router` is asked over HTTP: `127.0.0.1:8080`. Left out: nowhere. */
  readonly http?: string;
  /** Where scripts speak that name a room without its network. */
  readonly defaultInput?: string;
  /** Memory of all scripts together. @default 256 */
  readonly memoryMb?: number;
  /** How long a script may run without a pause; then all of them are ended and begin again. @default 3000 */
  readonly hangMs?: number;
  /** How long loading may stand still. @default 20000 */
  readonly startMs?: number;
  /** How long all patterns may take for one message. @default 5000 */
  readonly hearMs?: number;
  /** How long what was told to act may be silent before the bot says so. @default 10000 */
  readonly quietMs?: number;
  /** Takes what is secret out of a text. */
  readonly redact?: (text: string) => string;
}

/** Hubot's scripts, as parts of a bot: give it all three. */
export interface HubotScripts {
  readonly source: CommandSource;
  readonly listening: Listening;
  readonly extension: (house: House) => Extension;
}

const text = z.object({ text: z.string().describe("what is said to the script") });

/**
 * Scripts that were written for Hubot, under the real `hubot`, in a thread of their own (`hubot.md`). Each listener is a command with
 * a name, so policy, limits, pause and audit hold for it; which of them act on a line only their patterns know.
 */
export function hubotScripts(init: HubotScriptsInit): HubotScripts {
  const { name, writes = [], hearMs = 5000, quietMs = 10_000, redact = (said) => said } = init;
  const places = createPlaces(init.defaultInput);
  let house: House | undefined;
  let host: Host | undefined;
  let brain: BrainStore | undefined;
  let door: HttpDoor | undefined;
  let offered: OfferedScripts | undefined;
  /** By the listener's index. */
  let commands: readonly AnyCommand[] = [];
  let tokens = 0;

  const running = (): Host => {
    if (host) return host;
    throw new MicroError("unavailable", "the Hubot scripts do not run");
  };
  const effectOf = (script: string) => (writes.includes(script) ? "write" : "read");
  const permissionOf = (script: string) => `hubot:${script}` as const;

  const heardText = ({ message, text, caller, guest, room }: Said, addressed: boolean): HeardText => ({
    id: message.id,
    text,
    addressed,
    name,
    room,
    from: { id: caller, name: message.from.name, guest },
  });

  /** Lets listeners act on what was heard under that number. */
  const act = (
    token: number,
    listeners: readonly number[],
    context: CommandContext,
    waitMs: number,
  ): Promise<Acted> => {
    places.remember(token, context.behalf, context.room, context.caller);
    return running().act(token, listeners, { signal: context.signal, quietMs: waitMs });
  };
  const answered = ({ words, more }: Acted, names: string) => {
    if (words.length > 0) return { said: words.join("\n") };
    return { said: more ? `${names} has said nothing until now; what it says comes here` : "" };
  };

  /** A listener that is called by its name: it acts only on what its pattern takes. */
  const listenerCommand = (index: number, title: string, facts: OfferedScripts): AnyCommand => {
    const { script, pattern, kind } = facts.listeners[index] as OfferedScripts["listeners"][number];
    const first = facts.listeners.findIndex((one) => one.script === script) === index;
    const event = eventOf(kind);
    const when = event === undefined ? `on what its ${kind} takes` : `when ${event}`;
    const wanted = pattern ?? (event === undefined ? "something else" : `that ${event}, which no input tells`);
    return defineCommand({
      name: title,
      summary: `What the script ${script} does ${pattern === undefined ? when : `on ${kind} ${pattern.slice(0, 80)}`}`,
      says: first ? helpLines(facts.help, script, name) : [],
      input: text,
      words: ["text"],
      rest: "text",
      permission: permissionOf(script),
      effect: effectOf(script),
      run: async ({ text }, context) => {
        const { behalf, caller, guest = false, room = "" } = context;
        const from = behalf?.from ?? { id: undefined, name: caller, guest };
        const place = behalf?.place ?? { room };
        const message = { id: `named/${++tokens}`, from, place, text, addressed: true, sentAt: context.clock.now() };
        const token = ++tokens;
        using limit = deadline({ signal: context.signal }, hearMs, "the patterns of the Hubot scripts");
        const found = await limit.race(running().hear(token, heardText({ message, text, caller, guest, room }, true)));
        if (!found.includes(index)) {
          running().forget(token);
          throw new MicroError("invalid_argument", `\`${title}\` does not act on that: it wants ${wanted}`);
        }
        return answered(await act(token, [index], context, quietMs), `\`${title}\``);
      },
      view: ({ said }) => ({ kind: "text", text: said }),
    });
  };

  const meantBy = (token: number, listeners: readonly number[], waitMs: number): Meant | undefined => {
    const those = listeners.flatMap((index) => {
      const command = commands[index];
      return command ? [{ index, command }] : [];
    });
    if (those.length === 0) return undefined;
    return {
      commands: those.map(({ command }) => command),
      together: (chosen) => {
        const [first = those[0]?.command as AnyCommand, ...others] = chosen;
        const names = chosen.map((one) => one.name);
        const indexes = those.filter(({ command }) => chosen.includes(command)).map(({ index }) => index);
        const writes = chosen.some(({ effect }) => effect === "write");
        return {
          ...first,
          effect: writes ? "write" : "read",
          boundAs: others.map((one) => one.name),
          run: async (_input: unknown, context: CommandContext) =>
            answered(await act(token, indexes, context, waitMs), names.map((one) => `\`${one}\``).join(", ")),
        };
      },
    };
  };

  const onOffer = (facts: OfferedScripts, offer: Offer) => {
    offered = facts;
    const names = listenerNames(facts.listeners);
    commands = facts.listeners.map(({ index }) => listenerCommand(index, names[index] as string, facts));
    const from = new Map(facts.files);
    const fromOf = (script: string) => from.get(script) ?? script;
    const owned: Owned[] = commands.map((command, index) => {
      const { script = "", kind, pattern } = facts.listeners[index] ?? {};
      return { command, from: fromOf(script), ...(kind && { said: reachedBy(kind, pattern, name) }) };
    });
    for (const bus of facts.commands) {
      const writing = writes.includes(bus.script);
      const command = typedCommand(bus, permissionOf(bus.script), writing, (args, context) => {
        const { behalf, caller, guest = false, room = "" } = context;
        const token = ++tokens;
        places.remember(token, behalf, room, caller);
        const from = { id: caller, name: behalf?.from.name ?? caller, guest };
        const said: HeardText = { id: `command/${token}`, text: bus.id, addressed: true, name, room, from };
        return running().execute(token, bus, { args, said }, { signal: context.signal, quietMs: 0 });
      });
      owned.push({ command, from: fromOf(bus.script) });
    }
    offer({ commands: owned, broken: facts.broken });
  };

  return {
    extension: (given) => {
      house = given;
      return { commands: [] };
    },
    source: {
      name: "hubot",
      start: async (offer) => {
        if (house === undefined)
          throw new MicroError("internal", "hubot scripts: the bot was not given their extension");
        const { kv, log, clock, performer, placeIn } = house;
        brain = createBrainStore(kv, log);
        await brain.load();
        door = init.http === undefined ? undefined : await createHttpDoor(init.http, log);
        host = createHost({
          ...init,
          memoryMb: init.memoryMb ?? 256,
          hangMs: init.hangMs ?? 3000,
          startMs: init.startMs ?? 20_000,
          patienceMs: 2000,
          httpPath: door?.path,
          clock,
          log,
          redact,
          brain: brain.current,
          onBrain: brain.save,
          onOffer: (facts) => onOffer(facts, offer),
          onSay: (said) => {
            const behalf = places.find(said, placeIn);
            if (behalf) void performer.say(behalf, { kind: "text", text: said.text });
            else log.warn({ room: said.room ?? said.user }, "a Hubot script spoke to a room that is not known");
          },
        });
        await host.start();
      },
      stop: async () => {
        await host?.stop();
        await brain?.settled();
        await door?.close();
      },
    },
    listening: {
      get overhears() {
        return offered?.overhears === true;
      },
      ask: async (said) => {
        if (host === undefined) return undefined;
        const token = ++tokens;
        using limit = deadline({}, hearMs, "the patterns of the Hubot scripts");
        let found: readonly number[];
        try {
          found = await limit.race(host.hear(token, heardText(said, true)));
        } catch (error) {
          host.forget(token);
          throw error;
        }
        return found.length === 0 ? undefined : meantBy(token, found, quietMs);
      },
      overhear: (said, found) => {
        const token = ++tokens;
        host?.overhear(token, heardText(said, false), (listeners) => {
          const meant = meantBy(token, listeners, 0);
          if (meant) found(meant);
        });
      },
    },
  };
}
