import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AnyCommand } from "../../commands/command.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Broken, CommandSource, Offer } from "../plugins.ts";
import { createBundler } from "./bundle.ts";
import type { HouseModules } from "./evaluate.ts";
import { given, type Supplies } from "./give.ts";
import { isCommandFile, type Loaded, loadFile } from "./load.ts";
import type { Origins } from "./origins.ts";
import { createHints, stampOf } from "./stamps.ts";

export interface CommandFilesInit {
  /** The whole path of the folder. */
  readonly folder: string;
  /** What files get for these names instead of a copy of their own: `micro-chatops`, `zod`. */
  readonly modules: () => Promise<HouseModules>;
  readonly supplies: Supplies;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the files are looked at where the system does not tell of a change. @default 1000 */
  readonly everyMs?: number;
}

/** Commands of files, and where in the files they throw. */
export interface CommandFiles extends CommandSource {
  /** Puts the files' lines into the stack of what was thrown where nobody waits. */
  mend(thrown: unknown): void;
}

/** A file and what is in force of it. */
interface Held {
  readonly stamp: string;
  readonly commands: readonly AnyCommand[];
  readonly loaded: Loaded;
  /** Of the code that the commands in force come from. */
  readonly digest?: string | undefined;
  readonly origins?: Origins | undefined;
  /** What seemed wrong with it when it was read last: told once it is so again. */
  readonly doubt?: string;
}

/** More files are left alone, and said so. */
const MOST_FILES = 500;
/** What an editor does to a file in several steps is over by then. */
const SETTLED_MS = 15;
/** What is wrong for so long is no file that was half written. */
const DOUBT_MS = 100;

/**
 * Commands out of the files of one folder (`commands/restart.ts`), loaded anew when one is saved, or something that it imports
 * from files beside it. A file that does not load keeps the version before in force.
 *
 * The folder is looked at, and the system's hints only say when: that works for editors, renames, mounted volumes and
 * network disks alike.
 */
export function commandFiles(init: CommandFilesInit): CommandFiles {
  const { folder, clock, log, everyMs = 1000 } = init;
  const place = basename(folder);
  const files = new Map<string, Held>();
  const leaving = new AbortController();
  let hinted = () => {};
  let unseen = false;
  let unread: string | undefined;
  let done: Promise<void> | undefined;
  const hints = createHints(() => {
    unseen = true;
    hinted();
  });
  const bundler = createBundler();
  const called = (path: string) => `${place}/${basename(path)}`;

  const load = async (path: string, before: Held | undefined, modules: HouseModules): Promise<Held> => {
    const from = called(path);
    const looked = before?.loaded.inputs ?? [path];
    const early = await stampOf(looked);
    const loaded = await loadFile(path, bundler, modules);
    // It was being written while it was read, so it is read again; and so is what used to load and does not now.
    const settled = early === (await stampOf(looked));
    const stamp = settled ? await stampOf(loaded.inputs) : "";
    if (before !== undefined && loaded.why !== undefined && loaded.why !== before.loaded.why) {
      // Once: some say it in other words each time.
      if (!settled || before.doubt === undefined) return { ...before, stamp: "", doubt: loaded.why };
    }
    if (loaded.why === undefined) {
      const commands = loaded.commands.map((command) => given(command, from, init.supplies, log, loaded));
      if (before !== undefined) log.info({ from }, "loaded anew");
      return { stamp, commands, loaded, digest: loaded.digest, origins: loaded.origins };
    }
    const kept = before?.commands ?? [];
    if (loaded.why !== before?.loaded.why) log.error({ from, kept: kept.length > 0 }, loaded.why);
    return { stamp, commands: kept, loaded, digest: before?.digest, origins: before?.origins };
  };

  /** @returns whether something is different */
  const look = async (): Promise<boolean> => {
    const found = (await readdir(folder)).filter(isCommandFile).sort();
    if (found.length > MOST_FILES) log.warn({ folder }, `only the first ${MOST_FILES} files are loaded`);
    const paths = found.slice(0, MOST_FILES).map((name) => join(folder, name));
    let changed = false;
    for (const path of [...files.keys()]) {
      if (!paths.includes(path)) changed = files.delete(path);
    }
    const stale: string[] = [];
    await Promise.all(
      paths.map(async (path) => {
        const held = files.get(path);
        if (held === undefined || held.loaded.again || (await stampOf(held.loaded.inputs)) !== held.stamp)
          stale.push(path);
      }),
    );
    if (stale.length > 0) {
      const modules = await init.modules();
      await Promise.all(
        stale.sort().map(async (path) => {
          const before = files.get(path);
          const now = await load(path, before, modules);
          changed ||= now.commands !== before?.commands || now.loaded.why !== before.loaded.why;
          files.set(path, now);
        }),
      );
    }
    hints.of(
      new Set([folder, ...[...files.values()].flatMap(({ loaded }) => loaded.inputs.map((path) => dirname(path)))]),
    );
    return changed;
  };

  const tell = (offer: Offer) => {
    const all = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    offer({
      commands: all.flatMap(([path, { commands, digest }]) =>
        commands.map((command) => ({ command, from: called(path), ...(digest !== undefined && { digest }) })),
      ),
      broken: all.flatMap(([path, { commands, loaded }]): Broken[] =>
        loaded.why === undefined
          ? []
          : [
              {
                from: called(path),
                why: loaded.why,
                ...(commands.length > 0 && { kept: true }),
                ...(loaded.flaws && { flaws: loaded.flaws }),
              },
            ],
      ),
    });
  };

  /** Until the system tells of something, or it is time to look anyway. */
  const waitForHint = async (signal: AbortSignal) => {
    if (unseen || signal.aborted) return;
    const waiting = new AbortController();
    const over = () => waiting.abort();
    hinted = over;
    signal.addEventListener("abort", over, { once: true });
    const doubtful = [...files.values()].some(({ doubt }) => doubt !== undefined);
    await clock.sleep(doubtful ? Math.min(everyMs, DOUBT_MS) : everyMs, { signal: waiting.signal }).catch(() => {});
    signal.removeEventListener("abort", over);
  };

  const keepLooking = async (offer: Offer) => {
    const { signal } = leaving;
    for (;;) {
      await waitForHint(signal);
      if (signal.aborted) return;
      if (unseen) await clock.sleep(SETTLED_MS, { signal }).catch(() => {});
      unseen = false;
      try {
        if ((await look()) && !signal.aborted) tell(offer);
        unread = undefined;
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== unread)
          log.warn({ folder, reason }, "the folder of commands cannot be read; all stays as it is");
        unread = reason;
      }
    }
  };

  return {
    name: "files",
    mend: (thrown) => {
      for (const { origins } of files.values()) origins?.mend(thrown);
    },
    start: async (offer) => {
      try {
        await look();
      } catch (cause) {
        await bundler.close();
        const reason =
          (cause as NodeJS.ErrnoException).code === "ENOENT" ? "it is not there" : (cause as Error).message;
        throw new MicroError("invalid_argument", `the folder of commands ${folder} cannot be read: ${reason}`, {
          cause,
        });
      }
      tell(offer);
      done = keepLooking(offer);
    },
    stop: async () => {
      leaving.abort();
      await done;
      hints.close();
      await bundler.close();
    },
  };
}
