import { folded, matcher } from "./glob.ts";
import { type Name, named, naming, trimmed } from "./name.ts";

/** An endpoint as it was said, and as the server may read it. */
export interface Endpoint {
  readonly name: Name;
  /** Folded, with a dot between their parts. */
  ways(): readonly string[];
}

export function endpointOf(value: unknown, target: string | undefined): Endpoint | undefined {
  if (typeof value !== "string") return undefined;
  let ways: readonly string[] | undefined;
  return {
    name: named(value),
    ways: () => {
      ways ??= waysOf(value, target);
      return ways;
    },
  };
}

/**
 * Whether a rule means an endpoint. Widely it does however either of them is spelled, if the server would run the same.
 * Else as it is written, where a `*` stands for no part of a path: `Order.*` is not to be `Order.X/Admin/Purge`, which is
 * `Admin.Purge` to a server.
 */
export function meaning(pattern: string, wide: boolean): (endpoint: Endpoint) => boolean {
  const asWritten = naming(pattern, wide);
  if (!wide) {
    const steps = stepsIn(pattern);
    return ({ name }) => asWritten(name) && stepsIn(name.said) === steps;
  }
  const parts = partsIn(folded(pattern));
  const patterns = [parts, parts.slice(-2)].map((some) => matcher(some.join(".")));
  return ({ name, ways }) => asWritten(name) || ways().some((way) => patterns.some((fits) => fits(way)));
}

/**
 * `/payments.Order/Cancel`, as gRPC spells it, is `Order.Cancel` to the server (`wire.md §7`). Where the path comes through an
 * HTTP server `%43` is `C`, and what stands behind a `?` is lost.
 */
function waysOf(said: string, target = ""): readonly string[] {
  return [said, decoded(said.replace(/[?#].*$/s, ""))].flatMap((one) => {
    const parts = partsIn(folded(one));
    const short = parts.slice(-2);
    // A rule may spell it as Go's clients do, behind the service's name.
    return [parts, short, [folded(target), ...short]].map((some) => some.join("."));
  });
}

function partsIn(endpoint: string): readonly string[] {
  return endpoint.split(/[/.]/).map(trimmed).filter(Boolean);
}

function stepsIn(endpoint: string): number {
  return endpoint.match(/[/%?#]/g)?.length ?? 0;
}

function decoded(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}
