import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { MicroError } from "../../core/errors.ts";
import type { Layer } from "../context.ts";
import { mannered } from "../manners.ts";
import { whose } from "../people.ts";

/** A person may say so many things in so many seconds. */
export interface LimitInit {
  /** @default 30 */
  readonly points?: number;
  /** @default 10 */
  readonly seconds?: number;
}

export function limit({ points = 30, seconds = 10 }: LimitInit = {}): Layer {
  const limiter = new RateLimiterMemory({ points, duration: seconds });
  return async (context, next) => {
    try {
      await limiter.consume(whose(context));
    } catch (refused) {
      const wait = Math.ceil((refused as RateLimiterRes).msBeforeNext / 1000);
      const words = `that is more than ${points} commands in ${seconds} s; go on in ${wait} s`;
      throw mannered(new MicroError("exhausted", words), { whisper: true });
    }
    return next(context);
  };
}
