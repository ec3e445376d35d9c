import { MicroError } from "../errors.ts";

/** Lists within lists; a decoder keeps something for each. */
const MAX_DEPTH = 200;

/**
 * Whether everything that MessagePack bytes promise is there. A list that says it has a million members makes a decoder set
 * room aside for them before it finds that there are none, so this is asked first: every member takes a byte at least.
 * @throws MicroError `invalid_argument`
 */
export function checkMsgpack(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const wrong = (): never => {
    throw new MicroError("invalid_argument", "not MessagePack: it says that it is longer than it is");
  };
  /** How many values are still to come, of each list that is open. */
  const open: number[] = [1];
  const number = (size: number): number => {
    if (at + size > bytes.length) wrong();
    const value = size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
    at += size;
    return value;
  };
  const skip = (size: number) => {
    at += size;
    if (at > bytes.length) wrong();
  };
  const enter = (members: number) => {
    if (members > bytes.length - at) wrong();
    if (members > 0) open.push(members);
    if (open.length > MAX_DEPTH) throw new MicroError("invalid_argument", "not MessagePack: it is nested too deeply");
  };
  for (;;) {
    while (open.length > 0 && open.at(-1) === 0) open.pop();
    if (open.length === 0) return;
    open[open.length - 1] = (open.at(-1) as number) - 1;
    const tag = number(1);
    if (tag < 0x80 || tag >= 0xe0) continue;
    if (tag < 0x90) enter((tag & 0x0f) * 2);
    else if (tag < 0xa0) enter(tag & 0x0f);
    else if (tag < 0xc0) skip(tag & 0x1f);
    else if (tag < 0xc4) continue;
    else if (tag < 0xc7) skip(number(2 ** (tag - 0xc4)));
    else if (tag < 0xca) skip(number(2 ** (tag - 0xc7)) + 1);
    else if (tag < 0xcc) skip(tag === 0xca ? 4 : 8);
    else if (tag < 0xd0) skip(2 ** (tag - 0xcc));
    else if (tag < 0xd4) skip(2 ** (tag - 0xd0));
    else if (tag < 0xd9) skip(2 ** (tag - 0xd4) + 1);
    else if (tag < 0xdc) skip(number(2 ** (tag - 0xd9)));
    else if (tag < 0xde) enter(number(tag === 0xdc ? 2 : 4));
    else enter(number(tag === 0xde ? 2 : 4) * 2);
  }
}
