import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { BlockList } from "node:net";
import { type NetworkInterfaceInfoIPv4, networkInterfaces } from "node:os";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";

const GROUP = "224.0.0.251";
const PORT = 5353;
const RECEIVE_BYTES = 1 << 20;

/** What was received, and by whom it was sent. */
type Receive = (bytes: Buffer, from: RemoteInfo) => void;

/** The sockets of one registry on its interfaces. Asking needs no port 5353, so listening is opened only when needed. */
export interface MdnsLink extends Closable {
  /** Multicast from a port of our own, to which the answers come. @throws MicroError `unavailable` when no interface took it */
  ask(bytes: Buffer): Promise<void>;
  /** Joins the group on port 5353. Once; later calls wait for the first. @throws MicroError `unavailable` */
  listen(): Promise<void>;
  /** Multicast from port 5353, as others demand of a response. After `listen()`. */
  announce(bytes: Buffer): Promise<void>;
  /** Unicast from port 5353. After `listen()`. */
  reply(bytes: Buffer, to: RemoteInfo): void;
}

export interface MdnsLinkInit {
  /** Names or IPv4 addresses; missing: all interfaces that take multicast, loopback included. */
  readonly interfaces?: readonly string[] | undefined;
  /** Answers to `ask`. */
  onAnswer: Receive;
  /** What the group hears. */
  onGroup: Receive;
  /** The listening socket broke. */
  onLost(error: MicroError): void;
}

/** @throws MicroError `unavailable` (no interface takes multicast), `invalid_argument` (no such interface) */
export async function openMdnsLink({ interfaces, onAnswer, onGroup, onLost }: MdnsLinkInit): Promise<MdnsLink> {
  const chosen = chooseInterfaces(interfaces);
  const open: Socket[] = [];
  let asking: readonly Socket[] = [];
  let listening: Promise<{ readonly group: Socket; readonly announcers: readonly Socket[] }> | undefined;
  let closed = false;

  const bind = async (address: string, port: number, onMessage: Receive): Promise<Socket> => {
    const socket = createSocket({ type: "udp4", reuseAddr: port !== 0 });
    open.push(socket);
    socket.bind({ address, port, exclusive: true });
    await once(socket, "listening");
    // Everybody answers a question in the same moment; the system grants less where it must.
    succeeds(() => socket.setRecvBufferSize(RECEIVE_BYTES));
    socket.on("error", (error) =>
      onLost(new MicroError("unavailable", `mDNS socket: ${error.message}`, { cause: error })),
    );
    socket.on("message", onMessage);
    return socket;
  };
  /** A socket that sends to the group through this interface. */
  const sender = async (address: string, port: number, onMessage: Receive): Promise<Socket> => {
    const socket = await bind(address, port, onMessage);
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(255);
    socket.setMulticastLoopback(true);
    return socket;
  };
  const close = async () => {
    closed = true;
    await listening?.catch(() => {});
    await Promise.all(open.splice(0).map(closeSocket));
  };

  const onLink = new BlockList();
  for (const { address, netmask } of chosen) onLink.addSubnet(address, prefixLength(netmask), "ipv4");
  const isOnLink = (from: RemoteInfo) => onLink.check(from.address, "ipv4");

  const startListening = async () => {
    // Bound to the group, a socket hears only what was sent to the group: nobody off the link can make it answer.
    // Windows cannot bind so, hence the second check. Linux delivers what any process on this machine joined for, on
    // whatever interface, hence the check also when interfaces were chosen.
    const toGroup = process.platform !== "win32";
    const everybody = toGroup && interfaces === undefined;
    const group = await bind(toGroup ? GROUP : "0.0.0.0", PORT, (bytes, from) => {
      if (everybody || isOnLink(from)) onGroup(bytes, from);
    });
    const joined = chosen.filter(({ address }) => succeeds(() => group.addMembership(GROUP, address)));
    if (joined.length === 0) throw noMulticast(interfaces);
    const announcers = await Promise.all(
      joined.map(({ address }) =>
        sender(address, PORT, (bytes, from) => {
          if (isOnLink(from)) onGroup(bytes, from);
        }).catch(() => undefined),
      ),
    );
    return { group, announcers: announcers.filter((socket) => socket !== undefined) };
  };

  try {
    const senders = await Promise.all(chosen.map(({ address }) => sender(address, 0, onAnswer).catch(() => undefined)));
    asking = senders.filter((socket) => socket !== undefined);
    if (asking.length === 0) throw noMulticast(interfaces);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...closable(close),
    ask: async (bytes) => {
      const sent = await Promise.all(asking.map((socket) => sendToGroup(socket, bytes)));
      if (!closed && !sent.includes(true)) throw noMulticast(interfaces);
    },
    listen: async () => {
      listening ??= startListening().catch((error: unknown) => {
        listening = undefined;
        if (error instanceof MicroError) throw error;
        throw new MicroError("unavailable", `cannot listen for mDNS on port ${PORT}: ${String(error)}`, {
          cause: error,
        });
      });
      await listening;
    },
    announce: async (bytes) => {
      const { announcers } = (await listening) ?? { announcers: [] };
      await Promise.all(announcers.map((socket) => sendToGroup(socket, bytes)));
    },
    reply: (bytes, to) => {
      listening?.then(({ group }) => group.send(bytes, to.port, to.address, () => {})).catch(() => {});
    },
  };
}

interface Chosen {
  readonly address: string;
  readonly netmask: string;
}

function chooseInterfaces(wanted: readonly string[] | undefined): readonly Chosen[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.filter((a): a is NetworkInterfaceInfoIPv4 => a.family === "IPv4").map((a) => ({ ...a, name })),
  );
  if (wanted === undefined) {
    // One address of each interface is enough to reach its link.
    const first = all.filter((a, at) => all.findIndex(({ name }) => name === a.name) === at);
    if (first.length === 0) throw noMulticast(wanted);
    return first;
  }
  return wanted.map((each) => {
    const found = all.find(({ name, address }) => name === each || address === each);
    if (found !== undefined) return found;
    const there = all.map(({ name, address }) => `${name} (${address})`).join(", ");
    throw new MicroError(
      "invalid_argument",
      `no interface "${each}" with an IPv4 address; there are: ${there || "none"}`,
    );
  });
}

function noMulticast(interfaces: readonly string[] | undefined): MicroError {
  const which = interfaces === undefined ? "no network interface" : `none of ${interfaces.join(", ")}`;
  const advice = "check the network, choose an interface, or use another registry";
  return new MicroError("unavailable", `${which} takes IPv4 multicast, so mDNS cannot work here: ${advice}`);
}

/** Whether the system took it. */
function sendToGroup(socket: Socket, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (!succeeds(() => socket.send(bytes, PORT, GROUP, (error) => resolve(error === null)))) resolve(false);
  });
}

async function closeSocket(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    if (!succeeds(() => socket.close(() => resolve()))) resolve(); // it was never bound
  });
}

function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

function prefixLength(netmask: string): number {
  const bits = netmask.split(".").map((part) => Number(part).toString(2).replaceAll("0", "").length);
  return bits.reduce((sum, n) => sum + n, 0);
}
