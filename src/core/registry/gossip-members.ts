import type { AliveMessage, DoubtMessage, GossipMessage, MemberAddress } from "./gossip-packet.ts";
import type { MemberState } from "./gossip-state.ts";

/** Who is in the cluster, as this member knows it. Pure: times are given, what is to be told on is handed out. */
export interface Members {
  /** What this member says of itself. */
  self(): AliveMessage;
  /** @param now epoch ms */
  hear(message: AliveMessage | DoubtMessage, now: number): void;
  /** What another one knows; its dead are only suspects here, as in Go. */
  merge(states: readonly MemberState[], now: number): void;
  /** Somebody did not answer. */
  suspect(node: string, now: number): void;
  /** Declares suspects dead and forgets those long dead. */
  tick(now: number): void;
  /** Others to whom to send: alive and suspect. */
  others(): readonly MemberState[];
  find(node: string): MemberState | undefined;
  /** All of them, this one included, for push/pull. */
  all(): readonly MemberState[];
}

export interface MembersInit {
  readonly name: string;
  readonly address: MemberAddress;
  /** To begin with; a name that comes back must begin higher than it ended. Default 1, as in Go. */
  readonly incarnation?: number;
  /** Something is news and to be told on; `about` makes what was queued about the same member stale. */
  onNews(message: GossipMessage, about: string): void;
}

/** Members kept, the dead among them. */
const MAX_MEMBERS = 1024;
/** Protocol 4, of those from 1 to 5 that we understand; the delegate has none (`wire.md §2.6`). */
const VERSIONS = Buffer.from([1, 5, 4, 0, 0, 0]);
/** How long somebody may refute, times the number of digits of the cluster's size. */
const SUSPICION_MS = 4000;
/** How long the dead are remembered, so that old news do not bring them back. */
const FORGET_MS = 60_000;
const MAX_INCARNATION = 0xffff_ffff;

interface Known extends MemberState {
  readonly since: number;
}

export function createMembers({ name, address, incarnation: first = 1, onNews }: MembersInit): Members {
  const known = new Map<string, Known>();
  let incarnation = first;

  const self = (): AliveMessage => ({
    type: "alive",
    incarnation,
    node: name,
    bytes: address.bytes,
    port: address.port,
    meta: Buffer.alloc(0),
    versions: VERSIONS,
  });
  /** Somebody said of this member what is not so: it says it louder. */
  const refute = (said: number) => {
    incarnation = Math.min(MAX_INCARNATION, Math.max(incarnation, said) + 1);
    onNews(self(), name);
  };
  const change = (member: MemberState, state: MemberState["state"], now: number, said: number) => {
    known.set(member.node, { ...member, state, incarnation: said, since: now });
  };
  const makeRoom = (): boolean => {
    if (known.size < MAX_MEMBERS - 1) return true;
    const dead = [...known.values()].find(({ state }) => state === "dead");
    return dead !== undefined && known.delete(dead.node);
  };

  const hearAlive = (message: AliveMessage, now: number) => {
    if (message.node === name) {
      const same = message.port === address.port && message.bytes.equals(address.bytes);
      // Our own words come back; another address under our name is somebody else, or we of before.
      if (message.incarnation < incarnation || (same && message.incarnation === incarnation)) return;
      return refute(message.incarnation);
    }
    const before = known.get(message.node);
    if (before === undefined && !makeRoom()) return;
    if (before !== undefined) {
      if (message.incarnation <= before.incarnation) return;
      const moved = message.port !== before.port || !message.bytes.equals(before.bytes);
      if (moved && before.state !== "dead") return;
    }
    const { type: _, ...member } = message;
    change({ ...member, state: "alive" }, "alive", now, message.incarnation);
    onNews(message, message.node);
  };
  const hearDoubt = (message: DoubtMessage, now: number) => {
    if (message.node === name) {
      if (message.incarnation >= incarnation) refute(message.incarnation);
      return;
    }
    const before = known.get(message.node);
    if (before === undefined || message.incarnation < before.incarnation || before.state === "dead") return;
    if (message.type === "suspect" && before.state === "suspect") return;
    change(before, message.type, now, message.incarnation);
    onNews(message, message.node);
  };
  const hear = (message: AliveMessage | DoubtMessage, now: number) =>
    message.type === "alive" ? hearAlive(message, now) : hearDoubt(message, now);
  const others = () => [...known.values()].filter(({ state }) => state !== "dead");

  return {
    self,
    hear,
    others,
    find: (node) => known.get(node),
    merge: (states, now) => {
      for (const { state, ...told } of states) {
        if (state === "alive") hear({ type: "alive", ...told }, now);
        else hear({ type: "suspect", node: told.node, incarnation: told.incarnation, from: name }, now);
      }
    },
    suspect: (node, now) => {
      const member = known.get(node);
      if (member?.state !== "alive") return;
      hear({ type: "suspect", node, incarnation: member.incarnation, from: name }, now);
    },
    tick: (now) => {
      const patience = SUSPICION_MS * Math.max(1, Math.log10(known.size + 1));
      for (const member of [...known.values()]) {
        const age = now - member.since;
        if (member.state === "suspect" && age >= patience) {
          hear({ type: "dead", node: member.node, incarnation: member.incarnation, from: name }, now);
        } else if (member.state === "dead" && age >= FORGET_MS) known.delete(member.node);
      }
    },
    all: () => {
      const { type: _, ...me } = self();
      return [{ ...me, state: "alive" as const }, ...[...known.values()].map(({ since: __, ...each }) => each)];
    },
  };
}
