// As adapters have it. The build puts the file itself here.
export { createLogger } from "../../../inputs/hubot/hubot-worker/logger.mjs";
