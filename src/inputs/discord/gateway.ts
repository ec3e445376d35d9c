import type { GatewayDispatchPayload } from "@discordjs/core/http-only";
import type { FetchingStrategyOptions, SessionInfo } from "@discordjs/ws";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import { fatalClose } from "./errors.ts";

/** One session with Discord's gateway, over as many sockets as it takes. */
export interface Gateway extends Closable {
  /** Our own user id. */
  readonly self: string;
  /** Why the session is over. Never rejects. */
  readonly over: Promise<MicroError>;
}

export interface GatewayInit {
  readonly token: string;
  /** What `GET /gateway/bot` said. */
  readonly information: FetchingStrategyOptions["gatewayInformation"];
  /** How long the session may be without a socket before it counts as lost. Default 10000 ms. */
  readonly lostMs?: number | undefined;
  /** How long nothing may be heard, not even an answer to a heartbeat. Default 90000 ms: Discord asks for one each 41 s. */
  readonly quietMs?: number | undefined;
}

/** Messages in servers and in direct talk, with their text (docs.discord.com, "List of Intents"). */
const INTENTS = (1 << 9) | (1 << 12) | (1 << 15);

/** How long the other side may take to say good-bye before the socket is destroyed. */
const GOODBYE_MS = 500;

/**
 * Opens a session with `@discordjs/ws`, which identifies, keeps the heartbeat and takes the session up again after a
 * break: then Discord tells what was missed. A session that cannot be taken up again is over, and so is one whose socket
 * is away for too long; the library alone would go on for ever, and nobody would know. Default 15000 ms.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function openGateway(
  init: GatewayInit,
  onDispatch: (payload: GatewayDispatchPayload) => void,
  options: CallOptions = {},
): Promise<Gateway> {
  const {
    DefaultWebSocketManagerOptions: defaults,
    WebSocketShard,
    WebSocketShardEvents,
  } = await import("@discordjs/ws");
  using limit = deadline(options, 15_000, "discord: opening the gateway");
  limit.check();
  let session: SessionInfo | null = null;
  let closed = false;
  let end: (reason: MicroError) => void = () => {};
  const over = new Promise<MicroError>((resolve) => {
    end = (reason) => {
      closed = true;
      resolve(reason);
    };
  });
  const strategyOptions: FetchingStrategyOptions = {
    ...defaults,
    token: init.token,
    intents: INTENTS,
    identifyProperties: { browser: "micro-bot", device: "micro-bot", os: "linux" },
    gatewayInformation: init.information,
    shardCount: 1,
    handshakeTimeout: 10_000,
    helloTimeout: 10_000,
  };
  const shard = new WebSocketShard(
    {
      options: strategyOptions,
      // Asked before each socket. When it is over, the library may be waiting to open the next one; it gets no answer, because an
      // error here would be nobody's.
      retrieveSessionInfo: () => (closed ? new Promise(() => {}) : session),
      updateSessionInfo: (_shard, info) => {
        session = info;
        // The library gives a session up when it cannot be resumed.
        if (info === null) end(new MicroError("unavailable", "discord: the session was lost"));
      },
      waitForIdentify: async () => {},
    },
    0,
  );

  let patience: NodeJS.Timeout | undefined;
  const wait = (ms: number, what: string) => {
    clearTimeout(patience);
    if (closed) return;
    patience = setTimeout(() => end(new MicroError("unavailable", `discord: the link was lost (${what})`)), ms).unref();
  };
  const heard = () => wait(init.quietMs ?? 90_000, "nothing is heard");
  shard.on(WebSocketShardEvents.Closed, (code) => {
    const fatal = fatalClose(code);
    if (fatal) end(fatal);
    wait(init.lostMs ?? 10_000, `close code ${code}`);
  });
  shard.on(WebSocketShardEvents.Resumed, heard);
  shard.on(WebSocketShardEvents.HeartbeatComplete, heard);
  // Both are followed by a close, which is what counts; an error that nobody listens to would end the process.
  shard.on(WebSocketShardEvents.Error, () => {});
  shard.on(WebSocketShardEvents.SocketError, () => {});
  shard.on(WebSocketShardEvents.Dispatch, onDispatch);
  const ready = new Promise<string>((resolve) => {
    shard.once(WebSocketShardEvents.Ready, ({ user }) => {
      heard();
      resolve(user.id);
    });
  });

  const link = closable(async () => {
    clearTimeout(patience);
    end(new MicroError("unavailable", "discord: the connection is closed"));
    await goodbye(shard);
  });
  try {
    shard.connect().catch((error: unknown) => end(MicroError.from(error, "unavailable")));
    const refused = over.then((reason) => Promise.reject(reason));
    const self = await orAbort(Promise.race([ready, refused]), limit.signal);
    return { self, over, ...link };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** What we need of the library's socket (of `ws`), which it keeps to itself. */
interface Socket {
  readonly readyState: number;
  on(event: "error" | "close", listener: () => void): void;
  terminate(): void;
}

/** `WebSocket.CONNECTING`, `WebSocket.CLOSED` */
const CONNECTING = 0;
const CLOSED = 3;

/**
 * Ends the socket for sure. The library waits half a minute for a peer that is gone to say good-bye, for ever when it is
 * told to end while it waits for something else, and leaves alone a socket that is still being opened, whose failure would
 * then be an error that nobody listens to.
 */
async function goodbye(shard: { destroy(options: { code: number }): Promise<void> }): Promise<void> {
  const socket = Reflect.get(shard, "connection") as Socket | null;
  const opening = socket?.readyState === CONNECTING;
  const open = socket !== null && socket.readyState !== CLOSED;
  const gone = open && new Promise<void>((resolve) => socket.on("close", resolve));
  void shard.destroy({ code: 1000 }).catch(() => {});
  if (!gone) return;
  socket.on("error", () => {});
  const impatient = setTimeout(() => socket.terminate(), opening ? 0 : GOODBYE_MS);
  await gone;
  clearTimeout(impatient);
}
