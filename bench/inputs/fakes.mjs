// The chat networks of the tests, as JavaScript: Node 20 loads no TypeScript.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NEEDED = [
  ["fakeSlack", "test/fakes/slack.ts"],
  ["slackRequests", "test/fakes/slack-http.ts"],
  ["fakeXmpp, DOMAIN", "test/fakes/xmpp.ts"],
  ["fakeHipChat, CHAT", "test/fakes/hipchat.ts"],
  ["makeCertificate", "test/fakes/xmpp-certificate.ts"],
  ["xml", "src/inputs/xmpp/xml.ts"],
  ["fakeTelegram", "test/fakes/telegram.ts"],
  ["fakeDiscord, DIRECT", "test/fakes/discord.ts"],
];

/** Bundles them into a temporary folder. @returns the module's address, and `remove` */
export async function bundleFakes() {
  const folder = mkdtempSync(join(tmpdir(), "bench-inputs-"));
  const entry = join(folder, "entry.ts");
  const exported = NEEDED.map(([names, file]) => `export { ${names} } from ${JSON.stringify(join(ROOT, file))};\n`);
  writeFileSync(entry, exported.join(""));
  const build = await rolldown({
    input: { fakes: entry },
    platform: "node",
    external: ["bufferutil", "utf-8-validate"],
    transform: { target: "node20" },
    tsconfig: false,
    logLevel: "warn",
  });
  await build.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" });
  await build.close();
  return {
    url: pathToFileURL(join(folder, "fakes.mjs")).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
