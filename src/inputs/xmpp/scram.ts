import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** One authentication with SCRAM (RFC 5802), from the client's side; nothing is trusted until `verify` has said yes. */
export interface Scram {
  /** client-first-message */
  readonly first: string;
  /** client-final-message. @throws Error when the server does not answer our nonce or asks for endless work */
  answer(serverFirst: string): Promise<string>;
  /** Whether server-final-message proves that the server knows the password, too. */
  verify(serverFinal: string): boolean;
}

type Hash = "sha1" | "sha256" | "sha512";

/** Rounds: fewer are no protection (RFC 7677 says 4096 at least), more only keep us busy. */
const ROUNDS = { min: 4096, max: 10_000_000 };

const derive = promisify(pbkdf2);

/** @param nonce for tests */
export function scram(
  hash: Hash,
  { username, password }: { readonly username: string; readonly password: string },
  nonce = randomBytes(24).toString("base64"),
): Scram {
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
  const firstBare = `n=${username.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    first: `n,,${firstBare}`,
    answer: async (serverFirst) => {
      const said = attributes(serverFirst);
      const both = said.get("r") ?? "";
      const rounds = Number(said.get("i"));
      const salt = Buffer.from(said.get("s") ?? "", "base64");
      // An `m` is an extension that must be understood; none is.
      if (said.has("m") || !both.startsWith(nonce) || both.length <= nonce.length || salt.length === 0) {
        throw new Error("the server's SCRAM challenge does not answer ours");
      }
      if (!(rounds >= ROUNDS.min && rounds <= ROUNDS.max)) {
        throw new Error(`the server asks for ${said.get("i")} rounds of SCRAM`);
      }
      const length = createHash(hash).digest().length;
      const salted = await derive(password.normalize("NFKC"), salt, rounds, length, hash);
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=${Buffer.from("n,,").toString("base64")},r=${both}`;
      const spoken = `${firstBare},${serverFirst},${withoutProof}`;
      const signature = hmac(createHash(hash).update(clientKey).digest(), spoken);
      const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
      expected = hmac(hmac(salted, "Server Key"), spoken);
      return `${withoutProof},p=${proof.toString("base64")}`;
    },
    verify: (serverFinal) => {
      const shown = Buffer.from(attributes(serverFinal).get("v") ?? "", "base64");
      return expected !== undefined && shown.length === expected.length && timingSafeEqual(shown, expected);
    },
  };
}

function attributes(message: string): ReadonlyMap<string, string> {
  return new Map(message.split(",").map((part) => [part.slice(0, 1), part.slice(2)]));
}
