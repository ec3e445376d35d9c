import { setMaxListeners } from "node:events";

/** An `AbortController` that any number of waits may share; beyond ten listeners Node warns of a leak otherwise. */
export function sharedAbort(): AbortController {
  const abort = new AbortController();
  setMaxListeners(100_000, abort.signal);
  return abort;
}
