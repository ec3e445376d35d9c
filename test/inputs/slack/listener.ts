import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";

/** The next `count` messages of a link that nobody has told of before; asking for them acknowledges those before. */
export function listener(link: InputConnection): (count?: number) => Promise<IncomingMessage[]> {
  const iterator = link[Symbol.asyncIterator]();
  const known = new Set<string>();
  return async (count = 1) => {
    const found: IncomingMessage[] = [];
    while (found.length < count) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the link ended");
      if (!known.has(value.id)) found.push(value);
      known.add(value.id);
    }
    return found;
  };
}
