import { afterAll, beforeAll, expect, it } from "vitest";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";
import { fixture } from "./fixture.ts";
import { ask, bearer, type Receiving, receiving, sourceOf } from "./posting.ts";

const body = JSON.stringify(fixture("alertmanager-firing"));
const made: Certificate[] = [];
let running: Receiving;

beforeAll(async () => {
  for (const name of ["127.0.0.1", "prometheus.example", "other.example", "stranger.example"]) {
    made.push(await makeCertificate(name));
  }
  const [own, prometheus, other] = made as [Certificate, Certificate, Certificate];
  const authentication = { kind: "certificate", names: ["prometheus.example"] } as const;
  running = await receiving([sourceOf("am", { authentication }), sourceOf("token")], {
    // Each vouches for itself.
    tls: { cert: own.cert, key: own.key, ca: `${prometheus.cert}\n${other.cert}` },
  });
});
afterAll(async () => {
  await running?.stop();
  for (const one of made) await one.remove();
});

it.each([
  ["the certificate that is listed", "am", 1, 200],
  ["one of another name that the authority vouches for", "am", 2, 403],
  ["one that nobody vouches for, with any name in it", "am", 3, 401],
  ["none", "am", undefined, 401],
  ["none, to a source that shows a token", "token", undefined, 200],
])("knows a source by %s", async (_what, source, index, status) => {
  const shown = index === undefined ? undefined : made[index];
  const tls = { ca: made[0]?.cert ?? "", ...(shown && { cert: shown.cert, key: shown.key }) };
  const headers = source === "token" ? bearer() : {};
  expect((await ask(running.receiver.address, `/alerts/${source}`, { body, headers, tls })).status).toBe(status);
});
