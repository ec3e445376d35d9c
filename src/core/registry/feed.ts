import { sharedAbort } from "../abort.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { Registry, RegistryEvent, Watcher } from "./registry.ts";
import type { Versions } from "./versions.ts";
import { createWatchers } from "./watchers.ts";

/** News from a backend, until it fails. */
export interface Feed {
  /** What is there now, when it had to be read anyway. */
  current?(): ReadonlyMap<string, Versions>;
  /** Runs until the signal aborts or the backend is lost; rejects in both cases, when everything it opened is closed. */
  follow(): Promise<never>;
}

/** The watches of a registry: one feed for all of them, from the first to the last. */
export interface FeedWatches {
  /** As `Registry.watch`. */
  readonly watch: Registry["watch"];
  /** Ends all watches with the reason; resolves when the feed is closed. A later watch opens another. */
  stop(reason: MicroError): Promise<void>;
}

/** Opening a watch may mean to read everything. */
const OPEN_TIMEOUT_MS = 60_000;

/** @param open gives up, and closes what it opened, when the signal aborts */
export function createFeedWatches(
  where: string,
  open: (publish: (event: RegistryEvent) => void, signal: AbortSignal) => Promise<Feed>,
): FeedWatches {
  const watchers = createWatchers(where, () => close(new MicroError("cancelled", `the watch of ${where} was closed`)));
  let feed: { readonly abort: AbortController; readonly opened: Promise<Feed> } | undefined;
  /** Feeds that have not ended yet, those that are being closed included. */
  const ending = new Set<Promise<void>>();

  const opened = (): Promise<Feed> => {
    if (feed !== undefined) return feed.opened;
    const abort = sharedAbort();
    const opening = open(watchers.publish, abort.signal);
    feed = { abort, opened: opening };
    const lost = (error: unknown) => {
      abort.abort(MicroError.from(error, "unavailable"));
      if (feed?.abort !== abort) return;
      feed = undefined;
      watchers.end(asUnavailable(error, where));
    };
    const ended: Promise<void> = opening
      .then((one) => one.follow())
      .catch(lost)
      .finally(() => ending.delete(ended));
    ending.add(ended);
    return opening;
  };
  const close = (reason: MicroError) => {
    feed?.abort.abort(reason);
    feed = undefined;
  };
  return {
    watch: async (options = {}): Promise<Watcher> => {
      using limit = deadline(options, OPEN_TIMEOUT_MS, where);
      limit.check();
      // Added first, so that the feed is not closed for want of a reader and nothing is missed.
      const watcher = watchers.add(options);
      try {
        const { current } = await orAbort(opened(), limit.signal);
        return { ...watcher, initial: current?.() };
      } catch (error) {
        await watcher.close();
        throw MicroError.from(error, "unavailable");
      }
    },
    stop: async (reason) => {
      close(reason);
      await Promise.all(ending);
      watchers.end(reason);
    },
  };
}

function asUnavailable(error: unknown, where: string): MicroError {
  const known = MicroError.from(error, "unavailable");
  if (known.code === "unavailable") return known;
  return new MicroError("unavailable", `the watch of ${where} ended: ${known.message}`, { cause: error });
}
