import type { MicroError } from "../../src/core/errors.ts";
import type { Server } from "../../src/core/server/server.ts";

/** Adds the soak's handlers. @returns how many of them run now */
export function serve(server: Server, error: typeof MicroError): () => number;
