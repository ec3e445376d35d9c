import { MicroError } from "../../core/errors.ts";
import { parseJid } from "../xmpp/jid.ts";
import { checkServer } from "../xmpp/settings.ts";

export interface HipChatSettings {
  /** `12345_678`, `12345_678@chat.hipchat.com`, or the e-mail address of the account. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** `host` or `host:port`. Default `chat.hipchat.com`. */
  readonly server?: string | undefined;
  /** Where rooms are. Default what the server says, else the accounts' domain with `conf.` for `chat.`. */
  readonly conf?: string | undefined;
  /** Names or JIDs. Default: all that the server lists. */
  readonly rooms?: readonly string[];
  /** For REST v2: what is said in rooms goes that way then. */
  readonly token?: string | undefined;
  /** Base address of REST v2. Default what the server says, else `https://` and the server. */
  readonly api?: string | undefined;
}

/** What the settings come to. */
export interface Account {
  /** What the login is given: the local part, or the e-mail address. */
  readonly login: string;
  readonly password: string;
  readonly domain: string;
  readonly resource: string;
  readonly host: string;
  readonly port: number;
  /** Whose name the certificate has to show. */
  readonly certificateOf: string;
  readonly conf: string | undefined;
  readonly token: string | undefined;
  readonly api: string | undefined;
}

const HOSTED = "chat.hipchat.com";

/** The resource that keeps HipChat from sending what was said before. */
const RESOURCE = "bot";

/** Errors begin with what the original bot said (`toolkit.md §3.2`). @throws MicroError `invalid_argument` */
export function readSettings(settings: HipChatSettings): Account {
  const { username, password } = settings;
  if (!username) throw required("username");
  if (!password) throw required("password");
  const named = settings.server ? checkServer("hipchat", settings.server) : undefined;
  const { local, domain, resource } = parseJid(username);
  // An account is two numbers; what else has an @ in it is an e-mail address.
  const email = local !== "" && !/^\d+_\d+$/.test(local);
  const account = local === "" ? username.toLowerCase() : local;
  const home = local === "" || email ? hostOf(named?.host) : domain;
  return {
    login: email ? username : account,
    password,
    domain: home,
    resource: resource || RESOURCE,
    host: named?.host ?? home,
    port: named?.port ?? 5222,
    // A server of one's own has accounts in a domain that is not its name, so the name in the settings counts.
    certificateOf: hostOf(named?.host, home),
    conf: settings.conf?.toLowerCase() || undefined,
    token: settings.token || undefined,
    api: settings.api ? checkApi(settings.api) : undefined,
  };
}

/** Where the rooms of such accounts are. */
export function confOf(domain: string): string {
  return domain.startsWith("chat.") ? `conf.${domain.slice("chat.".length)}` : `conf.${domain}`;
}

/** Where REST v2 is, for who is not told. */
export function apiOf({ host, domain }: Pick<Account, "host" | "domain">): string {
  return domain === HOSTED ? "https://api.hipchat.com" : `https://${host}`;
}

/** The name of the server, if it is one: an address has none. */
function hostOf(host: string | undefined, otherwise: string = HOSTED): string {
  return host === undefined || /^[\d.]+$/.test(host) || host.includes(":") ? otherwise : host.toLowerCase();
}

function required(what: string): MicroError {
  return new MicroError(
    "invalid_argument",
    `require ${what}: give it as --hipchat_${what} or MICRO_HIPCHAT_${what.toUpperCase()}`,
  );
}

/** The token goes there with every message, so it goes through TLS, or does not leave the machine. */
function checkApi(api: string): string {
  const url = URL.canParse(api) ? new URL(api) : undefined;
  const near = url?.hostname === "127.0.0.1" || url?.hostname === "localhost" || url?.hostname === "[::1]";
  if (url?.protocol === "https:" || (url?.protocol === "http:" && near)) return url.href.replace(/\/(?:v2\/?)?$/, "");
  throw new MicroError("invalid_argument", `the hipchat api ${api} is no address: https://hipchat.example.org is`);
}
