import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { joinAddress } from "../wire/record.ts";
import type { GossipPart, GossipPartInit } from "./gossip-member.ts";
import { ipText } from "./gossip-packet.ts";
import type { StreamMessage } from "./gossip-state.ts";
import { ask, tellEach } from "./gossip-stream.ts";

/** Members asked when none of the addresses answers. */
const MAX_ASKED = 16;
const NOTHING = Buffer.alloc(0);

/**
 * Stays outside of the cluster, which never hears of it: reads its state over TCP from one peer, and tells changes to each
 * member over TCP. Opens no port.
 */
export function openGossipObserver({ addresses, cipher, onState }: GossipPartInit): GossipPart {
  let known: readonly string[] = [];

  const pullFrom = async (address: string, options: CallOptions) => {
    const request: StreamMessage = { type: "pushPull", join: true, members: [], state: NOTHING };
    const reply = await ask(address, request, { ...options, cipher, reply: true });
    if (reply?.type !== "pushPull")
      throw new MicroError("unavailable", `${address} does not take us for one of its own`);
    known = reply.members
      .filter(({ state }) => state !== "dead")
      .map(({ bytes, port }) => joinAddress(ipText(bytes), port));
    // One name for all peers: the newest answer is the truth.
    onState("peer", reply.state);
  };
  return {
    get alone() {
      return known.length === 0;
    },
    pull: async (options = {}) => {
      let failed: unknown = new MicroError(
        "invalid_argument",
        "gossip needs the address of a member, or one to bind to",
      );
      for (const address of new Set([...addresses, ...known.slice(0, MAX_ASKED)])) {
        try {
          return await pullFrom(address, options);
        } catch (error) {
          failed = error;
        }
      }
      throw failed;
    },
    broadcast: async (_about, body, options = {}) => {
      const targets = known.length > 0 ? known : addresses;
      const { reached, failed } = await tellEach(targets, body, { ...options, cipher });
      if (reached === 0 && failed !== undefined) throw failed;
    },
    forget: () => {},
    leave: async () => {},
  };
}
