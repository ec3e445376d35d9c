import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Closable, closable } from "../../src/core/lifecycle.ts";
import { freePort } from "./free-port.ts";
import { launch } from "./watched-process.ts";

const NGIRCD = "/usr/sbin/ngircd";

/** Without it tests of the real server are skipped, saying so. */
export function hasNgircd(): boolean {
  return spawnSync(NGIRCD, ["--version"]).status === 0;
}

/** A real IRC server on a free port of 127.0.0.1. */
export interface NgircdServer {
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, after `kill()`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param password what everybody needs to come in; none by default */
export async function startNgircd(password = ""): Promise<NgircdServer> {
  const folder = await mkdtemp(join(tmpdir(), "micro-ngircd-"));
  const port = await freePort();
  const file = join(folder, "ngircd.conf");
  const lines = [
    [
      "[Global]",
      "Name = irc.example.net",
      "Info = test",
      "Listen = 127.0.0.1",
      `Ports = ${port}`,
      "MotdPhrase = hello",
    ],
    ["ServerUID = root", "ServerGID = root", ...(password === "" ? [] : [`Password = ${password}`])],
    ["[Limits]", "MaxConnectionsIP = 0", "MaxPenaltyTime = 0", "MaxNickLength = 20"],
    ["[Options]", "PAM = no", "Ident = no", "DNS = no"],
  ];
  await writeFile(file, `${lines.flat().join("\n")}\n`);
  const ready = async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    return true;
  };
  const start = () => launch([NGIRCD, "-n", "-f", file], join(folder, "log"), ready);
  let running = await start();
  return {
    port,
    kill: () => running.kill(),
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody in a channel, at a client of their own. */
export interface IrcPerson extends Closable {
  /** To a channel or a nick. */
  say(to: string, text: string): void;
  raw(line: string): void;
  /** What others said where this person hears it, oldest first. */
  readonly heard: readonly { readonly from: string; readonly to: string; readonly text: string }[];
  /** Resolves when somebody is in the channel. */
  sees(nick: string, channel: string): Promise<void>;
}

export async function ircPerson(port: number, nick: string, channel: string): Promise<IrcPerson> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const raw = (line: string) => void socket.write(`${line}\r\n`);
  const heard: { from: string; to: string; text: string }[] = [];
  const present = new Set<string>();
  const lines = createInterface({ input: socket });
  lines.on("error", () => {});
  socket.on("error", () => {});
  lines.on("line", (line) => {
    if (line.startsWith("PING")) raw(line.replace("PING", "PONG"));
    const [, from = "", verb, to = "", text = ""] = /^:([^! ]+)\S* (\S+) :?(\S+)(?: :?(.*))?$/.exec(line) ?? [];
    if (verb === "001") raw(`JOIN ${channel}`);
    if (verb === "JOIN") present.add(`${from} ${to}`);
    if (verb === "QUIT" || verb === "PART")
      for (const one of present) if (one.startsWith(`${from} `)) present.delete(one);
    if (verb === "PRIVMSG") heard.push({ from, to, text });
    const [, where = "", names = ""] = / 353 \S+ . (\S+) :(.*)$/.exec(line) ?? [];
    for (const name of names.split(" ")) if (name !== "") present.add(`${name.replace(/^[@+%~&]/, "")} ${where}`);
  });
  const sees = async (who: string, where: string) => {
    const until = Date.now() + 10_000;
    while (!present.has(`${who} ${where}`)) {
      if (Date.now() > until) throw new Error(`${who} is not in ${where}, only ${[...present].join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  raw(`NICK ${nick}`);
  raw(`USER ${nick} 0 * :${nick}`);
  await sees(nick, channel);
  return {
    say: (to, text) => raw(`PRIVMSG ${to} :${text}`),
    raw,
    heard,
    sees,
    ...closable(async () => {
      if (socket.destroyed) return;
      socket.destroy();
      await once(socket, "close");
    }),
  };
}
