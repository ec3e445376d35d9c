import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { Agent, type Dispatcher } from "undici";
import type { Clock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import {
  lines,
  NO_POD,
  type Pod,
  type PodEvent,
  type PodList,
  parseJson,
  readEvent,
  readPage,
  readPod,
} from "./kubernetes-pods.ts";

export interface KubernetesHttpInit {
  /** `host:port` or `https://…`; `http://…` for a proxy on this machine. The first that can be reached is used. */
  readonly addresses: readonly string[];
  /** Bearer token; never shown. Without it, `tokenFile`, which is read again as it rotates. */
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  /** Certificate authority as PEM. Without it, the service account's, else the machine's. */
  readonly ca: string | undefined;
  readonly namespace: string | undefined;
  /** Folder of the pod's service account: `token`, `ca.crt`, `namespace`. */
  readonly account: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The four calls of Kubernetes' API that are needed, with a deadline and cancellation each. */
export interface KubernetesHttp {
  /** For people; has no token in it. */
  readonly where: string;
  /** Reads the service account, so that what is missing is said at once. @throws MicroError `invalid_argument` */
  load(): Promise<void>;
  /** @throws MicroError `not_found` when there is no such pod */
  pod(name: string, options?: CallOptions): Promise<Pod>;
  /** A strategic merge patch. */
  patch(name: string, body: unknown, options?: CallOptions): Promise<void>;
  /** All pods with the label. */
  list(label: string, options?: CallOptions): Promise<PodList>;
  /** What happens to pods with the label from `resourceVersion` on, for at most `WATCH_SECONDS`. */
  watch(label: string, resourceVersion: string, signal: AbortSignal): AsyncIterable<PodEvent>;
  /** Closes all connections; a later call opens new ones and reads the service account again. */
  close(): Promise<void>;
}

/** A watch is asked for anew so often: that is also how a silent server is noticed. */
export const WATCH_SECONDS = 60;
/** How often a token file is looked at; a service account's token is good for an hour, and renewed long before. */
const TOKEN_AGE_MS = 60_000;
/** Pods in one answer. */
const PAGE = 500;
/** A bound for one answer. */
const MAX_ANSWER_BYTES = 64 << 20;

export function createKubernetesHttp(init: KubernetesHttpInit): KubernetesHttp {
  const { timeoutMs, clock } = init;
  const origins = init.addresses.map(parseOrigin);
  const where = `kubernetes at ${origins.map((origin) => origin.replace(/^https?:\/\//, "")).join(", ")}`;
  let current = 0;
  let loaded: Promise<{ readonly agent: Agent; readonly pods: string }> | undefined;
  let token: { readonly value: string | undefined; readonly readAt: number } | undefined;

  const load = async () => {
    const ca = init.ca ?? (await readOptional(join(init.account, "ca.crt")));
    const namespace = init.namespace ?? (await readOptional(join(init.account, "namespace")))?.trim() ?? "default";
    await readToken(true);
    const agent = new Agent({
      connections: 8,
      maxResponseSize: -1, // watches have no end; answers are counted as they come
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ...(ca !== undefined && { ca }), timeout: timeoutMs },
    });
    return { agent, pods: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods` };
  };
  const ready = () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  const readToken = async (again = false): Promise<string | undefined> => {
    if (init.token !== undefined) return init.token;
    if (!again && token !== undefined && clock.now() - token.readAt < TOKEN_AGE_MS) return token.value;
    let value: string | undefined;
    if (init.tokenFile === undefined) value = await readOptional(join(init.account, "token"));
    else {
      value = await readFile(init.tokenFile, "utf8").catch((cause: NodeJS.ErrnoException) => {
        const why = `the token for ${where} cannot be read from ${init.tokenFile} (${cause.code})`;
        throw new MicroError("invalid_argument", why, { cause });
      });
    }
    token = { value: value?.trim(), readAt: clock.now() };
    return token.value;
  };

  /** One question to the first address that can be reached, once more with a fresh token when that was refused. */
  const ask = async (
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> => {
    const { agent, pods } = await ready();
    let failure: unknown;
    let refused = false;
    for (let tries = 0; tries < origins.length; ) {
      const origin = origins[current % origins.length] as string;
      const bearer = mayTravel(origin) ? await readToken(refused) : undefined;
      try {
        const answer = await agent.request({
          origin,
          path: pods + path,
          method,
          signal,
          headers: {
            accept: "application/json",
            ...(bearer !== undefined && bearer !== "" && { authorization: `Bearer ${bearer}` }),
            ...(body !== undefined && { "content-type": "application/strategic-merge-patch+json" }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        if (answer.statusCode !== 401 || refused || init.token !== undefined) return answer;
        refused = true; // it may have rotated just now
        await answer.body.dump();
      } catch (error) {
        failure = error;
        if (signal.aborted) break;
        current += 1;
        tries += 1;
      }
    }
    if (signal.aborted) throw MicroError.from(signal.reason);
    const code = (failure as { code?: string } | undefined)?.code ?? String(failure);
    throw new MicroError("unavailable", `${where} cannot be reached (${code})`, { cause: failure });
  };
  const call = async (
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    options: CallOptions = {},
  ): Promise<unknown> => {
    using limit = deadline(options, timeoutMs, where);
    limit.check();
    try {
      const answer = await ask(method, path, body, limit.signal);
      const text = await readText(answer, where);
      if (answer.statusCode < 200 || answer.statusCode > 299) throw refusal(answer.statusCode, text, where);
      return parseJson(text, where);
    } catch (error) {
      if (!limit.signal.aborted) throw MicroError.from(error, "unavailable");
      const reason = MicroError.from(options.signal?.aborted ? options.signal.reason : limit.signal.reason);
      if (reason.code === "timeout") current += 1; // a silent one is not asked first the next time
      throw reason;
    }
  };
  const one = async (method: "GET" | "PATCH", name: string, body: unknown, options?: CallOptions): Promise<Pod> => {
    const pod = readPod(await call(method, `/${encodeURIComponent(name)}`, body, options));
    if (pod === undefined) throw new MicroError("unavailable", `${where} answered something that is no pod`);
    return pod;
  };
  const page = async (label: string, next: string, options: CallOptions) => {
    const query = new URLSearchParams({ labelSelector: label, limit: String(PAGE), ...(next && { continue: next }) });
    return readPage(await call("GET", `?${query}`, undefined, options), where);
  };

  return {
    where,
    load: async () => void (await ready()),
    pod: (name, options) => one("GET", name, undefined, options),
    patch: async (name, body, options) => void (await one("PATCH", name, body, options)),
    list: async (label, options = {}) => {
      let pods: Pod[] = [];
      let next = "";
      for (let restarts = 0; ; ) {
        try {
          const part = await page(label, next, options);
          pods.push(...part.pods);
          next = part.next;
          if (next === "") return { resourceVersion: part.resourceVersion, pods };
        } catch (error) {
          // Reading took so long that the server forgot where it was.
          const expired = next !== "" && restarts < 3 && (error as MicroError).details?.["status"] === 410;
          if (!expired) throw error;
          restarts += 1;
          next = "";
          pods = [];
        }
      }
    },
    watch: async function* (label, resourceVersion, signal) {
      const query = new URLSearchParams({
        labelSelector: label,
        watch: "true",
        allowWatchBookmarks: "true",
        timeoutSeconds: String(WATCH_SECONDS),
        resourceVersion,
      });
      const answer = await ask("GET", `?${query}`, undefined, signal);
      if (answer.statusCode !== 200) {
        const text = await readText(answer, where);
        if (answer.statusCode === 410) yield { type: "gone", pod: NO_POD };
        else throw refusal(answer.statusCode, text, where);
        return;
      }
      yield { type: "open", pod: NO_POD };
      for await (const line of lines(answer.body, where)) {
        const event = readEvent(parseJson(line, where), where);
        if (event !== undefined) yield event;
      }
    },
    close: async () => {
      const open = loaded;
      loaded = undefined;
      token = undefined;
      await open?.then(({ agent }) => agent.destroy()).catch(() => {});
    },
  };
}

async function readText({ body }: Dispatcher.ResponseData, where: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new MicroError("unavailable", `${where} answered more than 64 MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What went wrong, for people; Kubernetes says it in a `Status`. */
function refusal(status: number, text: string, where: string): MicroError {
  let said = text;
  try {
    said = String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    // as it is
  }
  said = said.replace(/\s+/g, " ").trim().slice(0, 300);
  const details = { status };
  if (status === 401) {
    return new MicroError("unauthenticated", `${where} does not know this token; look at the service account`, {
      details,
    });
  }
  if (status === 403) {
    const rights = "the service account needs get, list, watch and patch on pods";
    return new MicroError("permission_denied", `${where} refused (${said}); ${rights}`, { details });
  }
  if (status === 404) return new MicroError("not_found", `${where}: ${said}`, { details });
  if (status === 400 || status === 422) {
    return new MicroError("invalid_argument", `${where} did not accept it: ${said}`, { details });
  }
  if (status === 429) return new MicroError("exhausted", `${where} asks to be asked less often`, { details });
  return new MicroError("unavailable", `${where} answered ${status}: ${said}`, { details });
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/** A token goes out encrypted, or not beyond this machine. */
function mayTravel(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === "https:" || /^(localhost|127\..+|\[::1\])$/.test(hostname);
}

/** @throws MicroError `invalid_argument` */
function parseOrigin(text: string): string {
  const bare = isIPv6(text) ? `[${text}]` : text;
  const spelled = /^https?:\/\//.test(bare) ? bare : `https://${bare}`;
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
  if (url === undefined || url.hostname === "" || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw new MicroError("invalid_argument", `"${text}" is no address of a Kubernetes API; write https://host:port`);
  }
  return url.origin;
}
