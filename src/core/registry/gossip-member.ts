import { sharedAbort } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { joinAddress } from "../wire/record.ts";
import type { GossipCipher } from "./gossip-crypt.ts";
import { openGossipLink } from "./gossip-link.ts";
import { createMembers } from "./gossip-members.ts";
import {
  decodePacket,
  encodeMessage,
  encodePackets,
  type GossipMessage,
  ipText,
  type MemberAddress,
  PACKET_BYTES,
} from "./gossip-packet.ts";
import type { MemberState, StreamMessage } from "./gossip-state.ts";
import { ask, tellEach } from "./gossip-stream.ts";

/** How a registry takes part in a cluster: as one of its members, or watching from outside. */
export interface GossipPart {
  /**
   * Fetches what a peer knows: of the addresses given, else of a member.
   * @throws MicroError `unavailable` (no peer answered)
   */
  pull(options?: CallOptions): Promise<void>;
  /** Tells everybody; a later one about the same thing makes this one stale. @throws MicroError `unavailable` */
  broadcast(about: string, body: Buffer, options?: CallOptions): Promise<void>;
  /** What was to be said about this thing is not so any more; somebody else said so. */
  forget(about: string): void;
  /** Nobody else is known. */
  readonly alone: boolean;
  /** Says goodbye and closes. */
  leave(): Promise<void>;
}

export interface GossipPartInit {
  readonly clock: Clock;
  readonly log: Log;
  readonly addresses: readonly string[];
  readonly cipher: GossipCipher | undefined;
  onUpdate(body: Buffer): void;
  /** The registry's state as a peer has it. */
  onState(peer: string, state: Buffer): void;
}

export interface GossipMemberInit extends GossipPartInit {
  readonly name: string;
  readonly bind: string;
  localState(): Buffer;
  onLost(error: MicroError): void;
}

/** As memberlist's profile for a local network, at half its pace. */
const GOSSIP_EVERY_MS = 200;
const PROBE_EVERY_MS = 1000;
const PROBE_MS = 400;
/** To how many others news are told at a time, and how many are asked to ping for us. */
const FANOUT = 3;
/** How many rounds for each digit of the cluster's size. */
const RETRANSMITS = 3;
/** Messages waiting for their next round; beyond it the oldest go. */
const MAX_QUEUED = 4096;
/** Longer than that goes over TCP, where no fragment of it is lost. */
const LONG_BYTES = PACKET_BYTES - 100;
/** For one member to take it, when it may be gone and is only not missed yet. */
const LONG_MS = 2000;
/** Pings sent for others that are not answered yet. */
const MAX_RELAYED = 256;

interface Queued {
  readonly bytes: Buffer;
  /** Members pass these on themselves; a user message only its sender tells. */
  readonly relayed: boolean;
  left: number;
}

/** Joins the cluster as a member: answers, probes, gossips (`wire.md §2.6`). @throws MicroError `unavailable` (port) */
export async function openGossipMember(init: GossipMemberInit): Promise<GossipPart> {
  const { clock, log, name, cipher, addresses } = init;
  const queue = new Map<string, Queued>();
  const waiting = new Map<number, () => void>();
  const stopped = sharedAbort();
  let seq = Math.trunc(Math.random() * 0x7fff_ffff);
  let turn = 0;

  const enqueue = (about: string, bytes: Buffer, relayed: boolean) => {
    const rounds = RETRANSMITS * Math.ceil(Math.log10(members.others().length + 2));
    queue.delete(about);
    queue.set(about, { bytes, relayed, left: relayed ? rounds : rounds - 1 });
    for (const oldest of queue.keys()) {
      if (queue.size <= MAX_QUEUED) break;
      queue.delete(oldest);
    }
  };
  const sendTo = async (targets: readonly MemberAddress[], messages: readonly Buffer[]) => {
    if (targets.length === 0 || messages.length === 0) return;
    const packets = encodePackets(messages, cipher);
    await Promise.all(targets.flatMap((to) => packets.map((packet) => link.send(packet, to))));
  };
  const tell = (to: MemberAddress, message: GossipMessage) => sendTo([to], [encodeMessage(message)]);

  const onMessage = (message: GossipMessage, from: MemberAddress) => {
    switch (message.type) {
      case "ping":
        if (message.node === "" || message.node === name) void tell(from, { type: "ack", seq: message.seq });
        return;
      case "indirect":
        void pingFor(message, from);
        return;
      case "ack":
        waiting.get(message.seq)?.();
        return;
      case "nack":
        return;
      case "user":
        init.onUpdate(message.body);
        return;
      default:
        members.hear(message, clock.now());
    }
  };
  const link = await openGossipLink({
    bind: init.bind,
    cipher,
    onLost: init.onLost,
    onPacket: (packet, from) => {
      try {
        for (const message of decodePacket(packet, cipher)) onMessage(message, from);
      } catch (error) {
        log.debug({ from: ipText(from.bytes), error: MicroError.from(error).message }, "gossip packet ignored");
      }
    },
    onStream: (message, from) => onStream(message, from),
  });
  const members = createMembers({
    name,
    address: link.address,
    incarnation: Math.trunc(clock.now() / 1000) % 0x8000_0000,
    onNews: (message, about) => enqueue(`member ${about}`, encodeMessage(message), true),
  });

  const onStream = (message: StreamMessage, from: string): StreamMessage | undefined => {
    if (message.type === "ping")
      return message.node === name || message.node === "" ? { ...message, type: "ack" } : undefined;
    if (message.type === "user") init.onUpdate(message.body);
    if (message.type !== "pushPull") return undefined;
    const { join } = message;
    const state = join ? init.localState() : Buffer.alloc(0);
    const reply: StreamMessage = { type: "pushPull", join: false, members: members.all(), state };
    members.merge(message.members, clock.now());
    if (join) init.onState(from, message.state);
    return reply;
  };

  /** Whether an ack came in time. */
  const ping = async (to: MemberAddress, node: string, ms: number, meanwhile?: (seq: number) => void) => {
    seq = (seq + 1) % 0xffff_ffff;
    const mine = seq;
    const over = sharedAbort();
    const stop = () => over.abort();
    stopped.signal.addEventListener("abort", stop, { once: true });
    let answered = false;
    waiting.set(mine, () => {
      answered = true;
      over.abort();
    });
    try {
      await tell(to, { type: "ping", seq: mine, node });
      await clock.sleep(ms, { signal: over.signal }).catch(() => {});
      if (answered || meanwhile === undefined) return answered;
      meanwhile(mine);
      await clock.sleep(ms, { signal: over.signal }).catch(() => {});
      return answered;
    } finally {
      waiting.delete(mine);
      stopped.signal.removeEventListener("abort", stop);
    }
  };
  const pingFor = async (asked: Extract<GossipMessage, { type: "indirect" }>, from: MemberAddress) => {
    if (waiting.size >= MAX_RELAYED) return;
    if (await ping(asked, asked.node, PROBE_MS)) await tell(from, { type: "ack", seq: asked.seq });
    else if (asked.nack && !stopped.signal.aborted) await tell(from, { type: "nack", seq: asked.seq });
  };
  const probe = async () => {
    const others = members.others();
    const target = others[turn++ % Math.max(1, others.length)];
    if (target === undefined) return;
    const { node, bytes, port } = target;
    const alive = await ping(target, node, PROBE_MS, (mine) => {
      const helpers = pick(others, FANOUT, node);
      void sendTo(helpers, [encodeMessage({ type: "indirect", seq: mine, node, nack: false, bytes, port })]);
    });
    if (!alive && !stopped.signal.aborted) members.suspect(node, clock.now());
  };
  const gossip = async () => {
    members.tick(clock.now());
    const others = members.others();
    const news: Buffer[] = [];
    const own: Buffer[] = [];
    for (const [about, item] of queue) {
      (item.relayed ? news : own).push(item.bytes);
      item.left -= 1;
      // With nobody there, whoever comes reads it all when joining.
      if (item.left <= 0 || others.length === 0) queue.delete(about);
    }
    await sendTo(others, own);
    await sendTo(pick(others, FANOUT), news);
  };
  const forEver = async (everyMs: number, work: () => Promise<void>) => {
    while (!stopped.signal.aborted) {
      await clock.sleep(everyMs, { signal: stopped.signal });
      await work();
    }
  };
  for (const running of [forEver(GOSSIP_EVERY_MS, gossip), forEver(PROBE_EVERY_MS, probe)]) {
    running.catch((error: unknown) => {
      if (!stopped.signal.aborted) init.onLost(MicroError.from(error));
    });
  }

  const pullFrom = async (address: string, options: CallOptions) => {
    const request: StreamMessage = { type: "pushPull", join: true, members: members.all(), state: Buffer.alloc(0) };
    const reply = await ask(address, request, { ...options, cipher, reply: true });
    if (reply?.type === "error") throw new MicroError("unavailable", `the gossip member at ${address} refused to talk`);
    if (reply?.type !== "pushPull") throw new MicroError("unavailable", `${address} is no gossip member`);
    members.merge(reply.members, clock.now());
    init.onState(address, reply.state);
  };
  return {
    get alone() {
      return members.others().length === 0;
    },
    pull: async (options = {}) => {
      // A member that was found in the meantime is as good as one that was named; when all are gone, those again.
      const [other] = pick(members.others(), 1);
      const known = other === undefined ? addresses : [textOf(other)];
      const outcomes = await Promise.allSettled(known.map((address) => pullFrom(address, options)));
      const failed = outcomes.find(({ status }) => status === "rejected");
      if (failed?.status === "rejected" && !outcomes.some(({ status }) => status === "fulfilled")) throw failed.reason;
    },
    broadcast: async (about, body, options = {}) => {
      const bytes = encodeMessage({ type: "user", body });
      if (bytes.length > LONG_BYTES) {
        queue.delete(`service ${about}`);
        await tellEach(members.others().map(textOf), body, { ...options, timeoutMs: LONG_MS, cipher });
        return;
      }
      enqueue(`service ${about}`, bytes, false);
      await sendTo(members.others(), [bytes]);
    },
    forget: (about) => queue.delete(`service ${about}`),
    leave: async () => {
      const { incarnation } = members.self();
      stopped.abort();
      const goodbye = encodeMessage({ type: "dead", incarnation, node: name, from: name });
      const waitingNews = [...queue.values()].filter(({ relayed }) => !relayed).map(({ bytes }) => bytes);
      await sendTo(members.others(), [...waitingNews, goodbye]);
      await link.close();
    },
  };
}

function textOf({ bytes, port }: MemberAddress): string {
  return joinAddress(ipText(bytes), port);
}

/** `count` of them by chance, without the one named. */
function pick(members: readonly MemberState[], count: number, without?: string): readonly MemberState[] {
  const left = members.filter(({ node }) => node !== without);
  for (let n = 0; n < Math.min(count, left.length); n++) {
    const at = n + Math.trunc(Math.random() * (left.length - n));
    [left[n], left[at]] = [left[at] as MemberState, left[n] as MemberState];
  }
  return left.slice(0, count);
}
