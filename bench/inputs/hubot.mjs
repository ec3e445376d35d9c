// Hubot with the adapter for Slack that is kept up (@hubot-friends/hubot-slack), over the same fake Slack.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { openNetwork } from "./people.mjs";

/** Both from the project's own folder, so that the adapter and the robot mean the same Hubot. */
const require = createRequire(new URL("../../package.json", import.meta.url));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

/** @param began told the number of a message when its listener starts */
export async function startHubot(fakes, began = () => {}) {
  const network = await openNetwork(fakes, "slack");
  const { token, appToken, apiUrl } = network.facts;
  Object.assign(process.env, {
    HUBOT_SLACK_APP_TOKEN: appToken,
    HUBOT_SLACK_BOT_TOKEN: token,
    HUBOT_SLACK_SOCKET_MODE_OPTS: JSON.stringify({ clientOptions: { slackApiUrl: apiUrl } }),
    DISABLE_USER_SYNC: "1",
  });
  const [{ Robot }, { default: slack }] = await Promise.all([load("hubot"), load("@hubot-friends/hubot-slack")]);
  const use = (robot) => {
    const adapter = slack.use(robot);
    adapter.client.web.axios.defaults.baseURL = apiUrl;
    return adapter;
  };
  const robot = new Robot({ use }, false, "micro");
  robot.logger.level = "silent";
  await robot.loadAdapter();
  robot.hear(/bench (\d+)\./, async (res) => {
    const number = Number(res.match[1]);
    began(number);
    await res.send(`heard ${number}`);
  });
  await robot.run();
  return network;
}
