import type { RemoteInfo } from "node:dgram";
import type { Packet } from "dns-packet";
import type { Clock } from "../clock.ts";
import type { MdnsLink } from "./mdns-link.ts";
import { encodeAnnouncement, encodeProbe, encodeReply } from "./mdns-packet.ts";
import { answers, ownRecords, type Zone } from "./mdns-zone.ts";

/** Answers for the zones it has, and tells the link of their coming and going (`wire.md §2.2`). */
export interface Responder {
  /** Answers from now on; probes and announces in the background. A zone of the same instance is replaced. */
  add(zone: Zone): void;
  /** Stops answering; resolves when the goodbye is sent. Unknown ones do nothing. */
  remove(instance: string): Promise<void>;
  answer(bytes: Buffer, query: Packet, from: RemoteInfo): void;
  /** Goodbye for all. */
  stop(): Promise<void>;
}

const PROBES = 3;
const MAX_PROBE_GAP_MS = 250;
/** Pauses before the three announcements: they go out at 0, +1 s and +2 s. */
const ANNOUNCE_PAUSES_MS = [0, 1000, 1000];
/** Questions of one packet that are read; more are nobody's honest need. */
const MAX_QUESTIONS = 16;
const MDNS_PORT = 5353;

export function createResponder(link: MdnsLink, clock: Clock): Responder {
  const zones = new Map<string, { readonly zone: Zone; readonly abort: AbortController }>();

  const introduce = async (zone: Zone, signal: AbortSignal): Promise<void> => {
    const [srv, address, txt] = ownRecords(zone);
    if (srv === undefined || address === undefined || txt === undefined) return;
    for (let i = 0; i < PROBES; i += 1) {
      await link.announce(encodeProbe(zone.instance, [srv, txt]));
      await clock.sleep(Math.random() * MAX_PROBE_GAP_MS, { signal });
    }
    for (const pauseMs of ANNOUNCE_PAUSES_MS) {
      if (pauseMs > 0) await clock.sleep(pauseMs, { signal });
      if (signal.aborted) return;
      await link.announce(encodeAnnouncement([srv, address, txt]));
    }
  };
  const remove = async (instance: string): Promise<void> => {
    const known = zones.get(instance);
    if (known === undefined) return;
    zones.delete(instance);
    known.abort.abort();
    await link.announce(encodeAnnouncement(ownRecords(known.zone, 0)));
  };

  return {
    add: (zone) => {
      zones.get(zone.instance)?.abort.abort();
      const abort = new AbortController();
      zones.set(zone.instance, { zone, abort });
      introduce(zone, abort.signal).catch(() => {}); // ends early when it is removed
    },
    remove,
    answer: (bytes, query, from) => {
      const questions = (query.questions ?? []).slice(0, MAX_QUESTIONS);
      for (const { zone } of zones.values()) {
        const found = new Map(
          questions.flatMap((q) => answers(zone, q)).map((record) => [`${record.type} ${record.name}`, record]),
        );
        if (found.size === 0) continue;
        const records = [...found.values()];
        link.reply(encodeReply(bytes, records), from);
        // Who asks from 5353 is a full mDNS host; it shares the port with others and expects multicast (RFC 6762 §6).
        if (from.port === MDNS_PORT) void link.announce(encodeAnnouncement(records)).catch(() => {});
      }
    },
    stop: async () => {
      await Promise.all([...zones.keys()].map(remove));
    },
  };
}
