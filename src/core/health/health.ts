import type { Client, RequestOptions } from "../client/client.ts";
import { MicroError } from "../errors.ts";
import type { ServiceNode, ServiceRecord } from "../registry/registry.ts";
import { type ErrorRecord, toRecord } from "../wire/error.ts";

/** What a node said when it was asked, or why it did not. */
export type NodeAnswer<T> = { readonly node: ServiceNode } & (
  | { readonly answer: T; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: ErrorRecord }
);

/** A version with what its nodes answered, in the registry's order. */
export interface VersionAnswers<T> {
  readonly version: string;
  readonly nodes: readonly NodeAnswer<T>[];
}

/** How many nodes are asked at once: hanging ones are not to make the others wait. */
const AT_ONCE = 512;

/**
 * Asks every node of a service at once and waits for all, so the slowest one decides how long it takes and a dead one costs
 * no more than `options.timeoutMs`. A node that fails is part of the answer.
 * @throws MicroError `cancelled`
 */
export async function askNodes<T>(
  client: Client,
  versions: readonly ServiceRecord[],
  endpoint: string,
  read: (answer: unknown) => T,
  options: RequestOptions = {},
): Promise<readonly VersionAnswers<T>[]> {
  const free: (() => void)[] = [];
  let asking = 0;
  const ask = async (service: string, node: ServiceNode): Promise<NodeAnswer<T>> => {
    if (asking >= AT_ONCE) await new Promise<void>((resolve) => free.push(resolve));
    else asking++;
    try {
      return { node, answer: read(await client.request(service, endpoint, {}, { ...options, node, retries: 0 })) };
    } catch (thrown) {
      const error = MicroError.from(thrown);
      if (options.signal?.aborted) throw error;
      return { node, error: toRecord(error) };
    } finally {
      const next = free.shift();
      if (next) next();
      else asking--;
    }
  };
  return Promise.all(
    versions.map(async ({ name, version, nodes }) => ({
      version,
      nodes: await Promise.all(nodes.map((node) => ask(name, node))),
    })),
  );
}
