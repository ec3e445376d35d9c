import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { gossipRegistry } from "../../../src/core/registry/gossip.ts";
import {
  decodePacket,
  encodeMessage,
  encodePackets,
  type GossipMessage,
  ipBytes,
} from "../../../src/core/registry/gossip-packet.ts";
import { ask } from "../../../src/core/registry/gossip-stream.ts";
import { record } from "../../contract/registry.contract.ts";
import { freePort } from "../../fakes/free-port.ts";

/* What a member says to a peer that is nothing but a socket. All of it on 127.0.0.1. */

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function start() {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const registry = gossipRegistry({ addresses: [], bind: address, name: "ours" })();
  await registry.start();
  open.push(() => registry.stop());
  return { registry, address, port };
}

/** Says only what it is told to, and remembers what it hears. */
async function bare(to: { readonly port: number; readonly address: string }) {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  open.push(() => {
    socket.close();
  });
  const heard: GossipMessage[] = [];
  const wakers = new Set<() => void>();
  socket.on("message", (packet) => {
    heard.push(...decodePacket(packet));
    for (const wake of wakers) wake();
  });
  const { port } = socket.address();
  const say = (message: GossipMessage) => {
    for (const packet of encodePackets([encodeMessage(message)])) socket.send(packet, to.port, "127.0.0.1");
  };
  /** The first thing heard that is so; the test's own limit ends the wait. */
  const hears = (wanted: Partial<Record<string, unknown>>) =>
    new Promise<GossipMessage>((resolve) => {
      const look = () => {
        const found = heard.find((each) =>
          Object.entries(wanted).every(([key, value]) => Reflect.get(each, key) === value),
        );
        if (found === undefined) return;
        wakers.delete(look);
        resolve(found);
      };
      wakers.add(look);
      look();
    });
  const me = {
    node: "theirs",
    incarnation: 1,
    bytes: ipBytes("127.0.0.1"),
    port,
    meta: Buffer.alloc(0),
    versions: Buffer.from([1, 5, 4, 0, 0, 0]),
  };
  return {
    ...{ say, hears, heard, port, me },
    /** By push/pull, as members do. */
    join: () =>
      ask(
        to.address,
        { type: "pushPull", join: true, members: [{ ...me, state: "alive" }], state: Buffer.alloc(0) },
        { reply: true },
      ),
  };
}

describe("a gossip member", () => {
  it("answers a ping that is for it, and no other", async () => {
    const peer = await bare(await start());
    peer.say({ type: "ping", seq: 1, node: "somebody" });
    peer.say({ type: "ping", seq: 2, node: "ours" });
    await peer.hears({ type: "ack", seq: 2 });
    expect(peer.heard).toEqual([{ type: "ack", seq: 2 }]);
  });

  it("answers a ping over TCP", async () => {
    const { address } = await start();
    const answer = await ask(address, { type: "ping", seq: 9, node: "ours" }, { reply: true });
    expect(answer).toMatchObject({ type: "ack", seq: 9 });
  });

  it("pings somebody for others, and says whether an answer came", async () => {
    const ours = await start();
    const [asking, asked] = [await bare(ours), await bare(ours)];
    const request = {
      type: "indirect",
      node: "theirs",
      nack: true,
      bytes: ipBytes("127.0.0.1"),
      port: asked.port,
    } as const;
    asking.say({ ...request, seq: 5 });
    const ping = (await asked.hears({ type: "ping", node: "theirs" })) as { readonly seq: number };
    asked.say({ type: "ack", seq: ping.seq });
    await asking.hears({ type: "ack", seq: 5 });
    asking.say({ ...request, seq: 6 });
    await asking.hears({ type: "nack", seq: 6 });
  });

  it("tells who it is to one who joins, probes it, and suspects it when it does not answer", async () => {
    const peer = await bare(await start());
    const reply = await peer.join();
    expect(reply).toMatchObject({ type: "pushPull", members: [{ node: "ours", state: "alive" }] });
    await peer.hears({ type: "ping", node: "theirs" });
    await peer.hears({ type: "suspect", node: "theirs", from: "ours" });
  });

  it("says louder that it lives when it is suspected", async () => {
    const peer = await bare(await start());
    await peer.join();
    peer.say({ type: "suspect", node: "ours", incarnation: 3_000_000_000, from: "theirs" });
    await peer.hears({ type: "alive", node: "ours", incarnation: 3_000_000_001 });
  });

  it("tells what is registered more than once, as packets get lost", async () => {
    const { registry, ...to } = await start();
    const peer = await bare(to);
    await peer.join();
    await registry.register(record("foo", "1", 1));
    const users = () => peer.heard.filter(({ type }) => type === "user").length;
    await expect.poll(users, { timeout: 5000 }).toBeGreaterThanOrEqual(3);
  });

  it("says goodbye", async () => {
    const { registry, ...to } = await start();
    const peer = await bare(to);
    await peer.join();
    await registry.stop();
    await peer.hears({ type: "dead", node: "ours", from: "ours" });
  });
});
