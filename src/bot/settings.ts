import type { ConfirmSettings } from "./layers/confirm.ts";
import type { OrderInit } from "./layers/order.ts";
import type { LimitInit } from "./limits/limits.ts";

/** How a bot behaves, where it is to be otherwise than usual. */
export interface Settings {
  readonly order?: OrderInit;
  readonly limit?: LimitInit | "none";
  /** How many bytes one command may say in all: what it shows while it runs, and its answer. @default 1000000 */
  readonly outputBytes?: number;
  /** How writes are confirmed and approved. */
  readonly confirm?: ConfirmSettings;
  /** The room, on one of `inputs` (`Input.placeIn`), that is told when somebody goes without approvers. */
  readonly announce?: { readonly input: string; readonly room: string };
  /** How long one command may take. @default 30000 */
  readonly commandMs?: number;
  /** An older message is not carried out. @default 60000 */
  readonly maxAgeMs?: number;
  /** How long `stop()` lets running commands finish. @default 10000 */
  readonly drainMs?: number;
}
