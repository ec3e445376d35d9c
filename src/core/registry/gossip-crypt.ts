import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { MicroError } from "../errors.ts";
import { malformed } from "./gossip-msgpack.ts";

const VERSION_SIZE = 1;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
/** No padding; version 0, of memberlist's first protocol, pads to whole blocks. */
const VERSION = 1;

/** AES-GCM as memberlist has it: version, nonce, what is hidden, tag (`wire.md §2.6`). */
export interface GossipCipher {
  /** @param header what goes before it in the clear and is vouched for: type and length on TCP, nothing on UDP */
  seal(plain: Uint8Array, header?: Uint8Array): Buffer;
  /** @throws MicroError `permission_denied` (another key, or none was used) */
  open(sealed: Uint8Array, header?: Uint8Array): Buffer;
}

/** How many bytes `seal` adds. */
const SEAL_OVERHEAD = VERSION_SIZE + NONCE_SIZE + TAG_SIZE;

/** @throws MicroError `invalid_argument` (a key has 16, 24 or 32 bytes) */
export function createGossipCipher(secretKey: string | Uint8Array): GossipCipher {
  const key = Buffer.from(secretKey as Uint8Array);
  const algorithm = ALGORITHMS.get(key.length);
  if (algorithm === undefined) {
    throw new MicroError("invalid_argument", `a gossip key has 16, 24 or 32 bytes; this one has ${key.length}`);
  }
  return {
    seal: (plain, header = NOTHING) => {
      const nonce = randomBytes(NONCE_SIZE);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(header);
      return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed, header = NOTHING) => {
      const version = sealed[0] ?? 0xff;
      if (version > VERSION || sealed.length < SEAL_OVERHEAD) throw locked();
      const nonce = sealed.subarray(VERSION_SIZE, VERSION_SIZE + NONCE_SIZE);
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: TAG_SIZE }).setAAD(header);
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_SIZE));
      let plain: Buffer;
      try {
        const hidden = sealed.subarray(VERSION_SIZE + NONCE_SIZE, sealed.length - TAG_SIZE);
        plain = Buffer.concat([decipher.update(hidden), decipher.final()]);
      } catch {
        throw locked();
      }
      if (version === VERSION) return plain;
      const padding = plain.at(-1) ?? 0;
      if (padding === 0 || padding > 16 || padding > plain.length) throw malformed("its padding is damaged");
      return plain.subarray(0, plain.length - padding);
    },
  };
}

const ALGORITHMS = new Map([
  [16, "aes-128-gcm" as const],
  [24, "aes-192-gcm" as const],
  [32, "aes-256-gcm" as const],
]);
const NOTHING = Buffer.alloc(0);

function locked(): MicroError {
  return new MicroError("permission_denied", "a gossip message was not encrypted with this secret key");
}
