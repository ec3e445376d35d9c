// Description:
//   Tells a room what a build server posts to /hubot/build/<room>

module.exports = (robot) => {
  robot.router.post("/hubot/build/:room", (req, res) => {
    robot.messageRoom(req.params.room, `build ${req.body.number}: ${req.body.state}`);
    res.json({ told: req.params.room });
  });
};
