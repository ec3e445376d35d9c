// Old Hubot's modules and logger, as adapters get them, too. The build puts the files themselves here.
export { oldHubot, oldModule } from "../../../inputs/hubot/hubot-worker/facade.mjs";
