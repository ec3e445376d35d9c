import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Alertmanager, createAlertmanager } from "../../../src/alerts/incidents/alertmanager.ts";
import { type AlertmanagerServer, hasAlertmanager, startAlertmanager } from "../../fakes/alertmanager-server.ts";
import { freePort } from "../../fakes/free-port.ts";

const HOUR = 3_600_000;
const wanted = (labels: Readonly<Record<string, string>> = { alertname: "Down", job: 'pay "x" \\ é' }) => ({
  labels,
  startsAt: Date.now(),
  endsAt: Date.now() + HOUR,
  by: "ann (slack:T01/U02)",
  comment: "the disk is being replaced",
});

const opened: Alertmanager[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
function open(address: string, secret?: string): Alertmanager {
  const one = createAlertmanager({ address, ...(secret !== undefined && { secret }) });
  opened.push(one);
  return one;
}

describe.skipIf(!hasAlertmanager)(
  "silences of a real Alertmanager (prometheus-alertmanager has to be installed)",
  () => {
    let server: AlertmanagerServer;
    beforeAll(async () => {
      server = await startAlertmanager();
    });
    afterAll(() => server?.stop());

    it("are made, listed, ended, and are ended once", async () => {
      const manager = open(server.address);
      const id = await manager.silence(wanted());
      const there = (await server.http("GET", `/api/v2/silence/${id}`)) as Record<string, unknown>;
      expect(there).toMatchObject({ createdBy: "ann (slack:T01/U02)", comment: "the disk is being replaced" });
      expect(there["matchers"]).toContainEqual({ name: "job", value: 'pay "x" \\ é', isRegex: false, isEqual: true });
      const [listed] = await manager.silences();
      expect(listed).toMatchObject({ id, by: "ann (slack:T01/U02)", labels: { alertname: "Down" } });
      await manager.expire(id);
      expect(await manager.silences()).toEqual([]);
    });

    it("hide nothing from who asks what fires", async () => {
      const manager = open(server.address);
      const labels = { alertname: "Hidden", job: 'pay "x" \\ é' };
      await server.raise({ labels }, { labels: { alertname: "Other", job: "y" } });
      const id = await manager.silence(wanted(labels));
      await expect.poll(async () => (await manager.active(labels)).size, { timeout: 10_000 }).toBe(1);
      expect((await manager.active({ alertname: "Nothing" })).size).toBe(0);
      await manager.expire(id);
    });

    it("that there are not cannot be ended", async () => {
      const id = "00000000-0000-0000-0000-000000000000";
      await expect(open(server.address).expire(id)).rejects.toMatchObject({ code: "not_found" });
    });

    it("without a label, or with one that is none, are refused", async () => {
      const manager = open(`http://${server.address}/`);
      await expect(manager.silence(wanted({}))).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(manager.silence(wanted({ "not a label": "x" }))).rejects.toThrow(/refused that \(40\d\)/);
    });
  },
);

describe("an Alertmanager", () => {
  it("that is away is told as that, and is asked no longer than is wanted", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await expect(open(address).silences()).rejects.toMatchObject({
      code: "unavailable",
      message: `Alertmanager at ${address} cannot be reached`,
    });
    const mute = await serve(() => {});
    await expect(open(mute).silences({ timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
    const gone = AbortSignal.abort();
    await expect(open(mute).silences({ signal: gone })).rejects.toMatchObject({ code: "cancelled" });
  });

  it("is told who asks, and no error tells the secret", async () => {
    const asked: (string | undefined)[] = [];
    const address = await serve((authorization, answer) => {
      asked.push(authorization);
      answer(401, "no");
    });
    for (const secret of ["ann:hush-hush", "token-hush"]) {
      const failed = open(address, secret).silences();
      await expect(failed).rejects.toMatchObject({ code: "unauthenticated" });
      await expect(failed).rejects.not.toThrow(/hush/);
    }
    expect(asked).toEqual([`Basic ${Buffer.from("ann:hush-hush").toString("base64")}`, "Bearer token-hush"]);
  });

  it("that is something else is told as that", async () => {
    const address = await serve((_authorization, answer) => answer(200, "<html>"));
    await expect(open(address).silences()).rejects.toThrow(/is it an Alertmanager/);
    const broken = await serve((_authorization, answer) => answer(500, "boom\nstack"));
    await expect(open(broken).silences()).rejects.toThrow(/refused that \(500\): boom stack/);
  });

  it("has an address that is one", () => {
    for (const address of ["", "http://", "http://user@x:1", "a b", "http://x/?q"]) {
      expect(() => createAlertmanager({ address })).toThrow(/host:port or a URL/);
    }
  });
});

const servers: (() => void)[] = [];
afterEach(() => {
  for (const stop of servers.splice(0)) stop();
});

/** A server that answers each request so. @returns its `host:port` */
async function serve(
  on: (authorization: string | undefined, answer: (status: number, text: string) => void) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    on(request.headers.authorization, (status, text) => response.writeHead(status).end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
