import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { hasAlertmanager, startAlertmanager } from "../fakes/alertmanager-server.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { freePort } from "../fakes/free-port.ts";
import { collector, runProgram } from "../fakes/run-program.ts";
import { SERVICES } from "../golden/records.ts";

const TOKEN = "a-token-for-tests-only";
const folder = mkdtempSync(join(tmpdir(), "micro-app-alerts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function micro(args: readonly string[], init: Parameters<typeof runProgram>[1] = {}) {
  const stateDir = mkdtempSync(join(folder, "state-"));
  const globals = [`--state_dir=${stateDir}`, "--server_address=127.0.0.1:0", "--transport=memory"];
  return runProgram([...globals, ...args], {
    makers: {
      registry: async () => memoryRegistry({ services: SERVICES })(),
      client: async () => cannedClient({ "Debug.Health": '{"status":"ok"}' }),
    },
    ...init,
  });
}

/** A bot in a terminal that receives alerts. */
async function receivingBot(...options: readonly string[]) {
  const address = `127.0.0.1:${await freePort()}`;
  const stdin = new PassThrough();
  const stdout = collector();
  const leaving = new AbortController();
  const run = micro(["bot", "--inputs=terminal", `--webhook_address=${address}`, ...options], {
    stdin,
    stdout,
    signal: leaving.signal,
  });
  stops.push(async () => {
    leaving.abort();
    stdin.end();
    await run;
  });
  const ready = async () => (await fetch(`http://${address}/-/ready`)).status;
  await expect.poll(() => ready().catch(() => 0), { timeout: 50_000 }).toBe(200);
  /** Says it once more, and gives what was said to all before. */
  const asked = (line: string) => {
    stdin.write(`${line}\n`);
    return stdout.text();
  };
  return { address, run, asked };
}

describe("a bot that receives alerts", () => {
  it("has what `micro alert` says, and what ends it", async () => {
    const bot = await receivingBot(`--webhook_token=${TOKEN}`);
    const at = [`--webhook_address=${bot.address}`, `--webhook_token=${TOKEN}`];
    const raised = await micro(["alert", "disk is full", "--service", "payments", "--name", "DiskFull", ...at]);
    expect(raised).toMatchObject({
      code: 0,
      stderr: "",
      stdout: "raised: DiskFull of payments; it ends with alert resolve DiskFull --service payments\n",
    });
    await expect.poll(() => bot.asked("alerts"), { timeout: 20_000, interval: 200 }).toContain("DiskFull");
    const resolved = await micro(["alert", "resolve", "DiskFull", "--service", "payments", ...at]);
    expect(resolved).toMatchObject({ code: 0, stdout: "resolved: DiskFull of payments\n" });
    await expect
      .poll(() => bot.asked("alerts").split("\n").slice(-4).join("\n"), { timeout: 20_000, interval: 200 })
      .not.toContain("DiskFull");
  }, 60_000);

  it("says how to receive them where none are, and lists nothing that it has not", async () => {
    const stdin = new PassThrough();
    stdin.end("alert sources\nhelp\nhelp alert\n");
    const { stdout } = await micro(["bot", "--inputs=terminal"], { stdin });
    expect(stdout).toContain("alerts are not received here: the bot wants --webhook_address");
    expect(stdout).toContain("alert demo");
    expect(stdout).not.toContain("Is off here");
    expect(stdout).toContain("the service that it is about\n");
  }, 60_000);

  it("asks what is meant by a word that is nearly a command, and raises nothing", async () => {
    const bot = await receivingBot(`--webhook_token=${TOKEN}`);
    for (const [slip, meant] of Object.entries({ dmo: "demo", shwo: "show", resolv: "resolve", source: "sources" })) {
      await expect
        .poll(() => bot.asked(`alert ${slip}`), { timeout: 20_000, interval: 500 })
        .toContain(`did you mean \`alert ${meant}\`?`);
    }
    await expect.poll(() => bot.asked("alerts"), { timeout: 20_000, interval: 500 }).toContain("nothing fires");
  }, 60_000);

  it("says to `micro alert` what is wrong, and never the token", async () => {
    const bot = await receivingBot(`--webhook_token=${TOKEN}`);
    const said = async (...args: readonly string[]) => {
      const { code, stderr } = await micro(["alert", "x", ...args]);
      expect(code).toBe(1);
      expect(stderr).not.toContain("another-token");
      return stderr;
    };
    const address = `--webhook_address=${bot.address}`;
    expect(await said(address)).toContain("give --webhook_token=");
    expect(await said(address, "--webhook_token=another-token-of-that-length")).toContain("does not know that token");
    await expect
      .poll(() => bot.asked("alert sources"), { timeout: 20_000, interval: 200 })
      .toMatch(/grafana +grafana +nothing yet\n.*\nshell +shell +1 unauthenticated/);
    const nobody = `--webhook_address=127.0.0.1:${await freePort()}`;
    expect(await said(nobody, `--webhook_token=${TOKEN}`)).toMatch(
      /cannot be reached; is a bot running with --webhook_address/,
    );
    const { code, stderr } = await micro(["alert", "resolv", "DiskFull", address]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("did you mean `alert resolve`?")]);
    expect(await said("--webhook_address=a b", `--webhook_token=${TOKEN}`)).toContain("no address of a receiver");
    expect(await said(address, "--webhook_token=env:NO_SUCH_VARIABLE")).toContain("NO_SUCH_VARIABLE");
  }, 60_000);

  it.skipIf(!hasAlertmanager)(
    "has what the real Alertmanager sends (prometheus-alertmanager is installed here or this is skipped)",
    async () => {
      const file = join(folder, "alerts.yaml");
      writeFileSync(join(folder, "token"), `${TOKEN}\n`);
      writeFileSync(file, `sources:\n  am: { kind: alertmanager, token: "file:${join(folder, "token")}" }\n`);
      const bot = await receivingBot(`--alerts=${file}`);
      const alertmanager = await startAlertmanager({
        webhook: `http://${bot.address}/alerts/am`,
        httpConfig: { authorization: { type: "Bearer", credentials: TOKEN } },
      });
      stops.push(() => alertmanager.stop());
      await alertmanager.raise({ labels: { alertname: "NoSpace", service: "payments", severity: "critical" } });
      await expect.poll(() => bot.asked("alerts"), { timeout: 20_000, interval: 200 }).toContain("NoSpace");
    },
    60_000,
  );

  it.each([
    [["--webhook_address=127.0.0.1:0"], /nothing says who may send alerts there: give --webhook_token=/],
    [
      ["--webhook_address=127.0.0.1:0", "--webhook_token=short"],
      /source alertmanager of alerts has a secret of fewer than 16/,
    ],
    [["--webhook_address=nowhere", `--webhook_token=${TOKEN}`], /nowhere is no address to listen at/],
    [["--alerts=/no/such/file"], /--alerts=\/no\/such\/file cannot be read: it does not exist/],
    [["--alerts_room=ops"], /--alerts_room=ops: it is input:room, of one of --inputs, as slack:C02/],
    [["--alerts_room=slack:C02"], /--alerts_room=slack:C02: I am not in slack: --inputs is terminal/],
  ])("does not start with %j", async (options, message) => {
    const { code, stderr } = await micro(["bot", "--inputs=terminal", ...options]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain(TOKEN);
  });

  it("does not start with a source that proves nothing, and says in which line", async () => {
    const file = join(folder, "open.yaml");
    writeFileSync(file, "sources:\n  ci:\n    kind: grafana\n");
    const { code, stderr } = await micro([
      "bot",
      "--inputs=terminal",
      "--webhook_address=127.0.0.1:0",
      `--alerts=${file}`,
    ]);
    expect(code).toBe(1);
    writeFileSync(join(folder, "closed.yaml"), `sources: { grafana: { token: ${TOKEN} } }\n`);
    const nowhere = await micro(["bot", "--inputs=terminal", `--alerts=${join(folder, "closed.yaml")}`]);
    expect(nowhere.stderr).toContain("no --webhook_address=:8088 for them");
    expect(stderr).toMatch(/open\.yaml, line 3, column 5: sources\.ci: a source is authenticated by one of token/);
  });
});
