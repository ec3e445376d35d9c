import { MicroError } from "../errors.ts";

/** The few facts of a pod that matter. */
export interface Pod {
  readonly name: string;
  readonly resourceVersion: string;
  readonly phase: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}
export interface PodList {
  readonly resourceVersion: string;
  readonly pods: readonly Pod[];
}
/** `open`: the watch stands; `gone`: what was asked for is too old, all must be read again (410). */
export interface PodEvent {
  readonly type: "open" | "changed" | "deleted" | "bookmark" | "gone";
  readonly pod: Pod;
}

/** For events that are about no pod. */
export const NO_POD: Pod = { name: "", resourceVersion: "", phase: "", annotations: {} };

/** A bound for one line of a watch; etcd stores at most 1.5 MB in one object. */
const MAX_LINE_BYTES = 8 << 20;

/** The lines of a watch, each an event. @throws MicroError `unavailable` when one has no end */
export async function* lines(body: AsyncIterable<Buffer>, where: string): AsyncGenerator<string, void> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]).toString();
      parts = [];
      size = 0;
      from = at + 1;
    }
    parts.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE_BYTES) throw new MicroError("unavailable", `${where} sent an endless line in a watch`);
  }
}

/** @throws MicroError `unavailable` */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MicroError("unavailable", `${where} answered something that is not JSON`, { cause });
  }
}

/** One page of a list; `next` is where the rest begins. @throws MicroError `unavailable` */
export function readPage(json: unknown, where: string): PodList & { readonly next: string } {
  const { metadata, items } = (json ?? {}) as {
    metadata?: { resourceVersion?: unknown; continue?: unknown };
    items?: unknown;
  };
  const resourceVersion = metadata?.resourceVersion;
  if (typeof resourceVersion !== "string" || (items !== null && !Array.isArray(items))) {
    throw new MicroError("unavailable", `${where} answered JSON that is no list of pods`);
  }
  const next = typeof metadata?.continue === "string" ? metadata.continue : "";
  return { resourceVersion, next, pods: ((items ?? []) as unknown[]).flatMap((item) => readPod(item) ?? []) };
}

/** `undefined` when it is none. */
export function readPod(json: unknown): Pod | undefined {
  const { metadata, status } = (json ?? {}) as {
    metadata?: { name?: unknown; resourceVersion?: unknown; annotations?: unknown };
    status?: { phase?: unknown };
  };
  if (typeof metadata?.name !== "string") return undefined;
  const { annotations } = metadata;
  return {
    name: metadata.name,
    resourceVersion: typeof metadata.resourceVersion === "string" ? metadata.resourceVersion : "",
    phase: typeof status?.phase === "string" ? status.phase : "",
    annotations: typeof annotations === "object" && annotations !== null ? (annotations as Pod["annotations"]) : {},
  };
}

/** `undefined` when it is nothing that matters. @throws MicroError `unavailable` when the watch failed */
export function readEvent(json: unknown, where: string): PodEvent | undefined {
  const { type, object } = (json ?? {}) as { type?: unknown; object?: { code?: unknown; metadata?: object } };
  if (type === "ERROR") {
    if (object?.code === 410) return { type: "gone", pod: NO_POD };
    const code = typeof object?.code === "number" ? object.code : "no code";
    throw new MicroError("unavailable", `the watch of ${where} failed with ${code}`);
  }
  if (type === "BOOKMARK") {
    const pod = readPod({ ...object, metadata: { name: "", ...object?.metadata } });
    return pod === undefined ? undefined : { type: "bookmark", pod };
  }
  const pod = readPod(object);
  if (pod === undefined) return undefined;
  if (type === "DELETED") return { type: "deleted", pod };
  return type === "ADDED" || type === "MODIFIED" ? { type: "changed", pod } : undefined;
}
