import { causeWords } from "../core/health/cause.ts";
import { explain, headlineOf } from "../core/health/explain.ts";
import { counted, someOf, spanWords } from "../core/health/words.ts";
import { marked } from "../core/look-alike.ts";
import { FLAP_MS, FLAP_TURNS } from "./damping.ts";
import { type Facts, GONE, progressOf, type Seen } from "./state.ts";
import type { Watch } from "./watch.ts";

type About = Pick<Watch, "kind" | "service" | "node" | "until">;

/** `health of payments until healthy`. */
export function aboutWords({ kind, service, node, until }: About): string {
  const what =
    kind === "node" ? `node ${marked(node ?? "")}` : `${kind === "service" ? "nodes" : kind} of ${marked(service)}`;
  return `${what}${until === undefined ? "" : ` until ${until}`}`;
}

/** How it is, a headline and some lines that tell why. */
export function stateWords(watch: About, state: string | undefined, facts: Facts): readonly string[] {
  const { seen, examination } = facts;
  const service = marked(watch.service);
  if (state === undefined || seen === undefined) return [`how ${service} is nobody can tell just now`];
  if (watch.kind === "node") return [nodeWords(watch, state, facts)];
  if (state === GONE) return [`${service} has no nodes any more`];
  const nodes = counted(seen.nodes.length, "node");
  if (watch.kind === "service") return [`${service} has ${nodes}`];
  if (watch.kind === "version") {
    return [watch.until === undefined ? versionWords(service, seen) : progressWords(watch, seen)];
  }
  if (examination === undefined) return [`how ${service} is nobody has asked yet`];
  const { headline, lines } = explain(examination);
  const wrong = state === "well" ? [] : lines.slice(0, MOST_LINES);
  return [headline || headlineOf(examination), ...wrong];
}

const MOST_LINES = 2;

/** What happened, from what people know to what is now. */
export function turnWords(
  watch: About & Pick<Watch, "nodes" | "said">,
  state: string,
  facts: Facts,
  now: number,
): readonly string[] {
  const before = watch.said;
  const { seen } = facts;
  const [head = "", ...lines] = stateWords(watch, state, facts);
  if (before === undefined || seen === undefined) return [head, ...lines];
  const service = marked(watch.service);
  if (watch.kind === "service" && state !== GONE) return [nodesWords(service, watch.nodes, seen)];
  if (watch.kind === "version" && watch.until === undefined && state !== GONE && before.key !== GONE) {
    return [`${service}: ${versionsBetween(before.key, state)}; ${runs(seen)}`];
  }
  if (before.key === GONE) return [`${head}; it had been gone for ${spanWords(now - before.at)}`, ...lines];
  const was = WAS[before.key];
  return [was === undefined ? head : `${head}; it was ${was} for ${spanWords(now - before.at)}`, ...lines];
}

/** @param now what has happened just now */
export function flapWords(watch: About, now: string): readonly string[] {
  const minutes = FLAP_MS / 60_000;
  const often = `it changed ${FLAP_TURNS + 1} times within ${minutes} min`;
  return [
    `${aboutWords(watch)} is flapping: ${often}; I say more when nothing has changed for ${minutes} min`,
    `now: ${now}`,
  ];
}

const WAS: Readonly<Record<string, string>> = { well: "well", partly: "partly well", down: "down" };

/** Each version with how many nodes run it: `2.3.0 on 9 nodes, 2.3.1 on 3`. */
function runs({ nodes }: Seen): string {
  const versions = new Map<string, number>();
  for (const { version } of nodes) versions.set(version, (versions.get(version) ?? 0) + 1);
  const [only, ...others] = [...versions];
  if (only && others.length === 0) {
    return nodes.length === 1 ? `its node runs ${only[0]}` : `all ${nodes.length} nodes run ${only[0]}`;
  }
  const each = [...versions].sort(([a], [b]) => (a < b ? -1 : 1));
  return someOf(
    each.map(([version, count]) => `${version || "no version"} on ${counted(count, "node")}`),
    5,
  );
}

function versionWords(service: string, seen: Seen): string {
  return `${service}: ${runs(seen)}`;
}

/** `3 of 12 nodes of orders run 2.3.*`. */
export function progressWords({ service, until = "" }: About, seen: Seen): string {
  const { there, of, done } = progressOf(until, seen);
  const which = marked(service);
  if (of === 0) return `${which} has no nodes`;
  if (done) return of === 1 ? `the node of ${which} runs ${until}` : `all ${of} nodes of ${which} run ${until}`;
  return `${there} of ${counted(of, "node")} of ${which} ${there === 1 || of === 1 ? "runs" : "run"} ${until}`;
}

function versionsBetween(before: string, after: string): string {
  const [old, now] = [before, after].map((key) => JSON.parse(key) as readonly string[]) as [string[], string[]];
  const came = now.filter((version) => !old.includes(version));
  const went = old.filter((version) => !now.includes(version));
  const named = (versions: readonly string[]) =>
    someOf(
      versions.map((version) => version || "no version"),
      5,
    );
  return [
    ...(came.length > 0 ? [`version ${named(came)} came`] : []),
    ...(went.length > 0 ? [`version ${named(went)} went`] : []),
  ].join(", ");
}

function nodesWords(service: string, before: readonly string[] | undefined, { nodes }: Seen): string {
  const now = `it has ${counted(nodes.length, "node")} now`;
  if (before === undefined) return `nodes of ${service} came or went; ${now}`;
  const old = new Set(before);
  const here = new Set(nodes.map(({ id }) => id));
  const came = nodes
    .filter(({ id }) => !old.has(id))
    .map(({ id, version, address }) => `${id} (${version} at ${address})`);
  const went = before.filter((id) => !here.has(id));
  const told = [
    ...(came.length > 0 ? [`${came.length === 1 ? "node" : `${came.length} nodes`} came: ${someOf(came)}`] : []),
    ...(went.length > 0 ? [`${went.length === 1 ? "node" : `${went.length} nodes`} went: ${someOf(went)}`] : []),
  ];
  return `${service}: ${told.length === 0 ? "a node runs another version" : told.join("; ")}; ${now}`;
}

function nodeWords({ service, node = "" }: About, state: string, { examination, seen }: Facts): string {
  const name = `node ${marked(node)}`;
  if (state === GONE) return `${name} of ${marked(service)} is not registered any more`;
  const one = examination?.nodes.find(({ id }) => id === node);
  const where = seen?.nodes.find(({ id }) => id === node);
  const at = where ? ` (${where.version} at ${where.address})` : "";
  if (state === "well" || one?.cause === undefined) return `${name}${at} is well`;
  const said = one.cause === "unwell" ? one.status : (one.error?.detail ?? "");
  return `${name}${at} is not well: it ${causeWords(one.cause, said, examination?.withinMs ?? 0, false)}`;
}
