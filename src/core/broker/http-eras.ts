import type { ServiceNode, ServiceRecord } from "../registry/registry.ts";

/**
 * Which go-micro a subscriber can be found by, named after its first version with that naming (`wire.md §8.1`): up to v1.12,
 * v1.13 to v1.17, v1.18, and v2.5 and later.
 */
export type HttpBrokerEra = "v0.1" | "v1.13" | "v1.18" | "v2.5";

/** What stands for "no queue" as a version. */
const EVERYBODY = "ff.http.broadcast";

interface Naming {
  service(topic: string): string;
  nodeId(topic: string, uuid: string): string;
  /** The nodes say what they are: from v1.13 on. */
  readonly labelled: boolean;
  readonly path: "/" | "/_sub";
}

const NAMINGS: Readonly<Record<HttpBrokerEra, Naming>> = {
  "v1.18": { service: () => "go.micro.http.broker", nodeId: byTopic, labelled: true, path: "/_sub" },
  "v2.5": { service: () => "micro.http.broker", nodeId: byTopic, labelled: true, path: "/" },
  "v0.1": { service: (topic) => `topic:${topic}`, nodeId: byBroker, labelled: false, path: "/_sub" },
  // The topic may be the name of a service whose nodes stand beside those of its brokers (trap 15).
  "v1.13": { service: (topic) => topic, nodeId: byBroker, labelled: true, path: "/_sub" },
};
const ALL = Object.values(NAMINGS);

/** Of the subscription, not of the broker as in Go, where two queues of one process each get what is meant for both. */
function byTopic(topic: string, uuid: string): string {
  return `${topic}-${uuid}`;
}

function byBroker(_topic: string, uuid: string): string {
  return `broker-${uuid}.${uuid}`;
}

/** What a subscriber registers. */
export interface Subscriber {
  readonly topic: string;
  /** Empty: none. */
  readonly queue: string;
  readonly uuid: string;
  readonly address: string;
}

export function subscriberRecord(era: HttpBrokerEra, { topic, queue, uuid, address }: Subscriber): ServiceRecord {
  const naming = NAMINGS[era];
  const metadata: Record<string, string> = naming.labelled
    ? { broker: "http", secure: "false", topic }
    : { secure: "false" };
  return {
    name: naming.service(topic),
    version: queue === "" ? EVERYBODY : queue,
    metadata: {},
    endpoints: [],
    nodes: [{ id: naming.nodeId(topic, uuid), address, metadata }],
  };
}

/** One to whom a message may go. */
export interface Target {
  readonly id: string;
  readonly address: string;
  readonly secure: boolean;
  /** Path and query of the request. */
  readonly path: string;
  /** The topic stands in the envelope as `:topic`. */
  readonly marked: boolean;
}

/** Who gets a topic's messages: all of the first, one of each of the others. */
export interface Plan {
  readonly everybody: readonly Target[];
  readonly queues: ReadonlyMap<string, readonly Target[]>;
}

/** The names under which subscribers of a topic may be found, in the order that `planOf` wants their records. */
export function serviceNames(topic: string): readonly string[] {
  return ALL.map(({ service }) => service(topic));
}

/** Who subscribes. A subscriber that is registered under several names counts once, under the first. */
export function planOf(topic: string, found: readonly (readonly ServiceRecord[])[]): Plan {
  const everybody: Target[] = [];
  const queues = new Map<string, Target[]>();
  const ids = new Set<string>();
  /** A listener may have several subscriptions under one name, but is looked for under one name only. */
  const listeners = new Map<string, number>();
  ALL.forEach((naming, at) => {
    for (const { version, nodes } of found[at] ?? []) {
      for (const node of nodes) {
        const listener = JSON.stringify([node.address, version]);
        const first = listeners.get(listener) ?? at;
        if (!isMeant(node, topic, naming.labelled) || ids.has(node.id) || first !== at) continue;
        ids.add(node.id);
        listeners.set(listener, at);
        const target = targetOf(node, naming.path);
        if (version === EVERYBODY) everybody.push(target);
        else queues.set(version, [...(queues.get(version) ?? []), target]);
      }
    }
  });
  return { everybody, queues };
}

function isMeant({ metadata }: ServiceNode, topic: string, labelled: boolean): boolean {
  const of = metadata["topic"];
  if (!labelled && of === undefined) return metadata["protocol"] === undefined;
  return metadata["broker"] === "http" && of === topic;
}

function targetOf({ id, address, metadata }: ServiceNode, path: "/" | "/_sub"): Target {
  return {
    id,
    address,
    secure: metadata["secure"] === "true",
    path: `${path}?id=${encodeURIComponent(id).replace(/%20/g, "+")}`,
    marked: path !== "/",
  };
}
