import { askNodes, type VersionAnswers } from "../core/health/health.ts";
import { errorText } from "../core/wire/error.ts";
import type { CommandContext, View } from "./command.ts";
import { lookUpShort } from "./look-up.ts";
import { wireName } from "./names.ts";
import { remembered } from "./remembered.ts";

/** The word that names a service. */
export const serviceWord = wireName("require service name").describe("its name, or what its name ends with");

/** What every node of a service said of itself, or why it did not. */
export interface NodeReport<T> {
  readonly service: string;
  readonly versions: readonly VersionAnswers<T>[];
  readonly note?: string;
}

/**
 * Asks every node of a service for one of the `Debug` endpoints, all at once.
 * @param said its name, or what its name ends with
 * @param command for whom rules about services are
 * @param read makes something typed of an answer; what is missing in it must not throw
 * @throws MicroError `not_found`
 */
export async function askEachNode<T>(
  said: string,
  command: Parameters<typeof lookUpShort>[1],
  endpoint: string,
  read: (answer: unknown) => T,
  context: CommandContext,
): Promise<NodeReport<T>> {
  const { service, records } = await lookUpShort(said, command, context);
  const versions = await askNodes(context.client, records, endpoint, read, { signal: context.signal });
  return { service, versions, ...remembered(context.registry, context.clock) };
}

/** A row for each node, for pipes; one that failed says so in its status, and why. */
export function nodeRows<T>({ versions }: NodeReport<T>, cells: (answer: T) => object): readonly object[] {
  return versions.flatMap(({ version, nodes }) =>
    nodes.map(({ node, answer, error }) => {
      const { id, address } = node;
      const said = error ? { status: "failed", error: errorText(error) } : cells(answer);
      return { node: id, address, version, ...said };
    }),
  );
}

/**
 * A table per version in the layout of `toolkit.md §1.8` and §1.9; a node that failed shows the error in the stead of cells.
 * @param columns and `cells`: with a tab between two
 */
export function drawNodes<T>(
  { service, versions, note }: NodeReport<T>,
  columns: string,
  cells: (answer: T) => string,
): View {
  const lines = [`service  ${service}`];
  for (const { version, nodes } of versions) {
    lines.push("", `version ${version}`, "", `node\t\taddress:port\t\t${columns}`);
    for (const { node, answer, error } of nodes) {
      lines.push(`${node.id}\t\t${node.address}\t\t${error ? errorText(error) : cells(answer)}`);
    }
  }
  return { kind: "report", text: lines.join("\n"), note };
}
