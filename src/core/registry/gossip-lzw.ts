import { malformed } from "./gossip-msgpack.ts";

// LZW as memberlist has it: codes of 9 to 12 bits, the lowest bit first, 8-bit literals (`wire.md §2.6`).
const CLEAR = 256;
const END = 257;
const MIN_WIDTH = 9;
const MAX_WIDTH = 12;
const MAX_CODE = (1 << MAX_WIDTH) - 1;
const NONE = -1;

export function compressLzw(input: Uint8Array): Buffer {
  const output: number[] = [];
  let bits = 0;
  let filled = 0;
  let width = MIN_WIDTH;
  let highest = END;
  const table = new Map<number, number>();
  const write = (code: number) => {
    bits |= code << filled;
    filled += width;
    while (filled >= 8) {
      output.push(bits & 0xff);
      bits >>>= 8;
      filled -= 8;
    }
  };
  /** Counts a code; `false` when all were used and the table begins anew. */
  const grow = (): boolean => {
    highest += 1;
    if (highest === 1 << width) width += 1;
    if (highest < MAX_CODE) return true;
    write(CLEAR);
    width = MIN_WIDTH;
    highest = END;
    table.clear();
    return false;
  };

  write(CLEAR);
  let code = NONE;
  for (const byte of input) {
    if (code === NONE) {
      code = byte;
      continue;
    }
    const key = (code << 8) | byte;
    const known = table.get(key);
    if (known !== undefined) {
      code = known;
      continue;
    }
    write(code);
    code = byte;
    if (grow()) table.set(key, highest);
  }
  if (code !== NONE) {
    write(code);
    grow();
  }
  write(END);
  if (filled > 0) output.push(bits & 0xff);
  return Buffer.from(output);
}

/** @param maxBytes of the result @throws MicroError `invalid_argument` (damaged, or it would become more) */
export function decompressLzw(input: Uint8Array, maxBytes: number): Buffer {
  let output = Buffer.alloc(Math.min(maxBytes, input.length * 4 + 64));
  let size = 0;
  const prefix = new Uint16Array(MAX_CODE + 1);
  const suffix = new Uint8Array(MAX_CODE + 1);
  const stack = new Uint8Array(MAX_CODE + 2);
  let bits = 0;
  let filled = 0;
  let width = MIN_WIDTH;
  let highest = END;
  let last = NONE;
  let at = 0;

  for (;;) {
    while (filled < width) {
      const byte = input[at++];
      if (byte === undefined) throw malformed("compressed data is cut short");
      bits |= byte << filled;
      filled += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    filled -= width;
    if (code === END) return output.subarray(0, size);
    if (code === CLEAR) {
      width = MIN_WIDTH;
      highest = END;
      last = NONE;
      continue;
    }
    if (code > highest || (code === highest && last === NONE)) throw malformed("compressed data is damaged");
    // A code that is only just being made stands for what came last and that one's first byte.
    let depth = 0;
    let walk = code;
    if (code === highest) {
      depth = 1; // its place is filled when the first byte is known
      walk = last;
    }
    while (walk >= CLEAR) {
      stack[depth++] = suffix[walk] ?? 0;
      walk = prefix[walk] ?? 0;
    }
    stack[depth++] = walk;
    if (code === highest) stack[0] = walk;
    if (size + depth > maxBytes) throw malformed(`it becomes more than ${maxBytes} bytes when decompressed`);
    if (size + depth > output.length) {
      const grown = Buffer.alloc(Math.min(maxBytes, Math.max(output.length * 2, size + depth)));
      output.copy(grown, 0, 0, size);
      output = grown;
    }
    while (depth > 0) output[size++] = stack[--depth] ?? 0;
    if (last !== NONE) {
      suffix[highest] = walk;
      prefix[highest] = last;
    }
    last = code;
    highest += 1;
    if (highest < 1 << width) continue;
    if (width < MAX_WIDTH) width += 1;
    else {
      last = NONE;
      highest -= 1;
    }
  }
}
