# Description:
#   Who is on call, kept in robot.brain
#
# Commands:
#   hubot who is on call - Tell who is on call
#   hubot <name> is on call - Say who is
#
# Author:
#   the Micro Bot examples

module.exports = (robot) ->
  robot.respond /who(?:'s| is) on call\??$/i, { id: "who" }, (msg) ->
    msg.send robot.brain.get("oncall") or "nobody is on call"

  robot.respond /(?!who\b)(\w+) is on call$/i, { id: "set" }, (msg) ->
    robot.brain.set "oncall", msg.match[1]
    robot.brain.save()
    msg.reply "#{msg.match[1]} is on call"
