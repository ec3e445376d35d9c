import type { MicroError } from "../../core/errors.ts";

/** Errors that were ordered for the next calls. */
export function failures(): { plan(error: MicroError, times?: number): void; next(): void } {
  const planned: MicroError[] = [];
  return {
    plan: (error, times = 1) => {
      for (let i = 0; i < times; i += 1) planned.push(error);
    },
    next: () => {
      const error = planned.shift();
      if (error !== undefined) throw error;
    },
  };
}
