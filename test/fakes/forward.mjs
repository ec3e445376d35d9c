// Listens in the network that it is run in, and leads to sockets in the file system: `forward.mjs 192.0.2.1 80 /tmp/a …`.
// Says "up" when it does, and ends with its input.
import { once } from "node:events";
import { connect, createServer } from "node:net";

const given = process.argv.slice(2);
for (let at = 0; at < given.length; at += 3) {
  const [host, port, path] = given.slice(at);
  const server = createServer((near) => {
    const far = connect(path);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on("error", () => {}); // which closes it
      from.once("close", () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(Number(port), host);
  await once(server, "listening");
}
console.log("up");
process.stdin.resume().once("end", () => process.exit());
