import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createService } from "../../src/core/service.ts";
import { freezeProcess } from "../fakes/freeze.ts";
import { hasNats, startNats } from "../fakes/nats-server.ts";
import { fakeSlack, type Said } from "../fakes/slack.ts";

/*
 * Three bots over one real NATS server, on one Slack that gives each message to any of them, and now and then to two. They
 * are killed, paused and told to leave in turn; what was done is counted at the service that it is done to.
 */

const COMMANDS = Number(process.env["MICRO_FAULTS_REPLICAS"] ?? 250);
const LEASE_MS = 3000;
/** Between two commands, on average; one of the replicas is always in trouble. */
const PACE_MS = 120;
const CHANNELS = 50;
const bin = join(import.meta.dirname, "../../dist/bin/micro.js");

/** One of the three, under whatever process it is at the time. */
function replica(name: string, env: Readonly<Record<string, string>>) {
  let child: ChildProcess;
  let log = "";
  const start = () => {
    child = spawn(
      process.execPath,
      [bin, "--registry=memory", "--server_address=127.0.0.1:0", "bot", "--inputs=slack"],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { PATH: process.env["PATH"], MICRO_REPLICA_NAME: name, ...env },
      },
    );
    child.stderr?.on("data", (bytes) => {
      log = (log + bytes).slice(-65_536);
    });
  };
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    child.kill("SIGCONT");
    const impatient = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(impatient);
  };
  start();
  return {
    name,
    start,
    kill: () => end("SIGKILL"),
    leave: () => end("SIGTERM"),
    pause: () => freezeProcess(child.pid as number),
    wake: () => child.kill("SIGCONT"),
    log: () => log,
  };
}

it.skipIf(!hasNats())(
  `three replicas do each of ${COMMANDS} commands once or say that they did not, while each is killed, paused and told to leave (not run where nats-server is not installed)`,
  { timeout: COMMANDS * PACE_MS * 3 + 180_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "micro-replicas-"));
    writeFileSync(join(folder, "policy.yaml"), "members: ['service:call', 'bot:*']\n");
    const nats = await startNats();
    const slack = await fakeSlack({ ackMs: 1000 });
    for (let at = 0; at < CHANNELS; at++) slack.channel(`C${100 + at}`);
    for (let at = 0; at < 40; at++) slack.user(`U${100 + at}`);
    const effects = new Map<string, number>();
    const counter = createService({
      name: "counter",
      registry: memoryRegistry()(),
      address: "127.0.0.1:0",
      drainMs: 100,
    });
    counter.server.handleRaw("Counter.Add", async (given) => {
      const { id, ms } = given as { readonly id: string; readonly ms: number };
      effects.set(id, (effects.get(id) ?? 0) + 1);
      await wait(ms);
      return { counted: id };
    });
    await counter.start();
    const limits = ["PERSON", "GUEST", "ROOM", "COMMAND", "TARGET"].map((limit) => [`MICRO_LIMIT_${limit}`, "none"]);
    const all = ["one", "two", "three"].map((name) =>
      replica(name, {
        MICRO_SLACK_TOKEN: slack.token,
        MICRO_SLACK_APP_TOKEN: slack.appToken,
        MICRO_SLACK_API_URL: slack.apiUrl,
        MICRO_BOT_STORE: "nats",
        MICRO_BOT_STORE_ADDRESS: nats.address,
        MICRO_BOT_POLICY: join(folder, "policy.yaml"),
        MICRO_STATE_DIR: join(folder, name),
        MICRO_LEASE: `${LEASE_MS}ms`,
        MICRO_LOG_LEVEL: "info",
        ...Object.fromEntries(limits),
      }),
    );
    const logs = () => all.map(({ name, log }) => `${name}:\n${log().slice(-3000)}`).join("\n");
    const said = new Map<string, { readonly said: Said; readonly thread: string; readonly write: boolean }>();
    // What a replica has left is told in one message a room, which names each.
    const answers = (id: string) =>
      slack.posts
        .filter(({ thread, text }) => thread === said.get(id)?.thread || text.includes(`"id":"${id}"`))
        .map(({ text }) => text);
    const given = (id: string) => {
      const one = said.get(id) as { readonly said: Said };
      const tries = one.said.eventIds.map((event) => slack.sockets.attempts.get(event)?.length ?? 0);
      return !slack.acked(one.said) && tries.every((count) => count > 3);
    };
    try {
      await expect
        .poll(() => slack.sockets.open, { timeout: 30_000 })
        .toBe(3)
        .catch((error: Error) => {
          throw new Error(`they did not come up: ${error.message}\n${logs()}`);
        });
      let over = false;
      const trouble = (async () => {
        for (let round = 0; !over; round++) {
          const one = all[round % 3] as ReturnType<typeof replica>;
          await wait(1500);
          if (round % 4 === 0) {
            await one.kill();
            await wait(500);
            one.start();
          } else if (round % 4 === 1) {
            one.pause();
            await wait(LEASE_MS * 1.7);
            one.wake();
          } else if (round % 4 === 2) {
            await one.leave();
            one.start();
          } else {
            one.pause();
            await wait(LEASE_MS * 0.5);
            one.wake();
          }
        }
      })();
      for (let n = 0; n < COMMANDS; n++) {
        const id = `n${n}`;
        const write = n % 5 !== 0;
        const ms = n % 3 === 0 ? 400 : 5;
        const thread = `1000.${String(n).padStart(6, "0")}`;
        const line = write
          ? `call counter Counter.Add {"id":"${id}","ms":${ms}} --address ${counter.server.address} --output raw`
          : `echo ${id}`;
        const heard = slack.say(`@micro ${line}`, {
          channel: `C${100 + (n % CHANNELS)}`,
          user: `U${100 + (n % 40)}`,
          thread,
        });
        said.set(id, { said: heard, thread, write });
        // To another socket than the first.
        if (n % 4 === 0) for (const event of heard.eventIds) slack.sockets.duplicate(event);
        await wait(PACE_MS * (0.5 + (n % 3) / 2));
      }
      over = true;
      await trouble;
      const ids = [...said.keys()];
      const silent = () => ids.filter((id) => answers(id).length === 0 && !given(id));
      await expect
        .poll(() => silent().length, { timeout: 60_000, interval: 250 })
        .toBe(0)
        .catch(() => {});
      const twice = ids.filter((id) => (effects.get(id) ?? 0) > 1);
      const lied = ids.filter(
        (id) => answers(id).some((text) => /nothing was (done|changed)/.test(text)) && effects.has(id),
      );
      const unkept = ids.filter((id) => answers(id).some((text) => text.includes('"counted"')) && !effects.has(id));
      const unknown = ids.filter((id) => answers(id).some((text) => text.includes("unknown"))).length;
      const again = ids.filter((id) => answers(id).length > 1).length;
      process.stdout.write(
        `replicas: ${ids.length} commands, ${effects.size} effects, ${unknown} told as unknown, ${again} answered more than once, ${twice.length} twice, ${silent().length} silent\n`,
      );
      expect(effects.size).toBeGreaterThan(COMMANDS / 10);
      expect({ twice, silent: silent(), lied, unkept }, logs()).toEqual({
        twice: [],
        silent: [],
        lied: [],
        unkept: [],
      });
    } finally {
      await Promise.all(all.map(({ kill }) => kill()));
      await counter.stop();
      await slack.close();
      await nats.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
