import { createHash } from "node:crypto";
import { type LastKnown, type LastNode, MOST_LAST_NODES } from "../core/health/last.ts";
import type { Db } from "../platform/db/db.ts";

const TABLE = "health";
/** Whoever asks for the health of something waits no longer for what it was. */
const READ_MS = 400;
/** So many services are known by heart, those that were asked for last. */
const MOST_SERVICES = 2000;

/** The last known health of nodes in the table `health` of a `Db`: known after a restart. */
export interface KeptHealth extends LastKnown {
  /** Resolves when all that was kept is on the disk, or cannot be. Never rejects. */
  settled(): Promise<void>;
}

export function createKeptHealth({ db }: { readonly db: Db }): KeptHealth {
  const known = new Map<string, readonly LastNode[]>();
  const writing = new Map<string, Promise<void>>();

  const remember = (service: string, nodes: readonly LastNode[]) => {
    known.delete(service);
    known.set(service, nodes);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_SERVICES) break;
      known.delete(oldest);
    }
  };
  /** One write of a service at a time, and the next with what holds by then. */
  const write = async (service: string): Promise<void> => {
    let written: readonly LastNode[] | undefined;
    for (let nodes = known.get(service); nodes && nodes !== written; nodes = known.get(service)) {
      written = nodes;
      const record = {
        id: idOf(service),
        at: Math.round(nodes.reduce((newest, { since }) => Math.max(newest, since), 0)),
        facts: {},
      };
      // What is not on the disk is known until the process ends, and written with the next change.
      await db.put(TABLE, { ...record, value: JSON.stringify({ service, nodes }) }).catch(() => {});
    }
    writing.delete(service);
  };

  return {
    of: async (service) => {
      const heard = known.get(service);
      if (heard !== undefined) return heard;
      try {
        const record = await db.get(TABLE, idOf(service), { timeoutMs: READ_MS });
        // Somebody may have looked meanwhile.
        if (!known.has(service)) remember(service, record === undefined ? [] : nodesIn(record.value));
        return known.get(service);
      } catch {
        return undefined;
      }
    },
    keep: async (service, nodes) => {
      remember(service, nodes.slice(0, MOST_LAST_NODES));
      if (!writing.has(service)) writing.set(service, write(service));
      await writing.get(service);
    },
    settled: async () => {
      await Promise.all(writing.values());
    },
  };
}

/** What cannot be read is nothing, and written anew. */
function nodesIn(text: string): readonly LastNode[] {
  try {
    const { nodes } = JSON.parse(text) as { readonly nodes?: unknown };
    return Array.isArray(nodes) ? (nodes as LastNode[]) : [];
  } catch {
    return [];
  }
}

function idOf(service: string): string {
  return createHash("sha256").update(service).digest("hex");
}
