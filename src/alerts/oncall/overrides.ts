import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Kv } from "../../platform/kv/kv.ts";

const schema = z.object({
  id: z.string(),
  schedule: z.string(),
  person: z.string(),
  /** Epoch ms. */
  from: z.number(),
  until: z.number(),
  by: z.string(),
});

/** Somebody who takes a time of a schedule instead of whose turn it is. */
export type Override = z.infer<typeof schema>;

const PREFIX = "oncall.override.";
const MOST = 20;

/** In the store, for all replicas. What is over is taken away when somebody looks. All throw as `Kv` does. */
export interface Overrides {
  /** Of one schedule, or of all; what is not over, the last made last. */
  list(schedule?: string): Promise<readonly Override[]>;
  /** @throws MicroError `exhausted`: that schedule has 20 */
  add(override: Omit<Override, "id">): Promise<Override>;
  /** @returns the one that was there */
  remove(id: string): Promise<Override | undefined>;
}

export function createOverrides(kv: Kv, clock: Clock): Overrides {
  const list = async (schedule?: string): Promise<readonly Override[]> => {
    const entries = await kv.list(schedule === undefined ? PREFIX : `${keyOf("oncall", "override", schedule)}.`);
    const now = clock.now();
    const found: { readonly override: Override; readonly revision: number }[] = [];
    for (const { key, value, revision } of entries) {
      const override = read(value);
      if (override && override.until > now) found.push({ override, revision });
      else await kv.delete(key, { revision });
    }
    return found.toSorted((a, b) => a.revision - b.revision).map(({ override }) => override);
  };
  return {
    list,
    add: async (said) => {
      if ((await list(said.schedule)).length >= MOST) {
        throw new MicroError("exhausted", `${said.schedule} has ${MOST} overrides already; \`oncall list\` shows them`);
      }
      for (;;) {
        const override = { ...said, id: randomBytes(2).toString("hex") };
        const key = keyOf("oncall", "override", said.schedule, override.id);
        if ((await kv.create(key, JSON.stringify(override))) !== undefined) return override;
      }
    },
    remove: async (id) => {
      const override = (await list()).find((one) => one.id === id);
      if (override === undefined) return undefined;
      return (await kv.delete(keyOf("oncall", "override", override.schedule, id))) ? override : undefined;
    },
  };
}

function read(value: string): Override | undefined {
  try {
    return schema.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}
