#include "services/cli/chat_command.h"

#include "services/cli/chat.h"
#include "services/cli/local_tools.h"
#include "services/cli/turn_spec.h"

namespace penstock::cli {

Command ChatCommand() {
  Command command{
      "chat",
      {},
      "talk: on a terminal, one turn a --message, or one turn a line of standard input",
      {{"--session", "S", "go on with this session, or make it; default: a new one"},
       {"--message", "TEXT", "say this and leave", true},
       {"--quiet", "", "print the answers and errors only"},
       {"--verbose", "", "after each answer: model, tokens, cost, time; always on a terminal"}},
      {"penstock chat", "penstock chat --session boat --message \"What is the name of my boat?\"",
       "penstock chat --image boat.png --message \"What is it?\"",
       "penstock chat --tool clock=date --yes --message \"Use the tool clock.\"",
       "printf 'Hello.\\nHow are you?\\n' | penstock chat --agent brief"},
      RunChat};
  for (Flag& flag : LocalToolFlags()) command.flags.push_back(std::move(flag));
  for (Flag& flag : TurnSpecFlags()) command.flags.push_back(std::move(flag));
  return command;
}

}  // namespace penstock::cli
