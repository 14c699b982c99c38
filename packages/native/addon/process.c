#include "addon.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* setParentDeathSignal(signal) -> 0; the kernel sends it when the parent thread is gone */
static napi_value process_parent_death_signal(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  return ret_sys(env, prctl(PR_SET_PDEATHSIG, arg_uint(env, argv[0]), 0, 0, 0));
}

/* parentPid() -> pid; asked of the kernel, as Node's process.ppid is */
static napi_value process_parent_pid(napi_env env, napi_callback_info info) { return ret_int(env, getppid()); }

const addon_function process_functions[] = {
    {"setParentDeathSignal", process_parent_death_signal}, {"parentPid", process_parent_pid}, {NULL, NULL}};
