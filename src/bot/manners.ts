import { MicroError } from "../core/errors.ts";
import type { Choice } from "../inputs/input.ts";

/** How something is said, beside its words. */
export interface Manners {
  /** Only who asked needs to see it. */
  readonly whisper?: boolean;
  /** What may be picked next. */
  readonly choices?: readonly Choice[];
  /** In a thread of the message that asked, where there are threads. */
  readonly aside?: boolean;
  /** Not at all: who is refused has been told that they are not listened to. */
  readonly silent?: boolean;
  /** A secret that this is there to tell; every other one is crossed out. */
  readonly reveal?: string;
}

/** Kept beside the errors and not in their `details`: those may come from a service, which must not make buttons here. */
const kept = new WeakMap<MicroError, Manners>();

/** The same error, to be said so. A copy, since an error may be thrown to several people. */
export function mannered(error: MicroError, manners: Manners): MicroError {
  const copy = new MicroError(error.code, error.message, { cause: error.cause, details: error.details });
  kept.set(copy, { ...kept.get(error), ...manners });
  return copy;
}

/** A refusal concerns nobody but who was refused. */
export function mannersOf(error: MicroError): Manners {
  return { whisper: error.code === "permission_denied", ...kept.get(error) };
}
