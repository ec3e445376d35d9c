import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import type { slackNetwork } from "./networks.ts";
import { type ReplicaProcess, replicaProcess } from "./replica-process.ts";
import { createTally, type Facts, toldIn } from "./tally.ts";
import { counting, type Target } from "./target.ts";

/** How long a replica is trusted that gives no sign of life. */
export const LEASE_MS = 2000;

export interface ReplicaRunInit {
  /** For the figures: `etcd`. */
  readonly name: string;
  /** At least so many, and as long as there is trouble. */
  readonly commands: number;
  /** Between two commands, on average. */
  readonly paceMs: number;
  readonly counter: Target;
  /** Where the service is, for the bot. @default where it is */
  readonly counterAddress?: string;
  readonly slack: Awaited<ReturnType<typeof slackNetwork>>;
  /** `MICRO_BOT_STORE…`, and what else all are told. */
  readonly env: Readonly<Record<string, string>>;
  /** What each is run by; so many there are. @default three, by nothing */
  readonly places?: readonly (readonly string[])[];
  /** What happens to them meanwhile. Leaves them all as they were. */
  readonly trouble: (run: Running) => Promise<void>;
}

export interface Running {
  readonly all: readonly ReplicaProcess[];
  /** How many commands were said. */
  said(): number;
  /** Waits until Slack has all of them: a bot that is started where no store is says so and ends. */
  settled(): Promise<void>;
}

/** For them to come up, for a command to be done once the trouble is over, and for what is still to be said then. */
const RECOVERY_MS = 30_000;
const END_MS = 60_000;
const NAMES = ["one", "two", "three"] as const;
const LIMITS = ["PERSON", "GUEST", "ROOM", "COMMAND", "TARGET"] as const;
/** Why one could not be begun: the store. */
const REFUSED = /I cannot write down/;

/**
 * Processes that are one bot together, on one Slack that gives each message to any of them, and now and then to two; and in
 * front of a service that counts. What was said is held against what was counted.
 *
 * @returns the figures, after it has printed them
 */
export async function replicaRun(init: ReplicaRunInit): Promise<Readonly<Record<string, number>>> {
  const { slack, counter, places = NAMES.map(() => []) } = init;
  const folder = mkdtempSync(join(tmpdir(), "micro-replicas-"));
  const policy = join(folder, "policy.yaml");
  writeFileSync(policy, "members: ['service:call', 'bot:*']\n");
  const all = places.map((place, at) => {
    const name = NAMES[at] ?? `${at + 1}`;
    const own = { MICRO_BOT_POLICY: policy, MICRO_STATE_DIR: join(folder, name), MICRO_LEASE: `${LEASE_MS}ms` };
    const limits = Object.fromEntries(LIMITS.map((limit) => [`MICRO_LIMIT_${limit}`, "none"]));
    return replicaProcess(name, { ...own, ...limits, ...slack.env, ...init.env, MICRO_LOG_LEVEL: "info" }, place);
  });
  const logs = () => all.map(({ name, log }) => `${name}:\n${log().slice(-3000)}`).join("\n");
  const tally = createTally();
  let count = 0;
  const say = () => {
    count += 1;
    const id = `slack-${count}`;
    const ms = count % 3 === 0 ? 400 : 5;
    slack.say(id, count % 5 === 0 ? `echo '{"id":"${id}"}'` : counting(init.counterAddress ?? counter.address, id, ms));
    tally.said(id);
    // To another socket than the first.
    if (count % 4 === 0) slack.again(id);
    return id;
  };
  const facts = (): Facts => {
    const answers = new Map<string, string[]>();
    for (const [to, text] of slack.answers()) {
      for (const [id, told] of toldIn(to, text)) answers.set(id, [...(answers.get(id) ?? []), told]);
    }
    return { effects: counter.effects, answers, lost: slack.lost };
  };
  const settled = () =>
    expect
      .poll(() => slack.slack.sockets.open, { timeout: RECOVERY_MS })
      .toBeGreaterThanOrEqual(all.length)
      .catch((error: Error) => {
        throw new Error(`they are not all there: ${error.message}\n${logs()}`);
      });
  try {
    await settled();
    let over = false;
    const talk = async () => {
      while (!over || count < init.commands) {
        say();
        await wait(init.paceMs * (0.5 + (count % 3) / 2));
      }
    };
    const trouble = init.trouble({ all, said: () => count, settled }).finally(() => {
      over = true;
    });
    await Promise.all([trouble, talk()]);
    expect(
      all.filter(({ gone }) => gone).map(({ name }) => name),
      `ended by themselves\n${logs()}`,
    ).toEqual([]);
    const began = performance.now();
    for (let asked: string[] = []; !asked.some((id) => counter.effects.has(id)); await wait(100)) {
      if (count % 5 !== 4) asked = [...asked, say()];
      else say();
      expect(performance.now() - began, `nothing is done any more\n${logs()}`).toBeLessThan(RECOVERY_MS);
    }
    const recoveryMs = Math.round(performance.now() - began);
    const wrongs = () => tally.wrongs(facts());
    for (const until = Date.now() + END_MS; wrongs().silent.length > 0 && Date.now() < until; ) await wait(200);
    // What would be done twice has had its time.
    await wait(1500);
    const { figures, ...wrong } = wrongs();
    const refused = [...facts().answers.values()].filter((texts) => texts.some((text) => REFUSED.test(text))).length;
    const printed = { ...figures, "refused for the store": refused, "done again after ms": recoveryMs };
    process.stdout.write(`replicas, ${init.name}: ${JSON.stringify(printed)}\n`);
    expect(wrong, logs()).toEqual({ doneTwice: [], doneUnsaid: [], silent: [], lies: [] });
    return printed;
  } finally {
    await Promise.all(all.map(({ kill }) => kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}
