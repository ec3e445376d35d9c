/** Bytes to values and back; stateless. @throws MicroError `invalid_argument` both ways */
export interface Codec {
  /** Matched exactly, without parameters (`wire.md §4.1`). */
  readonly contentType: string;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
