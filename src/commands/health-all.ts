import { causeWords } from "../core/health/cause.ts";
import type { Examination } from "../core/health/examination.ts";
import { counted, someOf, spanWords } from "../core/health/words.ts";
import { marked } from "../core/look-alike.ts";
import type { View } from "./command.ts";

/** One service among all. */
export interface ServiceHealth {
  readonly service: string;
  readonly nodes: number;
  readonly unhealthy: number;
  readonly versions: readonly string[];
  /** What is wrong with most of them; empty: nothing. */
  readonly why: string;
}

/** How all services are, the worst first. */
export interface HealthOfAll {
  readonly services: readonly ServiceHealth[];
  /** Of all that were asked, whichever of them are in `services`. */
  readonly unhealthy: number;
  readonly asked: number;
  /** So many there are that who asked may not ask. */
  readonly left?: number;
  readonly note?: string;
}

export function ofAll(all: ReadonlyMap<string, Examination>, onlyUnhealthy: boolean): HealthOfAll {
  const services = [...all.values()].map(healthOf).sort(worstFirst);
  const bad = services.filter(({ unhealthy }) => unhealthy > 0);
  return { services: onlyUnhealthy ? bad : services, unhealthy: bad.length, asked: services.length };
}

export function rowsOfAll({ services }: HealthOfAll): readonly object[] {
  return services.map(({ versions, ...rest }) => ({ ...rest, versions: versions.join(", ") }));
}

export function drawAll({ services, unhealthy, asked, left = 0, note }: HealthOfAll): View {
  const more = left > 0 ? `${counted(left, "other service")} you may not ask about` : undefined;
  const told = [note, more].filter((line) => line !== undefined).join("; ");
  const notes = told === "" ? undefined : told;
  const summary =
    asked === 0
      ? "no service is registered that I could ask"
      : unhealthy === 0
        ? `all ${counted(asked, "service")} ${asked === 1 ? "is" : "are"} well`.replace(/^all 1 /, "the only ")
        : `${unhealthy} of ${counted(asked, "service")} unhealthy`;
  if (services.length === 0) return { kind: "text", text: notes === undefined ? summary : `${summary} (${notes})` };
  const rows = services.map(({ service, nodes, unhealthy: bad, versions, why }) =>
    [marked(service), bad === 0 ? `${nodes} ok` : `${bad} of ${nodes} bad`, someOf(versions, 2), why]
      .join("\t")
      .trimEnd(),
  );
  return { kind: "report", text: [summary, "", "service\tnodes\tversion\twhy", ...rows].join("\n"), note: notes };
}

function healthOf({ service, at, nodes, bad, causes, versions, withinMs }: Examination): ServiceHealth {
  const [first, ...others] = causes;
  const since = first && at - first.since >= 1000 ? ` for ${spanWords(at - first.since)}` : "";
  const words = first
    ? `${counted(first.nodes.length, "node")} ${causeWords(first.cause, first.said, withinMs, first.nodes.length > 1)}${since}`
    : nodes.length === 0
      ? "it has no node"
      : "";
  const more = others.length > 0 ? `, and ${counted(others.length, "other cause")}` : "";
  return {
    ...{ service, nodes: nodes.length, unhealthy: nodes.length === 0 ? 1 : bad },
    versions: versions.map(({ version }) => version),
    why: `${words}${more}`,
  };
}

function worstFirst(a: ServiceHealth, b: ServiceHealth): number {
  const share = ({ unhealthy, nodes }: ServiceHealth) => (nodes === 0 ? unhealthy : unhealthy / nodes);
  return share(b) - share(a) || b.unhealthy - a.unhealthy || (a.service < b.service ? -1 : 1);
}
