import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Closable, closable } from "../../core/lifecycle.ts";
import { streamError } from "./errors.ts";
import { NS } from "./names.ts";
import { type StreamParser, streamParser } from "./parse.ts";
import { child, write, type Xml } from "./xml.ts";

/**
 * One stream of XML over one socket (RFC 6120 §4), as far as every dialect of XMPP has it: opened, made secure, opened again
 * after each step of the negotiation. What breaks is the end of it.
 */
export interface Stream extends Closable {
  /** Opens the stream, or opens it anew; gives what the server offers. @throws MicroError `unavailable`, and the signal's reason */
  open(signal: AbortSignal): Promise<Xml>;
  /** Everything after this goes through TLS (RFC 6120 §5). @throws MicroError `unavailable` when the server's certificate will not do */
  secure(signal: AbortSignal): Promise<void>;
  readonly secured: boolean;
  /** @throws MicroError `unavailable` when the stream is over */
  send(element: Xml): void;
  /** The next element, while nobody listens. @throws as `open` */
  next(signal: AbortSignal): Promise<Xml>;
  /** From now on every element goes there. */
  listen(onElement: (element: Xml) => void): void;
  /** Whether the socket is read. While it is not, nothing is heard, not even that the link is lost. */
  read(on: boolean): void;
  /** Why the stream ended. Never rejects. */
  readonly over: Promise<MicroError>;
  /** Ends it because of that. */
  fail(error: MicroError): void;
}

export interface StreamInit {
  /** What errors begin with: the input. */
  readonly name: string;
  /** Whom we speak to, and whose name the certificate has to show if there is no `certificateOf`. */
  readonly domain: string;
  /** Whose name the certificate has to show instead: a host that was named in the settings (RFC 6125 §6.2.1). */
  readonly certificateOf?: string;
  readonly host: string;
  readonly port: number;
  /** The authority that vouches for the server, as PEM; without it those that Node knows. There is no way to trust everybody. */
  readonly ca?: string | undefined;
  /** How large one element may be. */
  readonly maxBytes: number;
}

/** Codes of Node's for a certificate that is well made, but whose authority is none of those that are trusted. */
const UNKNOWN_AUTHORITY = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF|GET_ISSUER))/;

/** How much may wait to be sent: more than this, and nobody reads at the other end. */
const UNSENT_BYTES = 4 * 1024 * 1024;

/** How long the other side may take to say good-bye before the socket is destroyed. */
const GOODBYE_MS = 500;

/** @throws MicroError `unavailable`, and the signal's reason */
export async function openSocket(init: StreamInit, signal: AbortSignal): Promise<Stream> {
  const { name, domain, host, port, certificateOf = domain } = init;
  const inbox: Xml[] = [];
  let socket: Socket = connectTcp({ host, port, noDelay: true });
  let parser: StreamParser | undefined;
  let reached = false;
  let secured = false;
  let listener: ((element: Xml) => void) | undefined;
  let wake = () => {};
  let ended: MicroError | undefined;
  let end: (error: MicroError) => void = () => {};
  const over = new Promise<MicroError>((resolve) => {
    end = resolve;
  });

  const unavailable = (what: string, cause?: unknown) => new MicroError("unavailable", `${name}: ${what}`, { cause });
  const fail = (error: MicroError) => {
    if (ended !== undefined) return;
    ended = error;
    end(error);
    wake();
    socket.destroy();
  };
  const raw = (text: string) => {
    if (ended !== undefined) throw ended;
    together(socket);
    socket.write(text);
    if (socket.writableLength > UNSENT_BYTES) fail(unavailable("nobody reads at the other end"));
  };
  const onElement = (element: Xml) => {
    if (element.name === "error" && element.ns === NS.streams) return fail(streamError(name, element));
    if (listener !== undefined) return listener(element);
    inbox.push(element);
    wake();
  };
  const whatHappened = (error: NodeJS.ErrnoException): string => {
    if (UNKNOWN_AUTHORITY.test(error.code ?? ""))
      return `shows a certificate of an authority that the bot does not know (${error.message}): name it with --${name}_ca`;
    return `${reached ? "is lost" : "cannot be reached"} (${error.message})`;
  };
  const attach = (to: Socket) => {
    to.on("data", (bytes) => {
      try {
        if (ended === undefined) parser?.feed(bytes);
      } catch (error) {
        fail(unavailable(`the server sent what is no XMPP (${(error as Error).message.slice(0, 200)})`, error));
      }
    });
    to.on("error", (error) => fail(unavailable(`${domain} at ${host}:${port} ${whatHappened(error)}`, error)));
    to.on("close", () => fail(unavailable(`the link to ${domain} was lost`)));
  };
  attach(socket);

  const newParser = () =>
    streamParser(
      {
        opened: (header) => {
          if (header.name !== "stream" || header.ns !== NS.streams) throw new Error("no stream of XMPP");
        },
        element: onElement,
        ended: () => fail(unavailable("the server said good-bye")),
      },
      init.maxBytes,
    );

  const next = async (within: AbortSignal): Promise<Xml> => {
    for (;;) {
      const element = inbox.shift();
      if (element !== undefined) return element;
      if (ended !== undefined) throw ended;
      const more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await orAbort(more, within);
    }
  };

  /** Until the socket says that, or is lost. */
  const until = (event: "connect" | "secureConnect", within: AbortSignal): Promise<void> => {
    const ready = new Promise<void>((resolve) => socket.once(event, resolve));
    return orAbort(Promise.race([ready, over.then((error) => Promise.reject(error))]), within);
  };

  try {
    await until("connect", signal);
    reached = true;
  } catch (error) {
    socket.destroy();
    throw error;
  }

  return {
    over,
    fail,
    get secured() {
      return secured;
    },
    next,
    send: (element) => raw(write(element)),
    read: (on) => void (on ? socket.resume() : socket.pause()),
    listen: (to) => {
      listener = to;
      for (const element of inbox.splice(0)) to(element);
    },
    open: async (within) => {
      parser = await newParser();
      raw(
        `<?xml version='1.0'?>${write({
          name: "stream:stream",
          ns: NS.client,
          attrs: { "xmlns:stream": NS.streams, to: domain, version: "1.0" },
          children: [],
        }).slice(0, -2)}>`,
      );
      const features = await next(within);
      if (features.name === "features" && features.ns === NS.streams) return features;
      throw unavailable(`the server did not say what it offers but <${features.name}/>`);
    },
    secure: async (within) => {
      // Words that somebody has put behind the last unencrypted one must not count as said under TLS.
      if (inbox.length > 0) throw unavailable("the server spoke on without TLS when it was to begin");
      const plain = socket;
      plain.removeAllListeners("data");
      parser = undefined;
      const shown = isIP(certificateOf) ? {} : { servername: certificateOf };
      socket = connectTls({
        socket: plain,
        host: certificateOf,
        ...shown,
        ...(init.ca !== undefined && { ca: init.ca }),
      });
      attach(socket);
      await until("secureConnect", within);
      secured = true;
    },
    ...closable(async () => {
      if (ended === undefined) {
        // Its good-bye is to be heard.
        socket.resume();
        const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
        const impatient = setTimeout(() => socket.destroy(), GOODBYE_MS);
        socket.end("</stream:stream>");
        await gone;
        clearTimeout(impatient);
      }
      socket.destroy();
    }),
  };
}

/** What is written in one turn leaves in one piece. */
function together(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  process.nextTick(() => socket.uncork());
}

/** Whether the server offers that. */
export function offers(features: Xml, name: string, ns: string): boolean {
  return child(features, name, ns) !== undefined;
}
