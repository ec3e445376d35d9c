import type { ServiceChange } from "../registry/service-change.ts";
import { causeWords } from "./cause.ts";
import type { Examination, ExaminedNode } from "./examination.ts";
import type { Suspect } from "./suspect.ts";
import { counted, someOf, spanWords } from "./words.ts";

export interface ExplainWith {
  /** Of the service, newest first. */
  readonly changes?: readonly ServiceChange[];
  /** Whom it may be the fault of. */
  readonly suspect?: Suspect;
}

/** Why a service is as it is, in sentences without markup. */
export interface Explanation {
  readonly well: boolean;
  /** `payments: 2 of 5 nodes are not well`. */
  readonly headline: string;
  /** What weighs most first: what is wrong, why that may be, what else is remarkable, what changed. */
  readonly lines: readonly string[];
}

/** A change that came this long before a node went bad may be why. */
const BLAMED_MS = 10 * 60_000;
/** A node that began this lately is remarkable. */
const YOUNG_MS = 5 * 60_000;
const MOST_CHANGES = 3;

/** Pure, so that what was examined can be told again. */
export function explain(examination: Examination, { changes = [], suspect }: ExplainWith = {}): Explanation {
  const { service, nodes, bad } = examination;
  const lines = [
    ...wrong(examination),
    ...reasons(examination, changes),
    ...(suspect ? [suspectWords(service, suspect)] : []),
    ...remarkable(examination),
    ...changes.slice(0, MOST_CHANGES).map((change) => `${spanWords(examination.at - change.at)} ago: ${change.words}`),
  ];
  return { well: bad === 0 && nodes.length > 0, headline: headlineOf(examination), lines };
}

/** The same in so many lines at most, for a card; the last one tells what was left out. */
export function explainIn(most: number, examination: Examination, init: ExplainWith = {}): readonly string[] {
  const { headline, lines } = explain(examination, init);
  const all = [headline, ...lines];
  if (all.length <= most) return all;
  const kept = all.slice(0, Math.max(1, most - 1));
  return [
    ...kept,
    `and ${counted(all.length - kept.length, "more line")}: \`why is ${examination.service} unhealthy\``,
  ];
}

/** How many are not well, in a few words. */
export function headlineOf({ service, nodes, bad }: Pick<Examination, "service" | "nodes" | "bad">): string {
  const all = nodes.length;
  if (all === 0) return `${service} has no node`;
  if (bad === 0)
    return all === 1 ? `${service} is well: its node answers` : `${service} is well: all ${all} nodes answer`;
  if (bad === all)
    return all === 1 ? `${service} is not well: its only node fails` : `${service}: all ${all} nodes fail`;
  return `${service}: ${bad} of ${all} nodes ${bad === 1 ? "is" : "are"} not well`;
}

/** What is wrong, a line for each cause. */
function wrong({ at, causes, withinMs, nodes }: Examination): readonly string[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return causes.map(({ cause, said, nodes: ids, since }) => {
    const named = ids.map((id) => `${id} at ${byId.get(id)?.address ?? "?"}`);
    const words = causeWords(cause, said, withinMs, ids.length > 1);
    return `${counted(ids.length, "node")} ${words}${sinceWords(at, since, byId.get(ids[0] ?? ""))}: ${someOf(named)}`;
  });
}

function sinceWords(at: number, since: number, node: ExaminedNode | undefined): string {
  if (at - since >= 1000) return ` for ${spanWords(at - since)}`;
  return node?.before ? " since now" : "";
}

/** Why that may be, by what the bad nodes have in common and the good ones have not. */
function reasons({ at, nodes, bad, causes }: Examination, changes: readonly ServiceChange[]): readonly string[] {
  if (bad === 0) return [];
  const ill = nodes.filter(({ ok }) => !ok);
  const well = nodes.filter(({ ok }) => ok);
  const who = ill.length === 1 ? "the failing node" : `all ${ill.length} failing nodes`;
  const lines: string[] = [];
  const version = common(ill, (node) => node.version);
  const came = changes.findLast((change) => change.version === version && NEW.has(change.kind));
  const onlyThey = version !== undefined && well.length > 0 && !well.some((node) => node.version === version);
  if (version !== undefined && (onlyThey || (came && well.length === 0))) {
    const since = came ? `, which came ${spanWords(at - came.at)} ago` : "";
    const others = onlyThey ? ", and no node that is well does" : "";
    lines.push(`likely: ${who} ${ill.length === 1 ? "runs" : "run"} ${version}${since}${others}`);
  }
  const host = common(ill, (node) => hostOf(node.address));
  if (host !== undefined && ill.length > 1 && well.length > 0 && !well.some((node) => hostOf(node.address) === host)) {
    lines.push(`likely: ${who} are on ${host}, and none that is well is`);
  }
  const first = Math.min(...causes.map(({ since }) => since));
  const blamed = changes.find((change) => change.at <= first + 1000 && first - change.at <= BLAMED_MS);
  const known = ill.some((node) => node.before);
  if (blamed && known && lines.length === 0) {
    lines.push(`it began ${spanWords(first - blamed.at)} after this: ${blamed.words}`);
  }
  return lines;
}

/** What says that a version is new; that a node of it came does not. */
const NEW: ReadonlySet<ServiceChange["kind"]> = new Set(["version", "event"]);

function common<T>(nodes: readonly ExaminedNode[], of: (node: ExaminedNode) => T): T | undefined {
  const values = new Set(nodes.map(of));
  return values.size === 1 ? [...values][0] : undefined;
}

/** Without its port; a queue name as it is. */
export function hostOf(address: string): string {
  const host = /^(.*):\d+$/.exec(address)?.[1] ?? address;
  return host.replace(/^\[|\]$/g, "");
}

function suspectWords(service: string, { service: first, path, headline }: Suspect): string {
  const between = path.length > 1 ? `, by ${path.slice(0, -1).join(", ")}` : "";
  return `likely first failing service: ${first}, which ${service} needs${between} (${headline})`;
}

function remarkable({ at, versions, oldest, gone, nodes }: Examination): readonly string[] {
  const lines: string[] = [];
  if (gone.length > 0) {
    const names = gone.map(({ id, goneAt }) =>
      goneAt && at - goneAt >= 1000 ? `${id} ${spanWords(at - goneAt)} ago` : id,
    );
    lines.push(
      `${counted(gone.length, "node")} that ${gone.length === 1 ? "was" : "were"} there before left: ${someOf(names)}`,
    );
  }
  if (versions.length > 1) {
    const each = versions.map((one) => `${one.version} (${counted(one.nodes, "node")})`);
    lines.push(`${versions.length} versions run: ${someOf(each, 5)}`);
  }
  const young = nodes.filter(({ startedAt }) => startedAt !== undefined && at - startedAt < YOUNG_MS);
  if (young.length > 0) {
    const names = young.map(({ id, startedAt = at }) => `${id} ${spanWords(at - startedAt)} ago`);
    lines.push(`${counted(young.length, "node")} began lately: ${someOf(names)}`);
  }
  if (oldest && nodes.length > 1)
    lines.push(`the oldest node is ${oldest.id}, up for ${spanWords(at - oldest.startedAt)}`);
  return lines;
}
