import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** Discord's gateway, without compression (docs.discord.com, "Gateway"): sessions that can be resumed, and trouble. */
export interface DiscordGateway {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** An event, to every session; what one misses it gets when it resumes. */
  dispatch(type: string, data: object): void;
  /** A frame of another kind. */
  frame(payload: object): void;
  /** How many sockets are open. */
  readonly open: number;
  /** How often a session was begun, and taken up again. */
  readonly identified: number;
  readonly resumed: number;
  /** Every socket breaks; sessions stay. */
  cut(): void;
  /** Every socket is closed with a code. */
  close(code: number): void;
  /** No session can be resumed any more. */
  forget(): void;
  /** New sockets are refused. */
  refuse(on: boolean): void;
  /** Nothing is answered any more: no heartbeat, no good-bye. */
  freeze(): void;
  /** New sockets get no hello. */
  mute(): void;
  end(): void;
}

interface Session {
  readonly id: string;
  readonly log: { s: number; t: string; d: object }[];
  socket: WebSocket | undefined;
}

/** Intents that Discord gives only to who switched them on: presences, members, message content. */
const PRIVILEGED = (1 << 8) | (1 << 1) | (1 << 15);

export function discordGateway(init: {
  /** Where a socket can be opened. */
  url(): string;
  /** Whether the token is good. */
  valid(token: string): boolean;
  /** Whether message content is switched on. */
  content(): boolean;
  readonly self: object;
  readonly heartbeatMs: number;
}): DiscordGateway {
  const server = new WebSocketServer({ noServer: true });
  const sessions = new Map<string, Session>();
  let refusing = false;
  let frozen = false;
  let muted = false;
  let identified = 0;
  let resumed = 0;
  let seq = 0;

  const tell = (session: Session, t: string, d: object) => {
    const event = { s: ++seq, t, d };
    session.log.push(event);
    if (!frozen) session.socket?.send(JSON.stringify({ op: 0, ...event }));
  };

  server.on("connection", (socket) => {
    const send = (payload: object) => socket.send(JSON.stringify(payload));
    if (!muted) send({ op: 10, d: { heartbeat_interval: init.heartbeatMs }, s: null, t: null });
    socket.on("message", (data) => {
      if (frozen) return;
      const { op, d } = JSON.parse(String(data)) as { op: number; d: Record<string, unknown> };
      if (op === 1) return send({ op: 11 });
      if (op === 2) {
        if (!init.valid(String(d["token"]))) return socket.close(4004, "Authentication failed.");
        if (Number(d["intents"]) & PRIVILEGED && !init.content()) return socket.close(4014, "Disallowed intent(s).");
        const session: Session = { id: `session${++identified}`, log: [], socket };
        sessions.set(session.id, session);
        socket.on("close", () => {
          if (session.socket === socket) session.socket = undefined;
        });
        return tell(session, "READY", {
          v: 10,
          user: init.self,
          guilds: [],
          session_id: session.id,
          resume_gateway_url: init.url(),
          shard: d["shard"],
        });
      }
      if (op === 6) {
        const session = sessions.get(String(d["session_id"]));
        if (!session || !init.valid(String(d["token"]))) return send({ op: 9, d: false });
        resumed += 1;
        session.socket = socket;
        for (const event of session.log.filter(({ s }) => s > Number(d["seq"]))) send({ op: 0, ...event });
        tell(session, "RESUMED", {});
      }
    });
  });

  return {
    upgrade: (request, socket, head) => {
      if (refusing) return void socket.destroy();
      server.handleUpgrade(request, socket, head, (opened) => server.emit("connection", opened, request));
    },
    dispatch: (type, data) => {
      for (const session of sessions.values()) tell(session, type, data);
    },
    frame: (payload) => {
      for (const socket of server.clients) socket.send(JSON.stringify(payload));
    },
    get open() {
      return server.clients.size;
    },
    get identified() {
      return identified;
    },
    get resumed() {
      return resumed;
    },
    cut: () => {
      for (const socket of server.clients) socket.terminate();
    },
    close: (code) => {
      for (const socket of server.clients) socket.close(code);
    },
    forget: () => sessions.clear(),
    refuse: (on) => {
      refusing = on;
    },
    freeze: () => {
      frozen = true;
      for (const socket of server.clients) socket.pause();
    },
    mute: () => {
      muted = true;
    },
    end: () => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}
