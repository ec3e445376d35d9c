import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AlertmanagerServer, hasAlertmanager, startAlertmanager } from "../fakes/alertmanager-server.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { freePort } from "../fakes/free-port.ts";
import { hasPrometheus, type PrometheusServer, startPrometheus } from "../fakes/prometheus-server.ts";
import { hasProsody, startProsody, XMPP_DOMAIN, type XmppServer } from "../fakes/prosody-server.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { hasSlixmpp, type XmppPerson, xmppPerson } from "../fakes/xmpp-person.ts";

/*
 * The whole story, with nothing of ours but the bot and the greeter: Prometheus sees that a greeter was killed, Alertmanager says so,
 * the card comes in Slack and in a room of Prosody's, somebody silences it with a button, the greeter comes back, the card resolves.
 */

const bin = join(import.meta.dirname, "../../dist/bin/micro.js");
const GREETER = "go.micro.srv.greeter";
const real = hasConsul && hasPrometheus && hasAlertmanager && hasProsody && hasSlixmpp;

describe.skipIf(!real)(
  "an alert's story (not run where Consul, Prometheus, Alertmanager or Prosody is missing)",
  () => {
    const children: ChildProcess[] = [];
    let folder: string;
    let consul: ConsulAgent;
    let prosody: XmppServer;
    let slack: FakeSlack;
    let prometheus: PrometheusServer;
    let alertmanager: AlertmanagerServer;
    let ann: XmppPerson;
    let metrics: number;
    let room: string;

    const run = (args: readonly string[], env: Record<string, string> = {}) => {
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.push(child);
      return child;
    };
    const startGreeter = async (version: string) => {
      const child = run([join(import.meta.dirname, "metered-greeter.mjs"), consul.address, String(metrics), version]);
      await once(child.stdout as NodeJS.ReadableStream, "data");
      return child;
    };
    const kill = async (child: ChildProcess) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    };
    const card = () => slack.posts.filter(({ channel, thread }) => channel === "C1" && thread === undefined);
    /** For the pictures in the docs (`scripts/card-pictures.mjs`). */
    const kept: Record<string, unknown> = {};
    const keep = (name: string) => {
      kept[name] = card().map(({ blocks, text }) => ({ blocks, text }));
    };
    const heard = () => ann.events.filter(({ type, body }) => type === "groupchat" && typeof body === "string");

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "micro-story-"));
      metrics = await freePort();
      const webhook = await freePort();
      [consul, prosody, slack] = await Promise.all([startConsul(), startProsody(["bot", "ann"]), fakeSlack()]);
      room = `ops@${prosody.rooms}`;
      ann = await xmppPerson(prosody, "ann");
      await ann.join(room, "ann");
      alertmanager = await startAlertmanager({
        webhook: `http://127.0.0.1:${webhook}/alerts/alertmanager`,
        httpConfig: { authorization: { credentials: "a-token-of-the-test" } },
      });
      writeFileSync(join(folder, "policy.yaml"), "members: ['service:call', 'alert:*']\n");
      run([bin, "--registry=consul", `--registry_address=${consul.address}`, "--server_address=127.0.0.1:0", "bot"], {
        MICRO_BOT_INPUTS: "slack,xmpp",
        MICRO_SLACK_TOKEN: slack.token,
        MICRO_SLACK_APP_TOKEN: slack.appToken,
        MICRO_SLACK_API_URL: slack.apiUrl,
        MICRO_XMPP_USERNAME: `bot@${XMPP_DOMAIN}`,
        MICRO_XMPP_PASSWORD: "botpw",
        MICRO_XMPP_SERVER: prosody.address,
        MICRO_XMPP_CA: prosody.certificate.file,
        MICRO_XMPP_ROOMS: room,
        MICRO_STATE_DIR: folder,
        MICRO_BOT_POLICY: join(folder, "policy.yaml"),
        MICRO_BOT_WEBHOOK_ADDRESS: `127.0.0.1:${webhook}`,
        MICRO_BOT_WEBHOOK_TOKEN: "a-token-of-the-test",
        MICRO_BOT_ALERTS_ROOM: `slack:C1,xmpp:${room}`,
        MICRO_BOT_ALERTMANAGER_ADDRESS: alertmanager.address,
        MICRO_LOG_LEVEL: "error",
      });
    }, 60_000);

    afterAll(async () => {
      await Promise.all(children.map(kill));
      await prometheus?.stop();
      await alertmanager?.stop();
      await ann?.close();
      await prosody?.stop();
      await slack?.close();
      await consul?.stop();
      const { MICRO_STORY_FILE: file } = process.env;
      if (file) writeFileSync(file, JSON.stringify(kept));
      rmSync(folder, { recursive: true, force: true });
    });

    it("is told, silenced and resolved", { timeout: 120_000 }, async () => {
      await expect.poll(() => slack.sockets.open, { timeout: 20_000 }).toBeGreaterThan(0);
      const greeter = await startGreeter("1.0.0");
      prometheus = await startPrometheus({
        jobs: { greeter: [`127.0.0.1:${metrics}`] },
        rules: [
          {
            alert: "GreeterDown",
            expr: "up == 0",
            for: "0s",
            labels: { severity: "critical", service: GREETER },
            annotations: { summary: "Prometheus cannot reach the greeter <!channel> *now*" },
          },
        ],
        alertmanager: alertmanager.address,
      });
      const up = async () => JSON.stringify(await prometheus.get("/api/v1/query?query=up"));
      await expect.poll(up, { timeout: 30_000 }).toMatch(/,"1"\]/);
      expect(card()).toEqual([]);

      await kill(greeter);
      await expect.poll(() => card().length, { timeout: 30_000 }).toBe(1);
      await expect.poll(() => card()[0]?.text, { timeout: 30_000 }).toContain("its only node fails");
      const [told] = card();
      expect(told?.text).toMatch(/^FIRING critical: GreeterDown · go\.micro\.srv\.greeter · since/);
      expect(told?.text).toContain("Prometheus cannot reach the greeter");
      expect(told?.live).toEqual([]);
      keep("firing");
      const inRoom = await ann.until(({ body }) => String(body).includes("GreeterDown"), "the card in the room");
      expect(inRoom.body).toContain("FIRING critical");

      slack.people.press("Silence 2h");
      const silences = async () => JSON.stringify(await alertmanager.http("GET", "/api/v2/silences"));
      await expect.poll(silences, { timeout: 20_000 }).toContain("GreeterDown");
      expect(await silences()).toContain('"state":"active"');
      await expect.poll(() => card()[0]?.text, { timeout: 20_000 }).toContain("silenced");
      keep("silenced");

      const [silence] = (await alertmanager.http("GET", "/api/v2/silences")) as readonly { readonly id: string }[];
      await alertmanager.http("DELETE", `/api/v2/silence/${silence?.id}`);
      await startGreeter("1.0.1");
      await expect.poll(() => card()[0]?.text, { timeout: 40_000 }).toMatch(/^RESOLVED after/);
      keep("resolved");
      expect(card()).toHaveLength(1);
      await expect
        .poll(() => heard().some(({ body }) => String(body).includes("RESOLVED")), { timeout: 20_000 })
        .toBe(true);
    });
  },
);
