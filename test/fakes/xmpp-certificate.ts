import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** The certificate as a file: it vouches for itself. */
  readonly file: string;
  readonly folder: string;
  remove(): Promise<void>;
}

const run = promisify(execFile);

/** A certificate for those names or IP addresses, of an authority that nobody knows: itself. */
export async function makeCertificate(...names: readonly string[]): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "micro-xmpp-cert-"));
  const [key, file] = [join(folder, "t.key"), join(folder, "t.crt")];
  const alternatives = names.map((name) => `${isIP(name) === 0 ? "DNS" : "IP"}:${name}`).join(",");
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"],
    ...["-keyout", key, "-out", file, "-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${alternatives}`],
  ]);
  return {
    key: await readFile(key, "utf8"),
    cert: await readFile(file, "utf8"),
    file,
    folder,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
