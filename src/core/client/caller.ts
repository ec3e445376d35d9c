import type { ClientAttempt, ClientStream } from "./client.ts";
import type { Limit } from "./limit.ts";

/** One way of speaking to a node: go-micro's own RPC, or gRPC (`wire.md §12.2`). Stateless but for its connections. */
export interface Caller {
  /**
   * @throws MicroError what the service answered (its record in `details.record`), the limit's reason, or `unavailable` with
   * `NOT_BEGUN` in its details
   */
  call(attempt: ClientAttempt, limit: Limit): Promise<unknown>;
  /** The limit is for opening; the stream obeys `attempt.options.signal` itself. @throws MicroError as `call` */
  open(attempt: ClientAttempt, limit: Limit): Promise<ClientStream>;
  /** Ends everything that is open. */
  close(): Promise<void>;
}
