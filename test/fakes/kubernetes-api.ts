import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

type Labels = Record<string, string>;
interface PodJson {
  metadata: { name: string; namespace: string; resourceVersion: string; labels: Labels; annotations: Labels };
  status: { phase: string };
}
interface Happening {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly pod: PodJson;
  readonly before: PodJson | undefined;
}
interface WatchState {
  readonly response: ServerResponse;
  readonly matches: (pod: PodJson | undefined) => boolean;
}

/** What to do instead of answering: never, with a broken connection, with half an answer, or with this. */
export type ApiMischief = "hang" | "drop" | "cut" | { readonly status: number; readonly body: string };

/** The pods of a Kubernetes API (`wire.md §2.5`), over plain HTTP on 127.0.0.1: get, list in pages, patch, watch. */
export interface KubernetesApi {
  readonly address: string;
  /** `PATCH /api/v1/…` of each question so far. */
  readonly requests: readonly string[];
  /** Open watches. */
  readonly watching: number;
  addPod(name: string, phase?: string): void;
  setPhase(name: string, phase: string): void;
  /** Writes past the registry: what others do. */
  annotate(name: string, annotations: Labels, labels?: Labels): void;
  pod(name: string): PodJson | undefined;
  removePod(name: string): void;
  /** Only this token is known from now on. */
  demand(token: string): void;
  /** Forgets what happened: a watch from before is told 410 Gone, in the stream or at once. */
  compact(how: "stream" | "status"): void;
  misbehave(mischief: ApiMischief | undefined): void;
  /** Any text, to all watches. */
  frame(text: string): void;
  /** All connections are cut; new ones work. */
  cut(): void;
  close(): Promise<void>;
}

export async function startKubernetesApi(): Promise<KubernetesApi> {
  const pods = new Map<string, PodJson>();
  const requests: string[] = [];
  const history: Happening[] = [];
  const watches = new Set<WatchState>();
  const sockets = new Set<Socket>();
  let version = 100;
  let compacted = 0;
  let goneAs: "stream" | "status" = "stream";
  let token: string | undefined;
  let mischief: ApiMischief | undefined;

  const happen = (type: Happening["type"], pod: PodJson, before: PodJson | undefined) => {
    version += 1;
    pod.metadata.resourceVersion = String(version);
    const copy = structuredClone(pod);
    history.push({ version, type, pod: copy, before });
    for (const watch of watches) send(watch, { version, type, pod: copy, before });
  };
  const send = ({ response, matches }: WatchState, { type, pod, before }: Happening) => {
    const now = type !== "DELETED" && matches(pod);
    if (!now && !matches(before)) return;
    // A pod that got or lost the label appears or goes, as far as this watch can see.
    const seen = now ? (matches(before) ? "MODIFIED" : "ADDED") : "DELETED";
    response.write(`${JSON.stringify({ type: seen, object: pod })}\n`);
  };
  const change = (name: string, how: (pod: PodJson) => void) => {
    const pod = pods.get(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    const before = structuredClone(pod);
    how(pod);
    // A patch that changes nothing is no event.
    if (JSON.stringify(before) !== JSON.stringify(pod)) happen("MODIFIED", pod, before);
  };
  const status = (response: ServerResponse, code: number, message: string) => {
    response.writeHead(code, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", status: "Failure", message, code }));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://api");
    requests.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (mischief === "hang") return;
    if (mischief === "drop") return void request.socket.destroy();
    if (mischief === "cut") {
      response.writeHead(200, { "content-length": "1000" });
      response.write("{", () => request.socket.destroy());
      return;
    }
    if (mischief !== undefined) return void response.writeHead(mischief.status).end(mischief.body);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return status(response, 401, "Unauthorized");
    }
    const [, name] = /^\/api\/v1\/namespaces\/default\/pods(?:\/([^/]*))?$/.exec(url.pathname) ?? ["", undefined];
    if (name !== undefined && name !== "") return one(request, response, decodeURIComponent(name), body);
    const label = url.searchParams.get("labelSelector") ?? "";
    const [key = "", value] = label.split("=");
    if (!isLabel(key)) return status(response, 400, `unable to parse requirement: invalid label key "${key}"`);
    const matches = (pod: PodJson | undefined) => pod?.metadata.labels[key] === value;
    if (url.searchParams.get("watch") === "true") return watch(url, response, matches);
    list(url, response, matches);
  };
  const one = (request: IncomingMessage, response: ServerResponse, name: string, body: string) => {
    const pod = pods.get(name);
    if (pod === undefined) return status(response, 404, `pods "${name}" not found`);
    if (request.method === "PATCH") {
      if (request.headers["content-type"] !== "application/strategic-merge-patch+json") {
        return status(response, 415, "the body of the request was in an unknown format");
      }
      const { labels = {}, annotations = {} } = JSON.parse(body).metadata as PodJson["metadata"];
      const wrong = [...Object.keys(labels), ...Object.keys(annotations)].find((key) => !isLabel(key));
      if (wrong !== undefined) return status(response, 422, `invalid: metadata.labels: Invalid value: "${wrong}"`);
      change(name, ({ metadata }) => {
        merge(metadata.labels, labels);
        merge(metadata.annotations, annotations);
      });
    }
    response.end(JSON.stringify(pod));
  };
  const list = (url: URL, response: ServerResponse, matches: WatchState["matches"]) => {
    const limit = Number(url.searchParams.get("limit") ?? 0) || Number.POSITIVE_INFINITY;
    const [at = 0, from = 0] = (url.searchParams.get("continue") ?? "0:0").split(":").map(Number);
    if (at > 0 && from < compacted) return status(response, 410, "The provided continue parameter is too old");
    const all = [...pods.values()].filter(matches);
    const items = all.slice(at, at + limit);
    const more = at + items.length < all.length ? { continue: `${at + items.length}:${version}` } : {};
    response.end(JSON.stringify({ kind: "PodList", metadata: { resourceVersion: String(version), ...more }, items }));
  };
  const watch = (url: URL, response: ServerResponse, matches: WatchState["matches"]) => {
    const from = Number(url.searchParams.get("resourceVersion"));
    if (from < compacted && goneAs === "status") return status(response, 410, "too old resource version");
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < compacted) {
      response.end(`${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } })}\n`);
      return;
    }
    const state = { response, matches };
    for (const happening of history) if (happening.version > from) send(state, happening);
    watches.add(state);
    response.once("close", () => watches.delete(state));
  };

  const server = createServer((request, response) => void answer(request, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get watching() {
      return watches.size;
    },
    addPod: (name, phase = "Running") => {
      const metadata = { name, namespace: "default", resourceVersion: "", labels: {}, annotations: {} };
      const pod = { metadata, status: { phase } };
      pods.set(name, pod);
      happen("ADDED", pod, undefined);
    },
    setPhase: (name, phase) =>
      change(name, (pod) => {
        pod.status.phase = phase;
      }),
    annotate: (name, annotations, labels = {}) =>
      change(name, ({ metadata }) => {
        Object.assign(metadata.annotations, annotations);
        Object.assign(metadata.labels, labels);
      }),
    pod: (name) => pods.get(name),
    removePod: (name) => {
      const pod = pods.get(name);
      pods.delete(name);
      if (pod !== undefined) happen("DELETED", pod, structuredClone(pod));
    },
    demand: (next) => {
      token = next;
    },
    compact: (how) => {
      goneAs = how;
      version += 1;
      compacted = version;
      history.length = 0;
    },
    misbehave: (next) => {
      mischief = next;
    },
    frame: (text) => {
      for (const { response } of watches) response.write(text);
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

function merge(into: Labels, patch: Readonly<Record<string, string | null>>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete into[key];
    else into[key] = value;
  }
}

/** A prefix, and a name of at most 63 characters that begins and ends with a letter or digit. */
function isLabel(key: string): boolean {
  return /^micro\.mu\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key);
}
