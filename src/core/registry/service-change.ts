import type { CallOptions } from "../lifecycle.ts";

/** Something that changed about a service, as the registry told it or somebody announced it. */
export interface ServiceChange {
  /** Epoch ms, by our clock: when it was seen. */
  readonly at: number;
  readonly service: string;
  /**
   * `came`, `went`: a node; `version`: it has a version that it had not, or lost one; `metadata`: a node's or the service's;
   * `event`: somebody announced it (a deploy).
   */
  readonly kind: "came" | "went" | "version" | "metadata" | "event";
  readonly version?: string;
  readonly node?: string;
  /** For people, one line: `node greeter-2 went (was 1.4.0 at 10.0.0.5:8080)`. */
  readonly words: string;
}

/** What changed about services, for as long as it is remembered. */
export interface ServiceChanges {
  /**
   * Newest first.
   * @param query `since`: epoch ms; `limit`: 1 to 1000
   * @throws MicroError `unavailable` when it cannot be read
   */
  lately(
    query: { readonly service?: string; readonly since: number; readonly limit: number },
    options?: CallOptions,
  ): Promise<readonly ServiceChange[]>;
}
