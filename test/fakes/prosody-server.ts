import { execFile, spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";
import { type Certificate, makeCertificate } from "./xmpp-certificate.ts";

/** Without it tests of the real server are skipped, saying so. */
export const hasProsody = spawnSync("prosodyctl", ["about"]).status === 0;

/** A real XMPP server on a free port of 127.0.0.1, with rooms. */
export interface XmppServer {
  /** Of the accounts. */
  readonly domain: string;
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly certificate: Certificate;
  /** Where rooms are; in new ones everybody sees who is who, and the first to come is the owner. */
  readonly rooms: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`, with what it had. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const XMPP_DOMAIN = "chat.example.test";

const run = promisify(execFile);

export interface ProsodyOptions {
  readonly domain?: string;
  readonly rooms?: string;
  /** Who is in everybody's roster under which name, by user. */
  readonly names?: Readonly<Record<string, string>>;
}

/** @param users names; each one's password is the name with `pw` behind it */
export async function startProsody(users: readonly string[], options: ProsodyOptions = {}): Promise<XmppServer> {
  const { domain = XMPP_DOMAIN, rooms = "conf.example.test", names = {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "micro-prosody-"));
  const certificate = await makeCertificate(domain, rooms);
  const port = await freePort();
  const config = join(folder, "prosody.cfg.lua");
  await mkdir(join(folder, "data"));
  await copyFile(certificate.file, join(folder, "t.crt"));
  await copyFile(join(certificate.folder, "t.key"), join(folder, "t.key"));
  await writeFile(config, configuration(folder, port, domain, rooms));
  const members = Object.entries(names).map(([user, name]) => `${user}@${domain}=${name}\n`);
  await writeFile(join(folder, "groups.txt"), `[everybody]\n${members.join("")}`);
  for (const user of users) {
    await run("prosodyctl", ["--config", config, "register", user, domain, `${user}pw`]);
  }
  const start = () =>
    launch(["prosody", "--config", config, "-F"], join(folder, "log"), () => speaksXmpp(port, domain));
  let running = await start();
  return {
    domain,
    port,
    address: `127.0.0.1:${port}`,
    certificate,
    rooms,
    kill: () => running.kill(),
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await certificate.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A stream is answered with a stream: an open port is not enough. */
export function speaksXmpp(port: number, domain: string = XMPP_DOMAIN): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () =>
      socket.write(
        `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0'>`,
      ),
    );
    socket.setTimeout(2000, () => socket.destroy());
    socket.on("data", (data) => {
      if (!String(data).includes("<stream:stream")) return;
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(false));
  });
}

function configuration(folder: string, port: number, domain: string, rooms: string): string {
  return `
run_as_root = true
pidfile = "${folder}/prosody.pid"; data_path = "${folder}/data"; certificates = "${folder}"
interfaces = { "127.0.0.1" }; c2s_ports = { ${port} }
s2s_ports = {}; http_ports = {}; https_ports = {}; component_ports = {}
modules_enabled = { "disco", "roster", "saslauth", "tls", "ping", "smacks", "time", "version", "vcard", "offline", "groups" }
groups_file = "${folder}/groups.txt"
modules_disabled = { "s2s" }
c2s_require_encryption = true
authentication = "internal_hashed"; default_iteration_count = 4096; storage = "internal"
log = { info = "*console" }
ssl = { certificate = "${folder}/t.crt", key = "${folder}/t.key" }
VirtualHost "${domain}"
Component "${rooms}" "muc"
  modules_enabled = { "muc_mam" }
  muc_room_locking = false
  restrict_room_creation = false
  muc_room_default_public_jids = true
  muc_room_default_public = true
`;
}
