import { resolveSrv } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { xmppConnection } from "./connection.ts";
import { parseJid } from "./jid.ts";
import type { Growing } from "./post.ts";
import { login } from "./sasl.ts";

export interface XmppInit {
  /** The bot's account, `bot@chat.example.org`. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Bare JIDs of rooms. */
  readonly rooms?: readonly string[];
  /** `host:port` instead of what DNS says about the account's domain. */
  readonly server?: string | undefined;
  /** PEM file of the authority that vouches for the server, instead of the public ones. */
  readonly ca?: string | undefined;
  /** What the bot is called in rooms. Default `micro`. */
  readonly nick?: string | undefined;
  /** Domains beside the account's own whose people are no strangers. */
  readonly domains?: readonly string[];
  /** The server is asked for a sign of life this often, default 15000 ms, and has so long for it, default 10000 ms. */
  readonly pingEveryMs?: number;
  readonly pingWithinMs?: number;
  /** How long the bot stays away from a room that has thrown it out. Default 60000 ms. */
  readonly rejoinMs?: number;
  /** How often the bot asks a room whether it is still in it. Default 300000 ms. */
  readonly checkRoomsMs?: number;
}

/** Servers take stanzas of 256 KiB and some of 64; ours stay far below, so a larger one is not from people. */
const MAX_BYTES = 1024 * 1024;

/**
 * XMPP: rooms (XEP-0045) and direct talk. Only translates; `docs/xmpp.md` tells how to set it up.
 *
 * @throws MicroError `invalid_argument` for a setting that is missing or wrong
 */
export function xmppInput(init: XmppInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const { username, password } = checkAccount("xmpp", init);
  const account = parseJid(username);
  const rooms = (init.rooms ?? []).map(checkRoom);
  const server = init.server ? checkServer("xmpp", init.server) : undefined;
  return ({ clock = systemClock, log = silent } = {}) => {
    // Belongs to the input, because a message goes on growing over the next link.
    const growing: Growing = new Map();
    return {
      name: "xmpp",
      // A character of ours is 5 bytes at most as XML, so a message stays below 64 KiB, which every server takes.
      limits: { textLength: 8000, files: false, edits: true, buttons: false },
      // Rooms tell newcomers what was said before, and servers keep what was said to who was away.
      replays: true,
      connect: async (options = {}) => {
        using limit = deadline(options, 20_000, "xmpp: connecting");
        limit.check();
        const ca = init.ca ? await readCa("xmpp", init.ca) : undefined;
        const where = server ?? (await orAbort(serverOf(account.domain), limit.signal));
        // Awaited here, because the deadline ends with this function.
        return await xmppConnection(
          {
            name: "xmpp",
            ...where,
            domain: account.domain,
            ca,
            maxBytes: MAX_BYTES,
            pingEveryMs: init.pingEveryMs ?? 15_000,
            pingWithinMs: init.pingWithinMs ?? 10_000,
            rejoinMs: init.rejoinMs ?? 60_000,
            checkRoomsMs: init.checkRoomsMs ?? 300_000,
            authenticate: async (stream, features, signal) => {
              await login("xmpp", stream, features, { username: account.local, password }, signal);
              return undefined;
            },
            rooms,
            nick: init.nick || "micro",
            homes: new Set([account.domain, ...(init.domains ?? []).map((domain) => domain.toLowerCase())]),
            growing,
            clock,
            log,
          },
          limit.signal,
        );
      },
    };
  };
}

/** @throws MicroError `invalid_argument` */
export function checkAccount(
  name: string,
  { username, password }: { readonly username?: string | undefined; readonly password?: string | undefined },
): { readonly username: string; readonly password: string } {
  const missing = username ? (password ? undefined : "password") : "username";
  if (missing !== undefined || !username || !password) {
    throw new MicroError(
      "invalid_argument",
      `missing ${name} ${missing}: give it as --${name}_${missing} or MICRO_${name.toUpperCase()}_${missing?.toUpperCase()}`,
    );
  }
  const { local, domain } = parseJid(username);
  if (local === "" || domain === "") {
    throw new MicroError("invalid_argument", `the ${name} username ${username} is no account: bot@chat.example.org is`);
  }
  return { username, password };
}

function checkRoom(room: string): string {
  const { bare, local, domain, resource } = parseJid(room);
  if (local !== "" && domain !== "" && resource === "") return bare;
  throw new MicroError("invalid_argument", `the xmpp room ${room} is no room: ops@conference.example.org is`);
}

/** `host:port`, `[::1]:port` or `host`. @throws MicroError `invalid_argument` */
export function checkServer(name: string, server: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(server);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 5222);
  if (host !== undefined && port > 0 && port < 65_536) return { host, port };
  throw new MicroError("invalid_argument", `the ${name} server ${server} is no host:port`);
}

/** @throws MicroError `unavailable` */
export async function readCa(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new MicroError("invalid_argument", `the ${name} ca ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Where DNS says that the accounts of a domain are (RFC 6120 §3.2.1), else the domain itself. */
async function serverOf(domain: string): Promise<{ readonly host: string; readonly port: number }> {
  const records = await resolveSrv(`_xmpp-client._tcp.${domain}`).catch(() => []);
  const offered = records.filter(({ name }) => name !== "" && name !== ".");
  const least = Math.min(...offered.map(({ priority }) => priority));
  const best = offered.filter(({ priority }) => priority === least);
  // Any of the best: after one that is away the bot comes again, and chooses again.
  const chosen = best[Math.floor(Math.random() * best.length)];
  return chosen ? { host: chosen.name, port: chosen.port } : { host: domain, port: 5222 };
}
