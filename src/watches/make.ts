import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../commands/command.ts";
import type { House } from "../commands/house.ts";
import { lookUpShort, mayRunOn } from "../commands/look-up.ts";
import { wireName } from "../commands/names.ts";
import { serviceNames } from "../commands/service-names.ts";
import { MicroError } from "../core/errors.ts";
import { examineFound } from "../core/health/examine.ts";
import type { LastKnown } from "../core/health/last.ts";
import { spanWords } from "../core/health/words.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import { EXAMPLES, type Request, readRequest } from "./request.ts";
import { type Facts, isThere, progressOf, seenOf, stateOf } from "./state.ts";
import type { WatchStore } from "./store.ts";
import { type Kind, MOST_NODES, WATCH, type Watch } from "./watch.ts";
import { aboutWords, stateWords } from "./words.ts";

export interface MakeInit {
  readonly house: House;
  readonly store: WatchStore;
  readonly last?: LastKnown;
  /** @default 100 */
  readonly maxOwn?: number;
  /** @default 10000 */
  readonly max?: number;
}

const SUMMARIES: Readonly<Record<Kind, string>> = {
  health: "Tell here when a service is not well, and when it is again",
  version: "Tell here which versions of a service come and go, or when all nodes run one",
  service: "Tell here when nodes of a service come and go",
  node: "Tell here when a node is not well, or goes",
};

/** `watch health`, `watch version`, `watch service`, `watch node`. */
export function makingCommands(init: MakeInit): readonly AnyCommand[] {
  const { house, store, last, maxOwn = 100, max = 10_000 } = init;
  const { clock } = house;

  const roomOf = (room: string | undefined, input: string): Watch["answers"] => {
    if (room === undefined) return undefined;
    const place = house.placeIn(input, room.replace(/^#(?=.)/, "")) ?? house.placeIn(input, room);
    if (place) return { room, place };
    const words = `in ${input} I can only tell where I am spoken to: leave \`in ${room}\` out`;
    throw new MicroError("unimplemented", words);
  };
  /** What is so now, so that only what changes from then on is told. */
  const look = async (kind: Kind, service: string, records: readonly ServiceRecord[], context: CommandContext) => {
    const { client, registry, signal } = context;
    const seen = seenOf(records);
    if (kind !== "health" && kind !== "node") return { seen, examination: undefined };
    const parts = { client, registry, clock: context.clock, ...(last && { last }) };
    return { seen, examination: await examineFound(parts, service, records, { signal, uptime: false }) };
  };
  /** @throws MicroError `exhausted` @returns the same watch, if there is one, and whether who asks has none from here yet */
  const checkRoom = async (wanted: Omit<Watch, "id">): Promise<{ readonly same?: Watch; readonly first: boolean }> => {
    const all = (await store.list()).map(({ watch }) => watch);
    const own = all.filter(({ owner }) => owner === wanted.owner);
    const same = own.find((one) => identity(one) === identity(wanted));
    if (same) return { same, first: false };
    const { input, place } = wanted.behalf;
    const first = !own.some(({ behalf }) => behalf.input === input && behalf.place.room === place.room);
    const full =
      all.length >= max ? `there are ${max} watches` : own.length >= maxOwn ? `you have ${maxOwn} watches` : undefined;
    if (full === undefined) return { first };
    throw new MicroError("exhausted", `${full}, and no more are kept: \`unwatch\` ends one, \`watch list\` shows them`);
  };

  const make = (kind: Kind) => {
    const permission = { ...WATCH, boundAs: [...WATCH.boundAs], name: `watch ${kind}` };
    const what = kind === "node" ? "node" : "service";
    return defineCommand({
      ...permission,
      summary: SUMMARIES[kind],
      input: z.object({
        [what]: wireName(`watch which ${what}? ${EXAMPLES[kind]}`).describe(
          kind === "node" ? "its id, as `get service` shows it" : "its name, or what its name ends with",
        ),
        more: z
          .array(z.string())
          .default([])
          .describe(kind === "health" || kind === "version" ? "until what, and in which room" : "in which room"),
        for: z.string().optional().describe("how long, as 2h or 7d; 24h by default, 30d at most"),
        every: z.string().optional().describe("how often its nodes are asked, as 10s; 30s by default"),
      }),
      words: [what, "more"],
      examples: [EXAMPLES[kind]],
      run: async (input, context) => {
        const { behalf, caller, person = caller } = context;
        if (behalf === undefined || behalf.from.id === undefined) {
          throw new MicroError("permission_denied", "a watch tells somebody, and nobody vouches for who you are here");
        }
        const said = input as Readonly<Record<string, unknown>> & Pick<typeof input, "more">;
        const options = { for: said["for"] as string | undefined, every: said["every"] as string | undefined };
        const request = readRequest(kind, said.more as readonly string[], options);
        const name = said[what] as string;
        const { service, records } =
          kind === "node" ? await ofNode(name, permission, context) : await lookUpShort(name, permission, context);
        const about = { kind, service, ...(kind === "node" && { node: name }), ...until(request) };
        const facts: Facts = await look(kind, service, records, context);
        const key = stateOf(about, facts);
        const now = stateWords(about, key, facts);
        const facing = { about: aboutWords(about), now };
        if (key !== undefined && isThere(about, key)) return { ...facing, already: true };
        const answers = roomOf(request.room, behalf.input);
        const { id: fromId, name: fromName, guest } = behalf.from;
        const at = clock.now();
        const draft: Omit<Watch, "id"> = {
          ...about,
          owner: person,
          behalf: { ...behalf, from: { id: fromId, name: fromName, guest } },
          ...(answers && { answers }),
          madeAt: at,
          endsAt: at + request.forMs,
          everyMs: request.everyMs,
          ...(key !== undefined && { said: { key, at } }),
          ...(kind === "service" && records.length > 0 && { nodes: idsOf(facts) }),
          ...(about.until !== undefined &&
            kind === "version" && { card: { at: "", progress: progress(about.until, facts) } }),
          turns: [],
        };
        const { same, first } = await checkRoom(draft);
        const made = same ?? (await store.add(draft));
        if (answers && !same) {
          const text = `${fromName} wants to be told here: ${facing.about} (watch ${made.id})`;
          void house.performer.say({ ...behalf, place: answers.place }, { kind: "text", text });
        }
        return {
          ...{ id: made.id, ...facing, endsInMs: made.endsAt - at },
          ...(same && { same: true }),
          ...(answers && { room: answers.room }),
          // Once in a conversation is enough, and `watch list` tells it again.
          ...(house.kv.kind === "memory" && first && { lasts: false }),
        };
      },
      view: (made) => ({ kind: "text", text: madeWords(made) }),
      complete: (field, _given, context) => (field === "service" ? serviceNames(context) : Promise.resolve([])),
    });
  };
  return [make("health"), make("version"), make("service"), make("node")];
}

interface Made {
  readonly id?: string;
  readonly about: string;
  readonly now: readonly string[];
  readonly already?: boolean;
  readonly same?: boolean;
  readonly endsInMs?: number;
  readonly room?: string;
  readonly lasts?: boolean;
}

function madeWords({ id, about, now, already, same, endsInMs = 0, room, lasts }: Made): string {
  const [head = "", ...lines] = now;
  if (already) return `${head} already: there is nothing to wait for`;
  const where = room === undefined ? "here" : `in ${room} (look there: I have said so)`;
  const first = same
    ? `you watch that already, as watch ${id}: ${about}, for ${spanWords(endsInMs)} more`
    : `watch ${id}: ${about}. I tell ${where} what changes, for ${spanWords(endsInMs)}`;
  const gone = lasts === false ? ["I have no store, so it is gone when I stop"] : [];
  return [first, `now: ${head}`, ...lines.map((line) => `- ${line}`), ...gone].join("\n");
}

/** Saying it twice is saying it once. */
function identity({ kind, service, node, until, behalf, answers }: Omit<Watch, "id">): string {
  const place = answers?.place ?? behalf.place;
  return JSON.stringify([kind, service, node, until, behalf.input, place.room]);
}

function until({ until: what }: Request): { readonly until?: string } {
  return what === undefined ? {} : { until: what };
}

function idsOf({ seen }: Facts): string[] {
  return (seen?.nodes ?? []).slice(0, MOST_NODES).map(({ id }) => id);
}

function progress(pattern: string, { seen }: Facts): string {
  if (seen === undefined) return "";
  const { there, of } = progressOf(pattern, seen);
  return `${there}/${of}`;
}

/** So many services are looked into for a node whose id does not tell. */
const LOOKED_INTO = 1000;

/** The service of a node: by its id, which begins with that (`<service>-<server id>`), else wherever it is. */
async function ofNode(
  node: string,
  permission: Parameters<typeof mayRunOn>[0],
  context: CommandContext,
): Promise<{ readonly service: string; readonly records: readonly ServiceRecord[] }> {
  const { registry, signal } = context;
  const names = (await registry.list({ signal })).filter((name) => mayRunOn(permission, name, context));
  const likely = names.filter((name) => node.startsWith(`${name}-`));
  const others = names.filter((name) => !likely.includes(name));
  for (const service of [...likely, ...others].slice(0, LOOKED_INTO)) {
    const records = await registry.get(service, { signal }).catch(() => []);
    if (records.some(({ nodes }) => nodes.some(({ id }) => id === node))) return { service, records };
  }
  throw new MicroError("not_found", `no node ${marked(node)} is registered; \`get service\` shows the nodes of one`);
}
