import { MicroError } from "../errors.ts";
import type { Broker } from "./broker.ts";

/** Where there is none: whoever wants to publish or subscribe is told so. */
export const noBroker: Broker = {
  kind: "none",
  where: "nowhere",
  start: async () => {},
  stop: async () => {},
  publish: async () => nothingThere(),
  subscribe: async () => nothingThere(),
};

function nothingThere(): never {
  throw new MicroError("unimplemented", "this bot has no broker: who made it gave it none");
}
