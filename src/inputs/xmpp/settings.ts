import { resolveSrv } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { MicroError } from "../../core/errors.ts";
import { parseJid } from "./jid.ts";

/** Both, or an error that says which is missing. @throws MicroError `invalid_argument` */
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

/** The bare JID of a room. @throws MicroError `invalid_argument` */
export function checkRoom(name: string, room: string): string {
  const { bare, local, domain, resource } = parseJid(room);
  if (local !== "" && domain !== "" && resource === "") return bare;
  throw new MicroError("invalid_argument", `the ${name} room ${room} is no room: ops@conference.example.org is`);
}

/** `host:port`, `[::1]:port` or `host`. @throws MicroError `invalid_argument` */
export function checkServer(name: string, server: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(server);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 5222);
  if (host !== undefined && port > 0 && port < 65_536) return { host, port };
  throw new MicroError("invalid_argument", `the ${name} server ${server} is no host:port`);
}

/** What is in the file of an authority. @throws MicroError `invalid_argument` */
export async function readCa(name: string, file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new MicroError("invalid_argument", `the ${name} ca ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  // Node takes whatever it is given, trusts nobody then, and says so of the server's certificate.
  if (/-----BEGIN [A-Z ]*CERTIFICATE-----/.test(text)) return text;
  throw new MicroError(
    "invalid_argument",
    `the ${name} ca ${file} holds no certificate: it is a PEM file, -----BEGIN CERTIFICATE-----`,
  );
}

/** Where DNS says that the accounts of a domain are (RFC 6120 §3.2.1), else the domain itself. */
export async function serverOf(domain: string): Promise<{ readonly host: string; readonly port: number }> {
  const records = await resolveSrv(`_xmpp-client._tcp.${domain}`).catch(() => []);
  const offered = records.filter(({ name }) => name !== "" && name !== ".");
  const least = Math.min(...offered.map(({ priority }) => priority));
  const best = offered.filter(({ priority }) => priority === least);
  // Any of the best: after one that is away the bot comes again, and chooses again.
  const chosen = best[Math.floor(Math.random() * best.length)];
  return chosen ? { host: chosen.name, port: chosen.port } : { host: domain, port: 5222 };
}
