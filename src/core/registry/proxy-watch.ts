import { channel } from "node:diagnostics_channel";
import { type Agent, type MessageEvent, WebSocket } from "undici";
import type { Clock } from "../clock.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { readResult } from "../wire/record.ts";
import type { Feed } from "./feed.ts";
import type { Garbage } from "./garbage.ts";
import type { RegistryEvent } from "./registry.ts";
import { eachAtMost } from "./slices.ts";
import { changes, NO_VERSIONS, type Versions } from "./versions.ts";

export interface SocketParts {
  /** `http://host:port` */
  readonly origin: string;
  readonly where: string;
  readonly agent: Agent;
  readonly clock: Clock;
  readonly garbage: Garbage;
  readonly openMs: number;
  publish(event: RegistryEvent): void;
}

/** The sidecar pings every 54 s; one that said nothing for two of them is gone. */
const SILENCE_MS = 120_000;

/**
 * The websocket at `/registry`: each frame a result (`toolkit.md §5`, since February 2018).
 * @throws MicroError `unavailable` when it does not open
 */
export async function openSocketFeed(parts: SocketParts, signal: AbortSignal): Promise<Feed> {
  const { origin, where, agent, clock, garbage, openMs, publish } = parts;
  const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/registry`, { dispatcher: agent });
  let fail = (_: MicroError) => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // whoever follows is told
  const gone = (why: string) => fail(new MicroError("unavailable", `the watch of ${where} ${why}`));
  let heardAt = clock.now();
  const heard = () => {
    heardAt = clock.now();
  };
  const onPing = (message: unknown) => {
    if ((message as { websocket?: unknown }).websocket === socket) heard();
  };
  const pings = channel("undici:websocket:ping");

  socket.addEventListener("close", () => gone("was closed"));
  socket.addEventListener("error", () => gone("failed"));
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    heard();
    let event: RegistryEvent;
    try {
      event = readResult(JSON.parse(String(data)));
    } catch {
      garbage.met("the watch");
      return;
    }
    publish(event);
  });
  const opened = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve(), { once: true }));
  const late = new AbortController();
  const tooLate = clock.sleep(openMs, { signal: late.signal }).then(() => gone(`did not open within ${openMs} ms`));
  tooLate.catch(() => {}); // it opened in time
  const close = () => {
    pings.unsubscribe(onPing);
    socket.close();
  };
  try {
    await orAbort(Promise.race([opened, failed]), signal);
  } catch (error) {
    close();
    throw error;
  } finally {
    late.abort();
  }
  pings.subscribe(onPing);
  const notice = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(SILENCE_MS / 4, { signal });
      if (clock.now() - heardAt > SILENCE_MS) {
        throw new MicroError("unavailable", `${where} has been silent for ${SILENCE_MS / 1000} s`);
      }
    }
  };
  return {
    follow: async () => {
      try {
        return await orAbort(Promise.race([failed, notice()]), signal);
      } finally {
        close();
      }
    },
  };
}

export interface PollParts {
  readonly clock: Clock;
  list(signal: AbortSignal): Promise<readonly string[]>;
  /** No versions when the name is gone. */
  read(name: string, signal: AbortSignal): Promise<Versions>;
  publish(event: RegistryEvent): void;
}

/** How often all is read; never more than a third of the time. */
const POLL_MS = 5000;
const READERS = 8;

/** For a sidecar without a websocket: reads everything now and then, and tells the differences. */
export async function openPollFeed({ clock, list, read, publish }: PollParts, signal: AbortSignal): Promise<Feed> {
  const readAll = async (): Promise<Map<string, Versions>> => {
    const all = new Map<string, Versions>();
    await eachAtMost(READERS, await list(signal), async (name) => {
      const versions = await read(name, signal);
      if (versions.length > 0) all.set(name, versions);
    });
    return all;
  };
  let known = await readAll();
  return {
    current: () => new Map(known),
    follow: async () => {
      let tookMs = 0;
      for (;;) {
        await clock.sleep(Math.max(POLL_MS, 2 * tookMs), { signal });
        const began = performance.now();
        const now = await readAll();
        tookMs = performance.now() - began;
        for (const name of new Set([...known.keys(), ...now.keys()])) {
          for (const event of changes(known.get(name) ?? NO_VERSIONS, now.get(name) ?? NO_VERSIONS)) publish(event);
        }
        known = now;
      }
    },
  };
}
