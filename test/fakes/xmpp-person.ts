import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { XmppServer } from "./prosody-server.ts";

/** A person at a real server, with a client that is not ours: slixmpp. */
export interface XmppPerson {
  /** The full JID. */
  readonly jid: string;
  /** What came so far. */
  readonly events: readonly PersonEvent[];
  do(what: Readonly<Record<string, string>> & { readonly do: string }): void;
  /** The first thing that came, or comes, that fits. Waits 10 s. */
  until(fits: (event: PersonEvent) => boolean, what: string): Promise<PersonEvent>;
  /** Goes into a room and is there. */
  join(room: string, nick: string): Promise<void>;
  close(): Promise<void>;
}

/** What the person's client prints. */
export interface PersonEvent {
  readonly event: string;
  readonly id?: string;
  readonly from?: string;
  readonly type?: string;
  readonly body?: string;
  readonly thread?: string | null;
  readonly replaces?: string | null;
  readonly children?: readonly string[];
  readonly [more: string]: unknown;
}

export const hasSlixmpp = spawnSync("/usr/bin/python3", ["-c", "import slixmpp"]).status === 0;
export const hasGoSendxmpp = spawnSync("go-sendxmpp", ["--version"]).status === 0;

export async function xmppPerson(server: XmppServer, user: string): Promise<XmppPerson> {
  const child = spawn(
    "/usr/bin/python3",
    [
      join(import.meta.dirname, "xmpp-person.py"),
      ...[`${user}@${server.domain}`, `${user}pw`, "127.0.0.1", String(server.port), server.certificate.file],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  const events: PersonEvent[] = [];
  let complaints = "";
  let wake = () => {};
  child.stderr.on("data", (data) => {
    complaints = (complaints + data).slice(-4000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as PersonEvent);
    wake();
  });

  const until: XmppPerson["until"] = async (fits, what) => {
    const giveUpAt = Date.now() + 10_000;
    for (;;) {
      const found = events.find(fits);
      if (found !== undefined) return found;
      if (Date.now() > giveUpAt) {
        throw new Error(`${user} did not get ${what}, but ${JSON.stringify(events.slice(-8))}\n${complaints}`);
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, 50);
      });
    }
  };
  const close = () => end(child);
  try {
    const online = await until(({ event }) => event === "online", "in");
    const tell: XmppPerson["do"] = (what) => void child.stdin.write(`${JSON.stringify(what)}\n`);
    return {
      jid: String(online["jid"]),
      events,
      do: tell,
      until,
      join: async (room, nick) => {
        tell({ do: "join", room, nick });
        await until(({ event, ...more }) => event === "joined" && more["room"] === room, `into ${room}`);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Says one thing with go-sendxmpp, a third implementation. */
export async function goSendxmpp(
  server: XmppServer,
  user: string,
  args: readonly string[],
  text: string,
): Promise<void> {
  const child = spawn(
    "go-sendxmpp",
    [...["-u", `${user}@${server.domain}`, "-p", `${user}pw`, "-j", server.address, ...args]],
    // Go's way to be told whom to trust.
    { stdio: ["pipe", "ignore", "pipe"], env: { ...process.env, SSL_CERT_FILE: server.certificate.file } },
  );
  let complaints = "";
  child.stderr.on("data", (data) => {
    complaints += data;
  });
  child.stdin.end(text);
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const [code] = await once(child, "exit");
  clearTimeout(timer);
  if (code !== 0) throw new Error(`go-sendxmpp ended with ${code}: ${complaints}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.stdin?.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
  await gone;
  clearTimeout(timer);
}
