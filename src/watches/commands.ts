import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import { MicroError } from "../core/errors.ts";
import { spanWords } from "../core/health/words.ts";
import { type MakeInit, makingCommands } from "./make.ts";
import { EXAMPLES } from "./request.ts";
import type { Held } from "./store.ts";
import type { Watch } from "./watch.ts";
import { aboutWords } from "./words.ts";

/** What it takes to see and end what others watch. */
const OTHERS = { name: "unwatch", permission: "bot:admin", effect: "write" } as const;

/** So many are listed at most, the newest. */
const SHOWN = 200;

/** `watch …`, `watch list` and `unwatch`. */
export function watchCommands(init: MakeInit): readonly AnyCommand[] {
  const { house, store } = init;
  const { clock } = house;

  /** What somebody may see and end, newest first. */
  const theirs = async (context: CommandContext): Promise<readonly Held[]> => {
    const { caller, person = caller, behalf } = context;
    const all = house.may(context, OTHERS);
    const here = (watch: Watch) => behalf !== undefined && isIn(watch, behalf);
    return (await store.list())
      .filter(({ watch }) => all || watch.owner === person || here(watch))
      .sort((a, b) => b.watch.madeAt - a.watch.madeAt);
  };

  const list = defineCommand({
    name: "watch list",
    aliases: ["watches", "list watches"],
    summary: "List what you watch, and what is watched for this room",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    personal: true,
    examples: ["watch list"],
    run: async (_input, context) => {
      const shown = await theirs(context);
      const now = clock.now();
      const watches = shown.slice(0, SHOWN).map(({ watch }) => ({
        ...{ id: watch.id, what: aboutWords(watch), owner: watch.owner, room: roomOf(watch, context.behalf) },
        ...{ state: stateOf(watch, now), ends: `in ${spanWords(watch.endsAt - now)}` },
      }));
      const more = shown.length - watches.length;
      return { watches: watches.reverse(), more, ...(house.kv.kind === "memory" && { lasts: false }) };
    },
    records: { fields: ["id", "what", "room", "owner", "state", "ends"], rows: ({ watches }) => watches },
    view: ({ watches, more, lasts }) => {
      if (watches.length === 0) return { kind: "text", text: `nothing is watched: ${EXAMPLES.health}` };
      const rows = watches.map((it) => [it.id, it.what, it.room, it.owner, it.state, it.ends].join("\t"));
      const notes = [
        ...(more > 0 ? [`and ${more} older ones`] : []),
        ...(lasts === false ? ["I have no store, so they are gone when I stop"] : []),
      ];
      const text = ["Id\tWhat\tRoom\tOwner\tState\tEnds", ...rows].join("\n");
      return { kind: "report", text, note: notes.length > 0 ? notes.join("\n") : undefined };
    },
  });

  const unwatch = defineCommand({
    name: "unwatch",
    aliases: ["watch remove"],
    summary: "End a watch",
    input: z.object({
      id: z.string({ error: "which? `watch list` shows the ids" }).describe("as `watch list` shows it"),
    }),
    words: ["id"],
    // As `watch` it changes nothing of any service; whose it is is looked at here.
    permission: "bot:talk",
    effect: "read",
    examples: ["unwatch 03f9a1"],
    run: async ({ id }, context) => {
      const { caller, person = caller } = context;
      for (let tries = 0; tries < 5; tries++) {
        const held = await store.get(/^[0-9a-f]{1,12}$/i.test(id) ? id.toLowerCase() : "none");
        if (held === undefined) throw new MicroError("not_found", `there is no watch ${id}; \`watch list\` shows them`);
        const { watch } = held;
        if (watch.owner !== person && !house.may(context, OTHERS)) {
          const words = `${id} is ${watch.owner}'s; they can end it, or who has the grant \`bot:admin\``;
          throw new MicroError("permission_denied", words);
        }
        if (await store.remove(held)) return { id: watch.id, about: aboutWords(watch) };
      }
      throw new MicroError("conflict", `${id} changes at this moment; say it again`);
    },
    view: ({ id, about }) => ({ kind: "text", text: `watch ${id} has ended: ${about}` }),
    complete: async (_field, _given, context) => (await theirs(context)).map(({ watch }) => watch.id),
  });
  return [...makingCommands(init), list, unwatch];
}

function isIn({ behalf, answers }: Watch, here: NonNullable<CommandContext["behalf"]>): boolean {
  return behalf.input === here.input && (answers?.place ?? behalf.place).room === here.place.room;
}

/** Where it is told, for who asks. */
function roomOf(watch: Watch, asked: CommandContext["behalf"]): string {
  if (asked && isIn(watch, asked)) return "here";
  return watch.answers?.room ?? `${watch.behalf.input}:${watch.behalf.place.room}`;
}

const STATES: readonly string[] = ["well", "partly", "down", "gone"];

/** What people were told last. */
function stateOf({ said, flapping, card, saying }: Watch, now: number): string {
  if (flapping !== undefined) return "flapping";
  if (saying !== undefined || said === undefined) return "-";
  if (card !== undefined && said.key !== "gone") return card.progress;
  const word = STATES.includes(said.key) ? (said.key === "partly" ? "partly well" : said.key) : "no change";
  return `${word} for ${spanWords(now - said.at)}`;
}
