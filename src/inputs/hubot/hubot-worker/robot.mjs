/** A Robot that listens to nobody: what its adapter hears goes to `receive`, and to no script or command of Hubot's. */
export async function createRobot({ Robot }, { name, alias, http, logger, use, receive }) {
  class InputRobot extends Robot {
    async receive(message) {
      receive(message);
      return [];
    }

    setupCommandListeners() {}

    setupNullRouter() {
      this.router ??= noRouter;
    }
  }

  const robot = new InputRobot({ use }, false, name, alias);
  robot.logger = logger;
  // Adapters from before version 14 ask for it while they are made.
  if (http) await listen(robot);
  else robot.setupNullRouter();
  await robot.loadAdapter();
  return robot;
}

async function listen(robot) {
  await robot.setupExpress();
  // A port that is taken is no error to Hubot.
  if (!robot.server.listening) throw new Error("robot.router: the port of EXPRESS_PORT cannot be had");
}

const METHODS = ["all", "delete", "get", "head", "options", "patch", "post", "put", "route", "use"];

const noRouter = Object.fromEntries(
  METHODS.map((method) => [
    method,
    () => {
      const words = "the adapter wants HTTP (robot.router): say where to listen with EXPRESS_PORT";
      throw Object.assign(new Error(words), { code: "MICRO_WRONG" });
    },
  ]),
);
