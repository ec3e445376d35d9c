import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import Sqlite from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteAudit } from "../../src/bot/audit/sqlite.ts";
import { canonicalJson, sha256 } from "../../src/bot/canonical.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { entry } from "../contract/audit.contract.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { hasPostgres, startPostgres } from "../fakes/postgres-server.ts";
import { collector, ended, runProgram } from "../fakes/run-program.ts";
import { SERVICES } from "../golden/records.ts";

/* The audit of a bot and what the shell tells of it. */

let folder: string;
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "micro-audit-"));
  registry = memoryRegistry({ services: SERVICES })();
});
afterEach(() => rm(folder, { recursive: true }));

const makers = {
  registry: async () => registry,
  client: async () => cannedClient({ "Say.Hello": '{"msg":"Hello John"}' }),
};

/** A bot in a terminal that is told these lines. */
function bot(lines: readonly string[], more: Parameters<typeof runProgram>[1] = {}, args: readonly string[] = []) {
  const all = [
    `--state_dir=${folder}`,
    "--server_address=127.0.0.1:0",
    "--transport=memory",
    "bot",
    "--inputs=terminal",
  ];
  return runProgram([...all, ...args], { makers, stdin: ended(...lines), ...more });
}

const micro = (...args: readonly string[]) => runProgram([`--state_dir=${folder}`, ...args], { makers });

/** The id of a line, as `audit` shows it. */
async function idOf(line: string): Promise<string> {
  const { stdout } = await micro("audit", "--output", "json");
  const { records } = JSON.parse(stdout) as { records: readonly { id: string; text: string }[] };
  return records.find(({ text }) => text === line)?.id ?? "none";
}

const CALL = 'call go.micro.srv.greeter Say.Hello {"name":"John"}';

describe("micro audit", () => {
  it("shows what was said to a bot, after it and while it runs", async () => {
    const stdin = new PassThrough();
    const stdout = collector();
    const running = bot([], { stdin, stdout });
    stdin.write(`${CALL}\n`);
    await expect.poll(() => stdout.text(), { timeout: 20_000 }).toContain("Hello John");
    expect((await micro("audit")).stdout).toContain(CALL);
    stdin.end("nonsense\n");
    await running;
    const { code, stdout: told } = await micro("audit", "--limit", "1");
    expect(code).toBe(0);
    expect(told).toMatch(
      /^Id\tWhen\tWho\tWhere\tOutcome\tTook\tLine\n[0-9a-f]{6}\t\S+Z\tterminal:ann\tterminal:\S+\tnot_found\t\d+ ms\tnonsense\n$/,
    );
    expect((await micro("audit", "--command", "call", "--output", "raw")).stdout).toContain('"outcome":"ok"');
  }, 60_000);

  it("needs no registry, and says where there is nothing", async () => {
    await bot(["ping"]);
    const away = async () => ({
      ...registry,
      start: async () => {
        throw new MicroError("unavailable", "away");
      },
    });
    const run = (...args: readonly string[]) =>
      runProgram([`--state_dir=${folder}`, ...args], { makers: { ...makers, registry: away } });
    expect((await run("audit")).stdout).toContain("ping");
    expect(await run("list", "services")).toMatchObject({ code: 1, stderr: "away\n" });
    const nothing = await runProgram([`--state_dir=${folder}/none`, "audit"], { makers });
    expect(nothing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`there is no audit at ${folder}/none/audit.db`),
    });
  });

  it("verifies, and fails where a record was changed", async () => {
    await bot([CALL, "ping"]);
    const good = await micro("audit", "verify");
    expect(good).toMatchObject({ code: 0, stderr: "" });
    const hash = /newest: row 4 of \S+, hash ([0-9a-f]{64})\nkept apart: row 4, hash \1, at /.exec(good.stdout)?.[1];
    expect(JSON.parse(await readFile(join(folder, "audit.anchor"), "utf8"))).toMatchObject({ seq: 4, hash });
    // As in the first second of a bot, or when somebody has taken it.
    await rm(join(folder, "audit.anchor"));
    const none = await micro("audit", "verify");
    expect(none.stdout).toContain(`no hash is at ${join(folder, "audit.anchor")} yet: it comes a second after`);
    expect(none.stdout).not.toContain("kept apart");
    const db = new Sqlite(join(folder, "audit.db"));
    db.exec("drop trigger audit_is_not_changed; update audit set body = replace(body, 'John', 'Jack')");
    db.close();
    const bad = await micro("audit", "verify");
    expect(bad).toMatchObject({ code: 1, stdout: "" });
    expect(bad.stderr).toMatch(/^NOT whole: of 4 rows,\nrow 1 was changed/);
  });

  it("explains a command, and replays it by today's policy", async () => {
    await bot([CALL]);
    const id = await idOf(CALL);
    const { stdout } = await micro("explain", id);
    expect(stdout).toMatch(/called\tgo\.micro\.srv\.greeter Say\.Hello.*: ok after \d+ ms, trace [0-9a-f]{6}\n/);
    expect(stdout).toMatch(/touched\tgo\.micro\.srv\.greeter.*: /);
    const refused = await micro("replay", id);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("type it yourself") });
    expect((await micro("replay", id, "--dry-run")).stdout).toContain("said now it would run");
    await writeFile(join(folder, "policy.yaml"), "members: []\n");
    const today = await runProgram([`--state_dir=${folder}`, "replay", id, "--dry-run"], {
      makers,
      env: { MICRO_BOT_POLICY: join(folder, "policy.yaml") },
    });
    expect(today.stdout).toContain("said now it would be refused");
    // What the policy refers to is looked up as the bot does.
    await writeFile(
      join(folder, "policy.yaml"),
      "roles: { oncall: { members: ['env:ONCALL'], grants: ['service:call'] } }\n",
    );
    const referring = (more: Record<string, string>) =>
      runProgram([`--state_dir=${folder}`, "replay", id, "--dry-run"], {
        makers,
        env: { MICRO_BOT_POLICY: join(folder, "policy.yaml"), ...more },
      });
    expect((await referring({ ONCALL: "terminal:ann" })).stdout).toContain("said now it would run");
    expect((await referring({ ONCALL: "terminal:bob" })).stdout).toContain("said now it would be refused");
    expect((await referring({})).stderr).toContain("there is no variable ONCALL");
  });

  it("tells of a command whose bot died while it ran", async () => {
    const log = await sqliteAudit(join(folder, "audit.db"), { clock: systemClock, replica: "r1" });
    await log.append(entry("abc123", { kind: "begun", outcome: undefined }), { durable: true });
    await log.close();
    expect((await micro("audit")).stdout).toMatch(/^abc123\t.*\trunning\t/m);
    expect((await micro("explain", "abc123")).stdout).toContain(
      "ended\tits end is not written down: it runs, or its bot died",
    );
  });

  it("exports lines of JSON whose hashes anybody can compute", async () => {
    await bot([CALL, "ping"]);
    const { stdout, code } = await micro("audit", "export");
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ kind }) => kind)).toEqual(["begun", "ended", "begun", "ended"]);
    let before = "0".repeat(64);
    for (const { hash, ...rest } of rows) {
      expect(rest["before"]).toBe(before);
      expect(sha256(canonicalJson(rest))).toBe(hash);
      before = hash as string;
    }
    expect((await micro("audit", "export", "--since", "1ms")).stdout).toBe("");
  });

  it.skipIf(!hasPostgres)(
    "exports to a real PostgreSQL, each row once (needs postgresql)",
    async () => {
      await bot([CALL]);
      const server = await startPostgres();
      try {
        const args = ["audit", "export", "--postgres", server.address];
        expect((await micro(...args)).stdout).toBe("2 rows copied, 0 were there already\n");
        expect((await micro(...args)).stdout).toBe("0 rows copied, 2 were there already\n");
      } finally {
        await server.stop();
      }
    },
    60_000,
  );

  it("keeps what a terminal of one's own was told in memory, without a folder to keep it in", async () => {
    const args = ["--server_address=127.0.0.1:0", "--transport=memory", "bot", "--inputs=terminal"];
    const env = { XDG_STATE_HOME: folder };
    const { stdout } = await runProgram(args, { makers, env, stdin: ended("ping", "audit") });
    expect(stdout).toMatch(/terminal:ann.*ping/);
    await expect(readFile(join(folder, "micro-bot", "audit.db"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
