// What goes over the wire beside plain calls between two of ours: Go's services and clients, streams, brokers, gRPC.
const ROWS = ["go-server", "go-client", "stream", "nats-call", "nats-event", "http-event", "idle-stream", "idle-grpc"];

/** Each file makes its rows or says why it cannot; what breaks one leaves the others. */
export async function run() {
  const rows = [];
  for (const name of ROWS) {
    const { run, title } = await import(`./${name}.mjs`);
    try {
      rows.push(...(await run()));
    } catch (error) {
      rows.push(notRun(title, error instanceof Error ? error.message : String(error)));
    }
  }
  return rows;
}

/** A row without figures. */
export function notRun(what, reason) {
  const line = reason.split("\n")[0];
  return { what, ours: "", peer: "", peerName: "", ratios: [], ratioText: `not run: ${line}`, target: "", met: true };
}
