import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Registry } from "../../core/registry/registry.ts";
import type { Incident } from "./incident.ts";

/** How alerts tell which service they are about. */
export interface MatchRules {
  /** Labels whose value may be a service's name. */
  readonly labels?: readonly string[];
  /** The label that holds the address of a node. */
  readonly address?: string;
  /** Where labels have those values (`*` stands for any letters), it is about that service. */
  readonly rules?: readonly { readonly labels: Readonly<Record<string, string>>; readonly service: string }[];
}

const SERVICE_LABELS: readonly string[] = ["service", "micro_service", "job", "app"];

/** So many services are named by one incident at most. */
const MOST = 5;
const LOOK_MS = 2000;
/** Its address is looked for among so many services at most: with a registry that remembers nothing each is a question. */
const LOOKED_INTO = 500;

/**
 * The services of the registry that an incident names: by a rule, else by a label that holds a service's name or the last part of one
 * alone, else by the address of a node. Empty: it names none. @throws MicroError `unavailable`, `timeout`: nobody can tell
 */
export async function servicesOf(
  { alerts }: Pick<Incident, "alerts">,
  registry: Pick<Registry, "list" | "get">,
  rules: MatchRules = {},
  options: CallOptions = {},
): Promise<readonly string[]> {
  const { labels: names = SERVICE_LABELS, address = "instance" } = rules;
  const firing = alerts.filter(({ status }) => status === "firing");
  const all = (firing.length > 0 ? firing : alerts).map(({ labels }) => labels);
  const known = await registry.list({ timeoutMs: LOOK_MS, ...options });
  const byWord = createFinder(known);
  const found = new Set<string>();
  const unnamed: Readonly<Record<string, string>>[] = [];
  for (const labels of all) {
    const rule = rules.rules?.find((one) =>
      Object.entries(one.labels).every(([name, wanted]) => fits(labels[name], wanted)),
    );
    const ruled = rule && (byWord(rule.service) ?? rule.service);
    const named = ruled ?? first(names, (name) => byWord(labels[name]));
    if (named === undefined) unnamed.push(labels);
    else found.add(named);
  }
  const wanted = new Set(unnamed.flatMap((labels) => labels[address] ?? []));
  if (wanted.size > 0) for (const name of await servicesAt(wanted, known, registry, options)) found.add(name);
  return [...found].slice(0, MOST);
}

/** The one service that is called so, or whose name ends so after a dot. */
function createFinder(known: readonly string[]): (word: string | undefined) => string | undefined {
  const names = new Set(known);
  const byEnd = new Map<string, string | undefined>();
  for (const name of known) {
    const parts = name.split(".");
    for (let from = 1; from < parts.length; from++) {
      const end = parts.slice(from).join(".");
      byEnd.set(end, byEnd.has(end) ? undefined : name);
    }
  }
  return (word) => {
    if (word === undefined || word === "") return undefined;
    return names.has(word) ? word : byEnd.get(word);
  };
}

async function servicesAt(
  addresses: ReadonlySet<string>,
  known: readonly string[],
  registry: Pick<Registry, "get">,
  options: CallOptions,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of known.slice(0, LOOKED_INTO)) {
    if (found.length >= MOST) break;
    const versions = await registry.get(name, { timeoutMs: LOOK_MS, ...options }).catch((error: unknown) => {
      if (MicroError.from(error).code === "not_found") return [];
      throw error;
    });
    if (versions.some(({ nodes }) => nodes.some((node) => addresses.has(node.address)))) found.push(name);
  }
  return found;
}

function first<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a value is as wanted: `*` stands for any letters, everything else for itself. */
export function fits(value: string | undefined, wanted: string): boolean {
  if (value === undefined) return false;
  const parts = wanted.split("*");
  const [head = "", ...rest] = parts;
  if (rest.length === 0) return value === wanted;
  const tail = rest.pop() as string;
  if (!value.startsWith(head) || !value.endsWith(tail) || value.length < head.length + tail.length) return false;
  let from = head.length;
  for (const part of rest) {
    const at = value.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= value.length - tail.length;
}
