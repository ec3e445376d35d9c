/** Adds a piece to what has been read so far, and gives back both as one. */
export type Joiner = (bytes: Buffer, piece: Uint8Array) => Buffer;

/**
 * Joins with room to spare, so that each byte is copied twice at most. To join everything anew for every piece would take a
 * time that grows with the square of their number, which a stranger chooses. What it gave before stays as it was.
 */
export function createJoiner(): Joiner {
  /** What is free behind the bytes that were given back last, in memory that is ours alone. */
  let free: Buffer = Buffer.alloc(0);
  return (bytes, piece) => {
    const follows = free.buffer === bytes.buffer && free.byteOffset === bytes.byteOffset + bytes.length;
    const length = bytes.length + piece.length;
    if (follows && free.length >= piece.length) {
      free.set(piece);
      free = free.subarray(piece.length);
      return Buffer.from(bytes.buffer, bytes.byteOffset, length);
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(length * 2, 256));
    larger.set(bytes);
    larger.set(piece, bytes.length);
    free = larger.subarray(length);
    return larger.subarray(0, length);
  };
}
