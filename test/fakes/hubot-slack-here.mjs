import slack from "@hubot-friends/hubot-slack";

/** The published adapter, whose Web API client knows only one address, pointed to another. */
export default {
  use(robot) {
    const adapter = slack.use(robot);
    adapter.client.web.axios.defaults.baseURL = process.env.HUBOT_SLACK_API_URL;
    return adapter;
  },
};
