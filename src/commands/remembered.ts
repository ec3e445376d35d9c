import type { Clock } from "../core/clock.ts";
import type { Registry } from "../core/registry/registry.ts";

/** What an answer adds when the registry is out of reach and a cache answered for it. */
export function remembered(registry: Registry, clock: Clock): { readonly note?: string } {
  if (registry.lostAt === undefined) return {};
  const seconds = Math.max(0, Math.round((clock.now() - registry.lostAt) / 1000));
  return {
    note: `${registry.lostWhere ?? registry.where} has been out of reach for ${seconds} s; this is what was known before`,
  };
}
