import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { freePort } from "./free-port.ts";
import { launch, type WatchedProcess } from "./watched-process.ts";

const PROGRAM = "/usr/local/lib/test-servers/kube-apiserver";

/** `.ci/kube-apiserver` was run here; without it tests of the real server are skipped, saying so. */
export const hasKubeApiserver =
  existsSync(PROGRAM) && (existsSync("/usr/bin/etcd") || existsSync("/usr/local/bin/etcd"));

/** A real kube-apiserver over a real etcd, on free ports of 127.0.0.1. Nothing runs pods: they are what a test says. */
export interface KubeApiserver {
  readonly address: string;
  /** Its certificate, as PEM. */
  readonly ca: string;
  /** May do everything. */
  readonly token: string;
  /** May do nothing. */
  readonly powerless: string;
  /** A pod in namespace `default` whose status says so. */
  addPod(name: string, phase?: string): Promise<void>;
  setPhase(name: string, phase: string): Promise<void>;
  removePod(name: string): Promise<void>;
  /** One request as an administrator. @throws Error unless it is answered with 2xx */
  http(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<unknown>;
  /** SIGKILL. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, after `kill()`. */
  restart(): Promise<void>;
  /** Forgets what happened, so that a watch from before is told 410 Gone. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

const TOKEN = "administrator-of-tests";
const POWERLESS = "nobody-of-tests";

export async function startKubeApiserver(): Promise<KubeApiserver> {
  const folder = await mkdtemp(join(tmpdir(), "micro-kubernetes-"));
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const store = `http://127.0.0.1:${client}`;
  const file = (name: string) => join(folder, name);
  const quiet = { stdio: "ignore" } as const;
  execFileSync("openssl", ["genrsa", "-out", file("sa.key"), "2048"], quiet);
  const subject = ["-subj", "/CN=kube.test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const pair = ["-keyout", file("tls.key"), "-out", file("tls.crt")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...pair, ...subject], quiet);
  await writeFile(file("tokens.csv"), `${TOKEN},admin,1,"system:masters"\n${POWERLESS},nobody,2\n`);
  const ca = await readFile(file("tls.crt"), "utf8");
  const agent = new Agent({ connect: { ca }, pipelining: 0 });
  const address = `https://127.0.0.1:${port}`;

  const http: KubeApiserver["http"] = async (method, path, body) => {
    const type = method === "PATCH" ? "application/strategic-merge-patch+json" : "application/json";
    const answer = await request(`${address}${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.body.text();
    if (answer.statusCode > 299) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text.startsWith("{") ? JSON.parse(text) : text;
  };
  const etcd = await launch(
    [
      "etcd",
      ...["--data-dir", file("etcd"), "--listen-client-urls", store, "--advertise-client-urls", store],
      ...[
        "--listen-peer-urls",
        `http://127.0.0.1:${peer}`,
        "--initial-advertise-peer-urls",
        `http://127.0.0.1:${peer}`,
      ],
      ...["--initial-cluster", `default=http://127.0.0.1:${peer}`],
    ],
    file("etcd.log"),
    async () => (await request(`${store}/health`)).statusCode === 200,
  );
  const apiserver = (): Promise<WatchedProcess> =>
    launch(
      [
        PROGRAM,
        `--etcd-servers=${store}`,
        ...["--bind-address=127.0.0.1", `--secure-port=${port}`, "--insecure-port=0", "--advertise-address=127.0.0.1"],
        ...["--endpoint-reconciler-type=none", `--cert-dir=${folder}`, "--service-cluster-ip-range=10.0.0.0/24"],
        ...[`--tls-cert-file=${file("tls.crt")}`, `--tls-private-key-file=${file("tls.key")}`],
        ...["--service-account-issuer=https://kube.test", `--service-account-signing-key-file=${file("sa.key")}`],
        ...[`--service-account-key-file=${file("sa.key")}`, `--token-auth-file=${file("tokens.csv")}`],
        ...["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"],
        ...["--enable-priority-and-fairness=false", "--etcd-compaction-interval=0"],
      ],
      file("apiserver.log"),
      async () => {
        if ((await http("GET", "/readyz")) !== "ok") return false;
        await http("GET", "/api/v1/namespaces/default"); // comes a second later
        return true;
      },
      { readyMs: 120_000 },
    );
  let running = await apiserver().catch(async (error: unknown) => {
    await etcd.kill();
    throw error;
  });
  const pods = "/api/v1/namespaces/default/pods";
  const setPhase = async (name: string, phase: string) => {
    await http("PATCH", `${pods}/${name}/status`, { status: { phase } });
  };
  return {
    address,
    ca,
    token: TOKEN,
    powerless: POWERLESS,
    http,
    addPod: async (name, phase = "Running") => {
      const containers = [{ name: "main", image: "none" }];
      await http("POST", pods, { kind: "Pod", apiVersion: "v1", metadata: { name }, spec: { containers } });
      await setPhase(name, phase);
    },
    setPhase,
    removePod: async (name) => void (await http("DELETE", `${pods}/${name}?gracePeriodSeconds=0`)),
    kill: () => running.kill(),
    freeze: () => running.freeze(),
    thaw: () => running.thaw(),
    restart: async () => {
      running = await apiserver();
    },
    compact: async () => {
      const ask = async (path: string, body: object) => {
        const answer = await request(`${store}/v3/${path}`, { method: "POST", body: JSON.stringify(body) });
        return (await answer.body.json()) as { header: { revision: string } };
      };
      const { header } = await ask("kv/range", { key: Buffer.from("a").toString("base64") });
      await ask("kv/compaction", { revision: header.revision, physical: true });
    },
    stop: async () => {
      await running.kill(); // with open watches it takes more than 20 s to end by itself
      await etcd.kill();
      await agent.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
