#include "addon.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* setParentDeathSignal(signal) -> 0; the kernel sends it when the parent thread is gone */
static napi_value process_parent_death_signal(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  return ret_sys(env, prctl(PR_SET_PDEATHSIG, arg_uint(env, argv[0]), 0, 0, 0));
}

/* setChildSubreaper(on) -> 0; descendants whose parents end become children of this process */
static napi_value process_child_subreaper(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  return ret_sys(env, prctl(PR_SET_CHILD_SUBREAPER, arg_int(env, argv[0]) ? 1UL : 0UL, 0, 0, 0));
}

/* parentPid() -> pid; asked of the kernel, as Node's process.ppid is */
static napi_value process_parent_pid(napi_env env, napi_callback_info info) { return ret_int(env, getppid()); }

/* threadId() -> the kernel's id of the calling thread; a main thread's is its pid */
static napi_value process_thread_id(napi_env env, napi_callback_info info) {
  return ret_int(env, syscall(SYS_gettid));
}

/* waitChild(pid or 0 for any, peek) -> pid of a child that has ended, 0: none has; peek: it is left as it is */
static napi_value process_wait_child(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int pid = arg_int(env, argv[0]);
  siginfo_t found = {0};
  int options = WEXITED | WNOHANG | (arg_int(env, argv[1]) ? WNOWAIT : 0);
  if (waitid(pid == 0 ? P_ALL : P_PID, (id_t)pid, &found, options) < 0) return ret_sys(env, -1);
  return ret_int(env, found.si_pid);
}

/* getAffinity(thread id, out: one bit for each processor) -> bytes that were filled */
static napi_value process_get_affinity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  cpu_set_t set;
  uint8_t *out = arg_bytes(env, argv[1], 0, sizeof set);
  if (out == NULL) return ret_int(env, -EFAULT);
  if (sched_getaffinity(arg_int(env, argv[0]), sizeof set, &set) < 0) return ret_sys(env, -1);
  memcpy(out, &set, sizeof set);
  return ret_int(env, sizeof set);
}

/* setAffinity(thread id, one bit for each processor in 128 bytes) -> 0 */
static napi_value process_set_affinity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  cpu_set_t set;
  uint8_t *bits = arg_bytes(env, argv[1], 0, sizeof set);
  if (bits == NULL) return ret_int(env, -EFAULT);
  memcpy(&set, bits, sizeof set);
  return ret_sys(env, sched_setaffinity(arg_int(env, argv[0]), sizeof set, &set));
}

/* Points at each of `count` strings that lie one after the other, each with its NUL; the list ends with a NULL. */
static char **string_list(uint8_t *bytes, size_t length, uint32_t count) {
  char **list = calloc((size_t)count + 1, sizeof *list);
  uint8_t *end = bytes + length;
  for (uint32_t i = 0; list != NULL && i < count; i++) {
    uint8_t *nul = bytes == end ? NULL : memchr(bytes, 0, (size_t)(end - bytes));
    if (nul == NULL) {
      free(list);
      return NULL;
    }
    list[i] = (char *)bytes;
    bytes = nul + 1;
  }
  return list;
}

/* execute(strings: path, arguments, environment, each with its NUL; length; number of arguments; of variables)
   -> -errno, or never. Node ignores SIGPIPE, and what is ignored stays so: the program gets the default. */
static napi_value process_execute(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int64_t length = arg_int64(env, argv[1]);
  uint32_t arguments = arg_uint(env, argv[2]), variables = arg_uint(env, argv[3]);
  uint8_t *bytes = arg_bytes(env, argv[0], 0, length);
  if (bytes == NULL) return ret_int(env, -EFAULT);
  char **all = string_list(bytes, (size_t)length, 1 + arguments + variables);
  char **list = all == NULL ? NULL : calloc((size_t)arguments + 1, sizeof *list);
  if (list == NULL) {
    free(all);
    return ret_int(env, -EINVAL);
  }
  memcpy(list, all + 1, arguments * sizeof *list);
  struct sigaction standard = {.sa_handler = SIG_DFL}, before;
  sigaction(SIGPIPE, &standard, &before);
  execve(all[0], list, all + 1 + arguments);
  int error = errno;
  sigaction(SIGPIPE, &before, NULL);
  free(list);
  free(all);
  return ret_int(env, -error);
}

/* changeRoot(path) -> 0; what the process sees as "/" from now on */
static napi_value process_change_root(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  char path[4096];
  size_t used;
  if (napi_get_value_string_utf8(env, argv[0], path, sizeof path, &used) != napi_ok) return ret_int(env, -EINVAL);
  if (used == sizeof path - 1) return ret_int(env, -ENAMETOOLONG);
  return ret_sys(env, chroot(path));
}

const addon_function process_functions[] = {{"setParentDeathSignal", process_parent_death_signal},
                                            {"setChildSubreaper", process_child_subreaper},
                                            {"parentPid", process_parent_pid},
                                            {"threadId", process_thread_id},
                                            {"waitChild", process_wait_child},
                                            {"getAffinity", process_get_affinity},
                                            {"setAffinity", process_set_affinity},
                                            {"execute", process_execute},
                                            {"changeRoot", process_change_root},
                                            {NULL, NULL}};
