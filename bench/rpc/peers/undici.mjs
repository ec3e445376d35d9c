import { createServer } from "node:http";
import { Pool } from "undici";
import { greeting, request } from "../payload.mjs";

export async function server() {
  const http = createServer((req, res) => {
    const chunks = [];
    req.on("data", (chunk) => chunks.push(chunk));
    req.on("end", () => {
      const text = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const answer = Buffer.from(JSON.stringify(greeting(JSON.parse(text))));
      res.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      res.end(answer);
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return { port: http.address().port };
}

export async function client({ port, size }) {
  const pool = new Pool(`http://127.0.0.1:${port}`);
  const input = request(size);
  const wanted = greeting(input).msg.length;
  const headers = { "content-type": "application/json" };
  return async () => {
    const { body } = await pool.request({ path: "/", method: "POST", headers, body: JSON.stringify(input) });
    const { msg } = await body.json();
    if (msg.length !== wanted) throw new Error("another answer");
  };
}
