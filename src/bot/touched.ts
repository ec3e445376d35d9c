import type { CommandContext, Touched } from "../commands/command.ts";
import { identityOf } from "../commands/identity.ts";
import { targetOf } from "../commands/target.ts";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import type { Context } from "./context.ts";
import { cut } from "./fit.ts";
import { roomOf } from "./long.ts";
import { isGuest, whose } from "./people.ts";
import type { RunInit } from "./run.ts";

/** Looks up what a line would touch, as it is now, in one order. @throws MicroError as the registry does, `timeout` after 5 s */
export type Look = (context: Context) => Promise<readonly Touched[]>;

const LOOK_MS = 5000;

export function createLook(init: Pick<RunInit, "registry" | "client" | "broker" | "clock" | "mayRun">): Look {
  return async (context) => {
    const { run, caller, input: on, message } = context;
    if (run === undefined) return [];
    const { command, input } = run;
    using limit = deadline({}, LOOK_MS, `looking up what \`${command.name}\` touches`);
    const own: CommandContext = {
      registry: init.registry,
      client: init.client,
      broker: init.broker,
      clock: init.clock,
      signal: limit.signal,
      caller,
      person: whose(context),
      room: roomOf(on.name, message.place.room),
      guest: isGuest(context),
      mayRun: (other) => init.mayRun(context, other),
      oneShot: false,
      emit: async () => {},
    };
    const looking = command.touches?.(input, own) ?? nodesOf(targetOf(command, input), own);
    return inOrder(await limit.race(looking));
  };
}

/** Every version of a service with its nodes; one that is not registered is touched all the same. */
export async function nodesOf(
  service: string | undefined,
  { registry, signal }: Pick<CommandContext, "registry" | "signal">,
): Promise<readonly Touched[]> {
  if (service === undefined) return [];
  try {
    const versions = await registry.get(service, { signal });
    return versions.map(({ name, version, nodes }) => ({ name, version, nodes: nodes.map(({ id }) => id) }));
  } catch (error) {
    if (MicroError.from(error).code === "not_found") return [{ name: service, version: "(not registered)", nodes: [] }];
    throw error;
  }
}

function inOrder(touched: readonly Touched[]): readonly Touched[] {
  const sorted = touched.map((one) => ({ ...one, nodes: [...new Set(one.nodes)].sort() }));
  return sorted.sort((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
}

/**
 * What a yes is bound to: the command, which its name alone is not, its typed arguments, and what they touch. Two states are the
 * same if their digests are.
 * @returns SHA-256, hex
 */
export function stateOf({ run }: Pick<Context, "run">, touched: readonly Touched[]): string {
  const bound = {
    command: run?.command.name,
    which: run && identityOf(run.command),
    input: run?.input,
    output: run?.output,
    touched,
  };
  return sha256(canonicalJson(bound));
}

/** So many lines, and so many nodes in each; the digest holds the rest. */
const LINES = 10;
const NODES = 10;

/** In words, a line for each. */
export function touchedLines(touched: readonly Touched[]): readonly string[] {
  const lines = touched.slice(0, LINES).map((one) => `touches ${titleOf(one)}${withNodes(one)}`);
  const more = touched.length - LINES;
  return more > 0 ? [...lines, `touches ${more} more`] : lines;
}

function withNodes({ nodes }: Touched): string {
  if (nodes.length === 0) return "";
  const named = nodes.slice(0, NODES).map(flat).join(", ");
  const more = nodes.length > NODES ? ` and ${nodes.length - NODES} more` : "";
  return `: ${nodes.length === 1 ? "node" : "nodes"} ${named}${more}`;
}

/** What has come (`+`) and what has gone (`-`), a line for each. */
export function difference(before: readonly Touched[], after: readonly Touched[]): readonly string[] {
  const old = new Set(before.flatMap(parts));
  const now = new Set(after.flatMap(parts));
  const gone = [...old].filter((part) => !now.has(part)).map((part) => `- ${part}`);
  const come = [...now].filter((part) => !old.has(part)).map((part) => `+ ${part}`);
  const lines = [...gone, ...come];
  if (lines.length <= 2 * LINES) return lines;
  return [...lines.slice(0, 2 * LINES), `and ${lines.length - 2 * LINES} more changes`];
}

function parts(one: Touched): readonly string[] {
  return [titleOf(one), ...one.nodes.map((node) => `${titleOf(one)} node ${flat(node)}`)];
}

function titleOf({ name, version }: Touched): string {
  return version === undefined || version === "" ? flat(name) : `${flat(name)} ${flat(version)}`;
}

/** In one line, and short: a node chooses its own id, and is not to write lines of its own into a question. */
function flat(text: string): string {
  return cut(text.replace(/\s+/g, " "), 100);
}
