import type { KnownAliases } from "../aliases.ts";
import type { Layer } from "../context.ts";

/**
 * Puts the line that an alias stands for in its stead, before anybody looks at what it means: policy, confirmation and audit see
 * that line, and what was typed stays in the message. A line that was said yes to is what it was then.
 * @param told finds what is secret in the line of a context, which is another than the one that was typed
 */
export function alias(aliases: Pick<KnownAliases, "expand">, told: Layer): Layer {
  return async (context, next) => {
    if (context.confirmed) return next(context);
    const expanded = await aliases.expand(context.line);
    if (expanded === undefined) return next(context);
    return told({ ...context, line: expanded.line, alias: expanded.alias.name }, next);
  };
}
