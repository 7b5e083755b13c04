// The commands of the program. Each takes its own arguments (after the command's name), prints data
// to stdout and throws Error families of base/error.h; main.cpp turns them into exit codes.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace emosweep::launcher {

using Arguments = std::vector<std::string>;

Exit plan_command(const Arguments& arguments);
Exit run_command(const Arguments& arguments);     // collective when launched by mpirun
Exit resume_command(const Arguments& arguments);  // collective when launched by mpirun
Exit status_command(const Arguments& arguments);
Exit report_command(const Arguments& arguments);
Exit verify_command(const Arguments& arguments);
Exit predict_command(const Arguments& arguments);
Exit prepare_command(const Arguments& arguments);

}  // namespace emosweep::launcher
