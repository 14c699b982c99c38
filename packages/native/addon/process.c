#include "addon.h"

#include <limits.h>
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
  INTEGER(signal, 0, 0, 64);
  return ret_sys(env, prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0));
}

/* setChildSubreaper(on) -> 0; descendants whose parents end become children of this process */
static napi_value process_child_subreaper(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  FLAG(on, 0);
  return ret_sys(env, prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)on, 0, 0, 0));
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
  INTEGER(pid, 0, 0, INT32_MAX);
  FLAG(peek, 1);
  siginfo_t found = {0};
  int options = WEXITED | WNOHANG | (peek ? WNOWAIT : 0);
  if (waitid(pid == 0 ? P_ALL : P_PID, (id_t)pid, &found, options) < 0) return ret_sys(env, -1);
  return ret_int(env, found.si_pid);
}

/* getAffinity(thread id, out: one bit for each processor) -> bytes that were filled */
static napi_value process_get_affinity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(thread, 0, 0, INT32_MAX);
  cpu_set_t set;
  uint8_t *out = arg_bytes(env, argv[1], 0, sizeof set);
  if (out == NULL) return ret_int(env, -EFAULT);
  if (sched_getaffinity((pid_t)thread, sizeof set, &set) < 0) return ret_sys(env, -1);
  memcpy(out, &set, sizeof set);
  return ret_int(env, sizeof set);
}

/* setAffinity(thread id, one bit for each processor in 128 bytes) -> 0 */
static napi_value process_set_affinity(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(thread, 0, 0, INT32_MAX);
  cpu_set_t set;
  uint8_t *bits = arg_bytes(env, argv[1], 0, sizeof set);
  if (bits == NULL) return ret_int(env, -EFAULT);
  memcpy(&set, bits, sizeof set);
  return ret_sys(env, sched_setaffinity((pid_t)thread, sizeof set, &set));
}

/* Points at each of `count` strings that lie one after the other, each with its NUL; the list ends with a NULL. */
static char **string_list(uint8_t *bytes, size_t length, size_t count) {
  char **list = calloc(count + 1, sizeof *list);
  uint8_t *end = bytes + length;
  for (size_t i = 0; list != NULL && i < count; i++) {
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
  SIZE(length, 1);
  uint8_t *bytes = arg_bytes(env, argv[0], 0, length);
  if (bytes == NULL) return ret_int(env, -EFAULT);
  /* Each string has a byte at least, its NUL: more of them cannot be there. */
  INTEGER(argumentCount, 2, 0, length);
  INTEGER(variableCount, 3, 0, length);
  size_t arguments = (size_t)argumentCount, variables = (size_t)variableCount;
  char **all = string_list(bytes, (size_t)length, 1 + arguments + variables);
  char **list = all == NULL ? NULL : calloc(arguments + 1, sizeof *list);
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
  NAME_STRING(path, 0, PATH_MAX);
  return ret_sys(env, chroot(path));
}

/* copySignalHandler(from, to) -> 0; what handles `from` in this process handles `to` as well. -ENOENT: nothing handles it. */
static napi_value process_copy_signal_handler(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(from, 0, 0, 64);
  INTEGER(to, 1, 0, 64);
  struct sigaction action;
  if (sigaction((int)from, NULL, &action) < 0) return ret_sys(env, -1);
  bool is_handled = (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
  if (!is_handled) return ret_int(env, -ENOENT);
  return ret_sys(env, sigaction((int)to, &action, NULL));
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
                                            {"copySignalHandler", process_copy_signal_handler},
                                            {NULL, NULL}};
