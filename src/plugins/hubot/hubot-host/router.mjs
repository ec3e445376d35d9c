import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * `robot.router`: the Express that Hubot brings, with what Hubot sets up of it. It listens where only the bot's own HTTP server
 * comes, on a socket in a folder of its own; without one, routes are taken and never asked for.
 *
 * @param path of the socket; `undefined`: there is no HTTP
 */
export async function createRouter({ path, env, robot }) {
  const require = createRequire(createRequire(import.meta.url).resolve("hubot"));
  const load = async (name) => {
    const found = await import(pathToFileURL(require.resolve(name)).href);
    return found.default ?? found;
  };
  const express = await load("express");
  const app = express();
  app.use((_request, response, next) => {
    response.setHeader("X-Powered-By", `hubot/${encodeURI(robot.name)}`);
    next();
  });
  if (env.EXPRESS_USER && env.EXPRESS_PASSWORD) {
    const basicAuth = await load("express-basic-auth");
    app.use(basicAuth({ users: { [env.EXPRESS_USER]: env.EXPRESS_PASSWORD } }));
  }
  const limit = env.EXPRESS_LIMIT || "100kb";
  app.use(express.json({ limit }));
  app.use(express.urlencoded({ limit, extended: true, parameterLimit: Number(env.EXPRESS_PARAMETER_LIMIT) || 1000 }));
  if (env.EXPRESS_STATIC) app.use(express.static(env.EXPRESS_STATIC));
  if (path === undefined) return { app };
  // Of a life of this thread that was ended.
  rmSync(path, { force: true });
  const server = createServer(app);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return { app, server };
}
