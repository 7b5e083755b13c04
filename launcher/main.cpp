// emosweep COMMAND ...: finds the command, runs it, turns what it throws into an exit code.
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string>

#include "base/fault.h"
#include "launcher/command_line.h"
#include "launcher/commands.h"
#include "launcher/run_version.h"

namespace {

using emosweep::Exit;
namespace launcher = emosweep::launcher;

Exit dispatch(const launcher::Arguments& arguments) {
  using Command = Exit (*)(const launcher::Arguments&);
  const std::map<std::string, Command> commands = {
      {"plan", launcher::plan_command},       {"run", launcher::run_command},
      {"resume", launcher::resume_command},   {"status", launcher::status_command},
      {"report", launcher::report_command},   {"verify", launcher::verify_command},
      {"predict", launcher::predict_command}, {"prepare", launcher::prepare_command}};
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    std::fputs(launcher::program_help().c_str(), stdout);
    return Exit::done;
  }
  if (arguments[0] == "--version") {
    std::fputs(launcher::version_text().c_str(), stdout);
    return Exit::done;
  }
  const auto command = commands.find(arguments[0]);
  if (command == commands.end()) {
    const std::string near = emosweep::nearest(arguments[0], launcher::command_names());
    throw emosweep::InputError("unknown command '" + arguments[0] + "'" +
                               (near.empty() ? "" : ": did you mean '" + near + "'?") +
                               " (emosweep --help lists the commands)");
  }
  return command->second({arguments.begin() + 1, arguments.end()});
}

int complain(const char* what, Exit code) {
  std::fprintf(stderr, "emosweep: error: %s\n", what);
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    emosweep::arm_faults_from_environment();
    const Exit code = dispatch({argv + 1, argv + argc});
    // A full disk or a closed pipe behind stdout must not look like success.
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      return complain("stdout could not be written", Exit::cannot_go_on);
    }
    return static_cast<int>(code);
  } catch (const emosweep::InputError& error) {
    return complain(error.what(), Exit::bad_input);
  } catch (const emosweep::Error& error) {
    return complain(error.what(), Exit::cannot_go_on);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", Exit::cannot_go_on);
  } catch (const std::exception& error) {
    return complain(error.what(), Exit::cannot_go_on);
  }
}
