// Description:
//   Hears when something is shipped
//
// Commands:
//   ship it - Encourage whoever ships

module.exports = (robot) => {
  const words = ["ship it!", "a squirrel is on its way"];
  robot.hear(/\bship(?:ping)? it\b/i, { id: "hear" }, (res) => res.send(words[0]));
};
