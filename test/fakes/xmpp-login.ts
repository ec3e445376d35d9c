import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** The server's side of SCRAM (RFC 5802) and PLAIN, for a fake. */
export interface LoginExchange {
  /** Takes what the client says, decoded; `done` says whether it may come in. */
  take(said: string): { readonly challenge: string } | { readonly done: boolean; readonly proof: string };
}

export interface LoginInit {
  readonly user: string;
  readonly password: string;
  /** It knows no password, as somebody in between. */
  readonly forged?: boolean;
  readonly rounds?: number;
}

const HASHES: Readonly<Record<string, string>> = {
  "SCRAM-SHA-1": "sha1",
  "SCRAM-SHA-256": "sha256",
  "SCRAM-SHA-512": "sha512",
};

export function loginExchange(mechanism: string, init: LoginInit): LoginExchange {
  if (mechanism === "PLAIN") {
    return { take: (said) => ({ done: said === `\0${init.user}\0${init.password}`, proof: "" }) };
  }
  const hash = HASHES[mechanism] ?? "sha1";
  const { rounds = 4096 } = init;
  const salt = randomBytes(16);
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
  let clientFirst = "";
  let serverFirst = "";
  return {
    take: (said) => {
      if (clientFirst === "") {
        clientFirst = said.slice("n,,".length);
        const nonce = /r=([^,]*)/.exec(clientFirst)?.[1];
        serverFirst = `r=${nonce}${randomBytes(9).toString("hex")},s=${salt.toString("base64")},i=${rounds}`;
        return { challenge: serverFirst };
      }
      const [withoutProof = "", proof = ""] = said.split(",p=");
      const length = createHash(hash).digest().length;
      const salted = pbkdf2Sync(init.password, salt, rounds, length, hash);
      const spoken = `${clientFirst},${serverFirst},${withoutProof}`;
      const clientKey = hmac(salted, "Client Key");
      const signature = hmac(createHash(hash).update(clientKey).digest(), spoken);
      const expected = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString("base64");
      const user = /n=([^,]*)/.exec(clientFirst)?.[1];
      const server = hmac(hmac(salted, "Server Key"), spoken).toString("base64");
      if (init.forged) return { done: true, proof: `v=${randomBytes(20).toString("base64")}` };
      return { done: proof === expected && user === init.user, proof: `v=${server}` };
    },
  };
}
