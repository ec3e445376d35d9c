import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { NatsSession } from "../transport/nats-link.ts";
import type { Feed } from "./feed.ts";
import { type NatsTalk, WATCH } from "./nats-talk.ts";
import type { RegistryEvent, ServiceNode, ServiceRecord } from "./registry.ts";
import { changes, NO_VERSIONS, type Versions, withoutNodes, withoutRecord, withRecord } from "./versions.ts";

export interface NatsFeedInit {
  readonly session: NatsSession;
  readonly talk: NatsTalk;
  readonly clock: Clock;
  publish(event: RegistryEvent): void;
}

/**
 * When owners are asked again whether they are still there, the last for ever. Soon at first: where NATS itself has just come
 * back, some are late to listen.
 */
const ASK_AGAIN_MS = [1000, 5000, 30_000];

/**
 * What owners say on the two watch subjects, against what is known: most of it is repetition, and what we say ourselves is
 * said on both. Who is killed says nothing, so all are asked again now and then; a service that has not answered twice is gone.
 */
export async function openNatsFeed(init: NatsFeedInit, signal: AbortSignal): Promise<Feed> {
  const { session, talk, clock, publish } = init;
  const known = new Map<string, Versions>();
  let silentOnce = new Set<string>();
  /** Services of which something was told since they were last asked for. */
  const told = new Set<string>();
  let live = false;

  const become = (name: string, after: Versions) => {
    const before = known.get(name) ?? NO_VERSIONS;
    if (after.length === 0) known.delete(name);
    else known.set(name, after);
    if (live && before !== after) for (const event of changes(before, after)) publish(event);
  };
  const hear = ({ action, service }: RegistryEvent) => {
    told.add(service.name);
    const before = known.get(service.name) ?? NO_VERSIONS;
    if (action === "delete") become(service.name, withoutRecord(before, service));
    else if (service.nodes.length > 0) become(service.name, withRecord(before, service));
  };
  const subscriptions = WATCH.map((subject) =>
    session.subscribe(subject, (message) => {
      const event = talk.readEvent(message.data, subject);
      if (event) hear(event);
    }),
  );
  const ended = new AbortController();
  const end = (event: Event) => ended.abort((event.target as AbortSignal).reason);
  const unfollow = session.onLoss((error) => ended.abort(error));
  const close = () => {
    unfollow();
    signal.removeEventListener("abort", end);
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
  if (signal.aborted) ended.abort(signal.reason);
  else signal.addEventListener("abort", end, { once: true });

  const learn = async () => {
    told.clear();
    const answers = await talk.ask(session, undefined, ended.signal);
    const heard = new Map<string, ServiceRecord[]>();
    for (const record of answers) heard.set(record.name, [...(heard.get(record.name) ?? []), record]);
    const silentNow = new Set<string>();
    for (const name of new Set([...known.keys(), ...heard.keys()])) {
      // What was told meanwhile is newer than any answer.
      if (told.has(name)) continue;
      const records = heard.get(name) ?? [];
      const ids = new Set(records.flatMap((record) => record.nodes.map(({ id }) => id)));
      // A node that did not answer in time may be there all the same, until it was silent twice.
      const gone = (node: ServiceNode) => !ids.has(node.id) && silentOnce.has(node.id);
      const after = withoutNodes(records.reduce(withRecord, known.get(name) ?? NO_VERSIONS), gone);
      become(name, after);
      for (const { nodes } of after) for (const { id } of nodes) if (!ids.has(id)) silentNow.add(id);
    }
    silentOnce = silentNow;
  };
  try {
    await session.confirm(ended.signal);
    await learn();
    live = true;
  } catch (error) {
    close();
    throw error;
  }
  return {
    current: () => new Map(known),
    follow: async () => {
      try {
        for (let times = 0; ; times++) {
          const pause = ASK_AGAIN_MS[Math.min(times, ASK_AGAIN_MS.length - 1)] as number;
          await clock.sleep(pause, { signal: ended.signal });
          await learn();
        }
      } catch (error) {
        throw ended.signal.aborted ? MicroError.from(ended.signal.reason, "unavailable") : error;
      } finally {
        close();
      }
    },
  };
}
