import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { createBacklog } from "./backlog.ts";
import type { Connection, Frame } from "./transport.ts";

/**
 * A connection over a network that knows none: frames that bear the same name belong together (a reply subject, a
 * correlation id). Nobody is told when the other side is gone, so one that is silent for too long ends.
 */
export interface Lane {
  readonly connection: Connection;
  /** Nothing has come for as long as a silent one may last, though something was sent. */
  readonly unheard: boolean;
  take(frame: Frame): void;
  /** The other side was found to be there. */
  heard(): void;
  /** Of itself, or for the given reason. What has come is still read. */
  end(error?: MicroError): void;
}

export interface LaneInit {
  readonly remote: string;
  /** @throws MicroError */
  send(frame: Frame, lane: Lane): Promise<void>;
  /** What `close` waits for. */
  onEnd?(): Promise<void> | void;
}

/** Lanes by name. */
export interface Lanes {
  get(name: string): Lane | undefined;
  /** Where there are too many, the one that was not used for longest makes room. */
  open(name: string, init: LaneInit): Lane;
  endAll(error?: MicroError): void;
}

export interface LanesInit {
  /** How long a lane may be silent in both directions; a quarter more may pass. @default 60000, as in Go */
  readonly idleMs?: number;
  /** How many there may be. @default 10000 */
  readonly max?: number;
}

/** Silence is counted in ticks, so that no frame has to ask for the time. */
const TICKS = 4;

export function createLanes({ idleMs = 60_000, max = 10_000 }: LanesInit = {}): Lanes {
  const lanes = new Map<string, CountedLane>();
  let timer: NodeJS.Timeout | undefined;

  const tick = () => {
    for (const lane of [...lanes.values()]) {
      lane.silent++;
      lane.unheardFor++;
      if (lane.silent > TICKS) lane.end(silence(lane.connection.remote, idleMs));
    }
  };
  const makeRoom = () => {
    for (const [name, lane] of lanes) {
      if (lane.fresh) {
        // Used since it was looked at: it goes to the end of the row, where it is met again.
        lane.fresh = false;
        lanes.delete(name);
        lanes.set(name, lane);
        continue;
      }
      lane.end(new MicroError("exhausted", `${lane.connection.remote}: there are more than ${max} connections`));
      return;
    }
  };

  return {
    get: (name) => lanes.get(name),
    open: (name, init) => {
      if (lanes.size >= max) makeRoom();
      const lane = createLane(init, () => {
        lanes.delete(name);
        if (lanes.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
      lanes.set(name, lane);
      timer ??= setInterval(tick, Math.max(1, idleMs / TICKS)).unref();
      return lane;
    },
    endAll: (error) => {
      for (const lane of [...lanes.values()]) lane.end(error);
    },
  };
}

interface CountedLane extends Lane {
  silent: number;
  unheardFor: number;
  /** Used since somebody last looked. */
  fresh: boolean;
}

function createLane(init: LaneInit, onEnd: () => void): CountedLane {
  const { remote } = init;
  const backlog = createBacklog();
  const iterate = backlog[Symbol.asyncIterator];
  let over: { readonly error: MicroError | undefined } | undefined;
  let leaving: Promise<void> | void;

  const closing = closable(() => {
    lane.end();
    return leaving;
  });
  const lane: CountedLane = {
    silent: 0,
    unheardFor: 0,
    fresh: true,
    get unheard() {
      return lane.unheardFor > TICKS;
    },
    take: (frame) => {
      lane.silent = 0;
      lane.unheardFor = 0;
      lane.fresh = true;
      try {
        if (backlog.take(frame)) return;
        lane.end(new MicroError("exhausted", `${remote} sends faster than it is read here`));
      } catch (error) {
        lane.end(MicroError.from(error));
      }
    },
    heard: () => {
      lane.unheardFor = 0;
    },
    end: (error) => {
      if (over) return;
      over = { error };
      onEnd();
      leaving = init.onEnd?.();
      backlog.end(error);
    },
    connection: {
      remote,
      receive: backlog.receive,
      send: (frame) => {
        if (over) {
          const { error } = over;
          return Promise.reject(error ?? new MicroError("unavailable", `the connection to ${remote} is closed`));
        }
        lane.silent = 0;
        lane.fresh = true;
        return init.send(frame, lane);
      },
      [Symbol.asyncIterator]: () => {
        const frames = iterate();
        return {
          next: frames.next,
          return: async () => {
            await closing.close();
            return { done: true, value: undefined };
          },
        } as AsyncIterator<Frame>;
      },
      ...closing,
    },
  };
  return lane;
}

function silence(remote: string, idleMs: number): MicroError {
  return new MicroError("unavailable", `${remote}: deadline exceeded: nothing was heard for ${idleMs} ms`);
}
