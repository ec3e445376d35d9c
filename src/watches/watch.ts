import { z } from "zod";
import { answersSchema, behalfSchema } from "../commands/behalf.ts";

/** What can be watched: how a service is, which versions of it run, which nodes it has, and how one node is. */
export const KINDS = ["health", "version", "service", "node"] as const;
export type Kind = (typeof KINDS)[number];

/** A state of what is watched, and since when it has been so, epoch ms. */
const state = z.object({ key: z.string(), at: z.number() });

const schema = z.object({
  /** Six hex digits, for typing. */
  id: z.string(),
  kind: z.enum(KINDS),
  /** As it is registered. */
  service: z.string(),
  /** Of `node`: its id. */
  node: z.string().optional(),
  /** It ends when that is so: `healthy`, or a pattern that the versions of all nodes are like. */
  until: z.string().optional(),
  /** Whose it is: a person, as the policy names them. */
  owner: z.string(),
  /** Who asked for it and where: it is told as long as they may ask that there. */
  behalf: behalfSchema,
  /** Where it is told, if not there; by its name, for people, and as its network knows it. */
  answers: answersSchema.optional(),
  madeAt: z.number(),
  /** Epoch ms. */
  endsAt: z.number(),
  /** How often nodes are asked. */
  everyMs: z.number(),
  /** What people know; absent: nothing has been seen yet. */
  said: state.optional(),
  /** Ids of the nodes by then, of `service`; those of large services are left out. */
  nodes: z.array(z.string()).optional(),
  /** What is being said just now (`end`: that it has ended). Still there when nobody says it: whether they know is not known. */
  saying: state.extend({ end: z.boolean() }).optional(),
  /** When it changed lately, epoch ms. */
  turns: z.array(z.number()),
  /** It changes so often that changes are not told: since when. */
  flapping: z.number().optional(),
  /** Of one that waits for a version: where the card with its progress stands, and what that says. */
  card: z.object({ at: z.string(), progress: z.string() }).optional(),
});

/** "Tell me when this changes", as it is kept. Survives JSON. */
export type Watch = z.infer<typeof schema>;

/** `undefined`: nobody of us wrote that. */
export function readWatch(value: string): Watch | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

/** What it takes to be told: what `health` takes, since it tells the same. */
export const WATCH = { permission: "service:read", effect: "read", boundAs: ["health"] } as const;

/** More ids of nodes are not kept with a watch. */
export const MOST_NODES = 500;
export const DEFAULT_FOR_MS = 24 * 3_600_000;
export const LONGEST_MS = 30 * 86_400_000;
export const DEFAULT_EVERY_MS = 30_000;
export const SHORTEST_EVERY_MS = 5000;
export const LONGEST_EVERY_MS = 3_600_000;
